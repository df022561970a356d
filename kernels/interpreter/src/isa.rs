//! Decoded instructions: every operand is the number of a row in a warp's register file.

/// One 32-bit value per lane. Registers of 16 bits use the low half.
pub(crate) type Row = [u32; 32];
/// One 64-bit value per lane.
pub(crate) type WideRow = [u64; 32];

/// A fundamental or packed PTX type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum Type {
    Pred, B8, U8, S8, B16, U16, S16, F16, BF16, B32, U32, S32, F32, F16x2, BF16x2, B64, U64, S64, F64,
}

impl Type {
    #[rustfmt::skip]
    pub(crate) fn parse(name: &str) -> Option<Type> {
        use Type::*;
        Some(match name {
            "pred" => Pred, "b8" => B8, "u8" => U8, "s8" => S8, "b16" => B16, "u16" => U16, "s16" => S16,
            "f16" => F16, "bf16" => BF16, "b32" => B32, "u32" => U32, "s32" => S32, "f32" => F32,
            "f16x2" => F16x2, "bf16x2" => BF16x2, "b64" => B64, "u64" => U64, "s64" => S64, "f64" => F64,
            _ => return None,
        })
    }

    pub(crate) fn bits(self) -> u32 {
        use Type::*;
        match self {
            Pred => 1,
            B8 | U8 | S8 => 8,
            B16 | U16 | S16 | F16 | BF16 => 16,
            B32 | U32 | S32 | F32 | F16x2 | BF16x2 => 32,
            B64 | U64 | S64 | F64 => 64,
        }
    }

    pub(crate) fn bytes(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    pub(crate) fn signed(self) -> bool {
        matches!(self, Type::S8 | Type::S16 | Type::S32 | Type::S64)
    }

    pub(crate) fn float(self) -> bool {
        use Type::*;
        matches!(self, F16 | BF16 | F32 | F64 | F16x2 | BF16x2)
    }
}

/// Which of a warp's three files a register lives in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum File {
    Narrow,
    Wide,
    Pred,
}

/// A declared register: its row in its file, and its number among all registers (for "was it written?").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reg {
    pub file: File,
    pub row: u16,
    pub slot: u16,
    pub bits: u32,
}

/// Values that a warp's register file holds besides registers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fixed {
    Const(u32),
    Tid(u8),
    Ntid(u8),
    Ctaid(u8),
    Nctaid(u8),
    Laneid,
    Warpid,
    LanemaskLt,
    /// An address in dynamic shared memory, as long as the size of the static part is not known.
    DynamicShared(i32),
    /// Where `_` is written.
    Sink,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    NearestEven,
    Zero,
    Down,
    Up,
}

/// Arithmetic on 16-bit halves, one or two a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HalfOp {
    Add,
    Sub,
    Mul,
    Fma,
    Min,
    Max,
    Neg,
    Abs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mufu {
    Ex2,
    Lg2,
    Rcp,
    Rsqrt,
    Sqrt,
    Sin,
    Cos,
    Tanh,
}

/// 32-bit results of up to three 32-bit sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum Alu {
    Mov, Add, Sub, MulLo, MulHiU, MulHiS, MadLo, MadHiU, MadHiS, DivU, DivS, RemU, RemS,
    MinU, MinS, MaxU, MaxS, AbsS, Neg, And, Or, Xor, Not, Shl, ShrU, ShrS, Lop3(u8), Prmt,
    BfeU, BfeS, Popc, Clz, Brev, ShfLeft { wrap: bool }, ShfRight { wrap: bool },
    /// Low halves of two sources side by side: the first is the low half.
    PackHalves,
    /// Zero- or sign-extends the low bits.
    Extend { bits: u8, signed: bool },
    AddF, SubF, MulF, FmaF, DivF, DivApprox, MinF, MaxF, MinNan, MaxNan, NegF, AbsF, SqrtF, CopysignF,
    Approx(Mufu),
    F32ToInt { bits: u8, signed: bool, round: Rounding },
    IntToF32 { signed: bool, round: Rounding },
    RoundF32(Rounding),
    F32ToHalf { bf16: bool, round: Rounding, relu: bool },
    HalfToF32 { bf16: bool },
    /// First source in the upper half.
    F32x2ToHalves { bf16: bool, round: Rounding, relu: bool },
    Half { op: HalfOp, bf16: bool, packed: bool },
}

/// 64-bit results of up to three 64-bit sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum WideAlu {
    Mov, Add, Sub, MulLo, MulHiU, MulHiS, MadLo, DivU, DivS, RemU, RemS, MinU, MinS, MaxU, MaxS, AbsS, Neg,
    And, Or, Xor, Not, AddF, SubF, MulF, FmaF, DivF, MinF, MaxF, NegF, AbsF, SqrtF, RoundF64(Rounding),
    IntToF64 { signed: bool }, F64ToInt { signed: bool, round: Rounding },
}

