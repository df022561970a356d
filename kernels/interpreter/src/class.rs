//! Classes of instructions, for counters.

use crate::isa::{Alu, Op, Space};

/// What a counter of executed instructions calls it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[rustfmt::skip]
pub enum Class {
    /// `mma.sync`
    Mma,
    /// The special function unit: ex2, lg2, rcp, rsqrt, sqrt, tanh, sin, cos.
    Mufu,
    /// f32 arithmetic.
    Fp32,
    /// Everything else that computes.
    Integer,
    /// Conversions.
    Convert,
    /// `ld.global`, and cp.async's read.
    LoadGlobal,
    /// `st.global`
    StoreGlobal,
    /// `ld.shared`
    LoadShared,
    /// `st.shared`
    StoreShared,
    /// `ldmatrix`
    Ldmatrix,
    /// `cp.async`
    CopyAsync,
    /// `shfl`, `vote`, `redux`
    Shuffle,
    /// `bar.sync`, `bar.warp.sync`
    Barrier,
    /// `atom`, `red`
    Atomic,
    /// `bra`, `ret`
    Branch,
    /// `ld.param`
    LoadParam,
}

impl Op {
    /// The class it is counted in.
    pub(crate) fn class(&self) -> Class {
        match self {
            Op::Mma { .. } => Class::Mma,
            Op::Alu { f: Alu::Approx(_) | Alu::DivApprox, .. } => Class::Mufu,
            Op::Alu { f, .. } => match f {
                Alu::AddF | Alu::SubF | Alu::MulF | Alu::FmaF | Alu::DivF | Alu::MinF | Alu::MaxF => {
                    Class::Fp32
                }
                Alu::MinNan | Alu::MaxNan | Alu::NegF | Alu::AbsF | Alu::SqrtF => Class::Fp32,
                Alu::F32ToInt { .. } | Alu::IntToF32 { .. } | Alu::RoundF32(_) => Class::Convert,
                Alu::F32ToHalf { .. } | Alu::HalfToF32 { .. } | Alu::F32x2ToHalves { .. } => Class::Convert,
                _ => Class::Integer,
            },
            Op::Load { address, .. } if address.space == Space::Global => Class::LoadGlobal,
            Op::Load { .. } => Class::LoadShared,
            Op::Store { address, .. } if address.space == Space::Global => Class::StoreGlobal,
            Op::Store { .. } => Class::StoreShared,
            Op::LoadParam { .. } => Class::LoadParam,
            Op::Ldmatrix { .. } => Class::Ldmatrix,
            Op::CopyAsync { .. } | Op::CopyCommit | Op::CopyWait { .. } | Op::CopyWaitAll => Class::CopyAsync,
            Op::Shuffle { .. } | Op::Vote { .. } | Op::Redux { .. } | Op::Elect { .. } => Class::Shuffle,
            Op::WarpBarrier { .. } | Op::Barrier { .. } | Op::Fence => Class::Barrier,
            Op::Atomic { .. } => Class::Atomic,
            Op::Branch { .. } | Op::Exit => Class::Branch,
            _ => Class::Integer,
        }
    }
}