/// 64-bit results of 32-bit sources and the reverse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Widen {
    Extend { bits: u8, signed: bool },
    IntToF64 { signed: bool },
    F32ToF64,
    F32ToInt { signed: bool, round: Rounding },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Narrow {
    Truncate { bits: u8 },
    F64ToF32,
    F64ToInt { signed: bool, round: Rounding },
    IntToF32 { signed: bool },
    Popc,
    Clz,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum Compare { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan }

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Logic {
    And,
    Or,
    Xor,
}

/// A predicate and whether its complement is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Predicate {
    pub row: u16,
    pub negate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Space {
    Global,
    Shared,
}

/// `[row + offset]`; the row is wide in global memory, narrow in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    pub space: Space,
    pub row: u16,
    pub offset: i64,
}

/// The registers of a load or store, at most four, and how an element becomes a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Elements {
    pub bytes: u8,
    pub count: u8,
    pub signed: bool,
    pub wide: bool,
    pub rows: [u16; 4],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shuffle {
    Up,
    Down,
    Bfly,
    Idx,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Vote {
    All,
    Any,
    Uni,
    Ballot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum AtomicOp { Add, And, Or, Xor, Inc, Dec, Min, Max, Exch, Cas }

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
pub(crate) enum Op {
    Alu { f: Alu, ftz: bool, sat: bool, d: u16, s: [u16; 3] },
    /// 16-bit integer arithmetic: sources extended to 32 bits, the result cut to 16.
    Alu16 { f: Alu, signed: bool, d: u16, s: [u16; 3] },
    Wide { f: WideAlu, d: u16, s: [u16; 3] },
    WideShift { left: bool, signed: bool, d: u16, a: u16, amount: u16 },
    MulWide { signed: bool, d: u16, a: u16, b: u16 },
    /// The 16-bit sources have a 32-bit product.
    MulWide16 { signed: bool, d: u16, a: u16, b: u16, add: Option<u16> },
    MadWide { signed: bool, d: u16, a: u16, b: u16, c: u16 },
    Widen { f: Widen, d: u16, a: u16 },
    Narrow { f: Narrow, d: u16, a: u16 },
    PackWide { d: u16, low: u16, high: u16 },
    UnpackWide { low: u16, high: u16, a: u16 },
    UnpackHalves { low: u16, high: u16, a: u16 },
    Setp { compare: Compare, ty: Type, ftz: bool, d: u16, complement: Option<u16>, a: u16, b: u16, combine: Option<(Logic, Predicate)> },
    PredLogic { f: Logic, d: u16, a: Predicate, b: Predicate },
    Selp { d: u16, a: u16, b: u16, p: Predicate },
    SelpWide { d: u16, a: u16, b: u16, p: Predicate },
    LoadParam { offset: u32, elements: Elements },
    /// `read_only`: through the cache that does not see this launch's writes (`.nc`).
    Load { address: Address, elements: Elements, read_only: bool },
    Store { address: Address, elements: Elements },
    Atomic { op: AtomicOp, ty: Type, address: Address, d: Option<u16>, a: u16, b: u16 },
    CopyAsync { shared: Address, global: Address, bytes: u8, source_bytes: Option<u16> },
    CopyCommit,
    CopyWait { pending: u32 },
    CopyWaitAll,
    Ldmatrix { count: u8, transposed: bool, address: Address, d: [u16; 4] },
    Mma { bf16: bool, d: [u16; 4], a: [u16; 4], b: [u16; 2], c: [u16; 4] },
    Shuffle { mode: Shuffle, d: u16, valid: Option<u16>, a: u16, lane: u16, clamp: u16, members: u16 },
    Vote { mode: Vote, d: u16, p: Predicate, members: u16 },
    Redux { op: AtomicOp, signed: bool, d: u16, a: u16, members: u16 },
    Activemask { d: u16 },
    Elect { d: u16, p: u16, members: u16 },
    WarpBarrier { members: u16 },
    Barrier { id: u16, threads: Option<u16>, arrive: bool },
    Fence,
    Branch { target: u32 },
    Exit,
}

#[derive(Clone, Debug)]
pub(crate) struct Instr {
    pub line: u32,
    pub guard: Option<Predicate>,
    pub op: Op,
    /// Registers that must have been written, and those that this instruction writes, by slot.
    pub reads: Box<[u16]>,
    pub writes: Box<[u16]>,
}

impl Op {
    /// Which lanes must run this together: all of the warp, those of a member mask, or any.
    pub(crate) fn collective(&self) -> Collective {
        match *self {
            Op::Ldmatrix { .. } | Op::Mma { .. } | Op::Barrier { .. } => Collective::Aligned,
            Op::Shuffle { members, .. }
            | Op::Vote { members, .. }
            | Op::Redux { members, .. }
            | Op::Elect { members, .. }
            | Op::WarpBarrier { members } => Collective::Members(members),
            _ => Collective::No,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Collective {
    No,
    Aligned,
    /// The row that holds the member mask.
    Members(u16),
}
