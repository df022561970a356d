//! Arithmetic of 64 bits, and between 32 and 64.

use super::{extend, f, map, round, to_integer, twice};
use crate::isa::{Narrow, Row, WideAlu, WideRow, Widen};

twice!(
    /// One wide row from up to three.
    wide, wide_fast, wide_body(f: WideAlu, a: &WideRow, b: &WideRow, c: &WideRow) -> WideRow
);
#[inline(always)]
fn d(bits: u64) -> f64 {
    f64::from_bits(bits)
}

#[inline(always)]
fn wide_body(op: WideAlu, a: &WideRow, b: &WideRow, c: &WideRow) -> WideRow {
    match op {
        WideAlu::Mov => *a,
        WideAlu::Add => map!(i => a[i].wrapping_add(b[i])),
        WideAlu::Sub => map!(i => a[i].wrapping_sub(b[i])),
        WideAlu::MulLo => map!(i => a[i].wrapping_mul(b[i])),
        WideAlu::MulHiU => map!(i => ((u128::from(a[i]) * u128::from(b[i])) >> 64) as u64),
        WideAlu::MulHiS => map!(i => ((i128::from(a[i] as i64) * i128::from(b[i] as i64)) >> 64) as u64),
        WideAlu::MadLo => map!(i => a[i].wrapping_mul(b[i]).wrapping_add(c[i])),
        WideAlu::DivU => map!(i => a[i].checked_div(b[i]).unwrap_or(0)),
        WideAlu::DivS => {
            map!(i => if b[i] == 0 { 0 } else { (a[i] as i64).wrapping_div(b[i] as i64) as u64 })
        }
        WideAlu::RemU => map!(i => a[i].checked_rem(b[i]).unwrap_or(0)),
        WideAlu::RemS => {
            map!(i => if b[i] == 0 { 0 } else { (a[i] as i64).wrapping_rem(b[i] as i64) as u64 })
        }
        WideAlu::MinU => map!(i => a[i].min(b[i])),
        WideAlu::MinS => map!(i => (a[i] as i64).min(b[i] as i64) as u64),
        WideAlu::MaxU => map!(i => a[i].max(b[i])),
        WideAlu::MaxS => map!(i => (a[i] as i64).max(b[i] as i64) as u64),
        WideAlu::AbsS => map!(i => (a[i] as i64).wrapping_abs() as u64),
        WideAlu::Neg => map!(i => a[i].wrapping_neg()),
        WideAlu::And => map!(i => a[i] & b[i]),
        WideAlu::Or => map!(i => a[i] | b[i]),
        WideAlu::Xor => map!(i => a[i] ^ b[i]),
        WideAlu::Not => map!(i => !a[i]),
        WideAlu::AddF => map!(i => (d(a[i]) + d(b[i])).to_bits()),
        WideAlu::SubF => map!(i => (d(a[i]) - d(b[i])).to_bits()),
        WideAlu::MulF => map!(i => (d(a[i]) * d(b[i])).to_bits()),
        WideAlu::FmaF => map!(i => d(a[i]).mul_add(d(b[i]), d(c[i])).to_bits()),
        WideAlu::DivF => map!(i => (d(a[i]) / d(b[i])).to_bits()),
        WideAlu::MinF => map!(i => d(a[i]).min(d(b[i])).to_bits()),
        WideAlu::MaxF => map!(i => d(a[i]).max(d(b[i])).to_bits()),
        WideAlu::NegF => map!(i => a[i] ^ 1 << 63),
        WideAlu::AbsF => map!(i => a[i] & !(1 << 63)),
        WideAlu::SqrtF => map!(i => d(a[i]).sqrt().to_bits()),
        WideAlu::RoundF64(mode) => map!(i => round(d(a[i]), mode).to_bits()),
        WideAlu::IntToF64 { signed: true } => map!(i => (a[i] as i64 as f64).to_bits()),
        WideAlu::IntToF64 { signed: false } => map!(i => (a[i] as f64).to_bits()),
        WideAlu::F64ToInt { signed, round } => map!(i => to_integer(d(a[i]), 64, signed, round)),
    }
}

pub(crate) fn widen(op: Widen, a: &Row) -> WideRow {
    match op {
        Widen::Extend { bits, signed: true } => map!(i => extend(a[i], bits, true) as i32 as u64),
        Widen::Extend { bits, signed: false } => map!(i => u64::from(extend(a[i], bits, false))),
        Widen::IntToF64 { signed: true } => map!(i => f64::from(a[i] as i32).to_bits()),
        Widen::IntToF64 { signed: false } => map!(i => f64::from(a[i]).to_bits()),
        Widen::F32ToF64 => map!(i => f64::from(f(a[i])).to_bits()),
        Widen::F32ToInt { signed, round } => map!(i => to_integer(f64::from(f(a[i])), 64, signed, round)),
    }
}

pub(crate) fn narrow(op: Narrow, a: &WideRow) -> Row {
    match op {
        Narrow::Truncate { bits } => map!(i => extend(a[i] as u32, bits, false)),
        Narrow::F64ToF32 => map!(i => (d(a[i]) as f32).to_bits()),
        Narrow::F64ToInt { signed, round } => map!(i => to_integer(d(a[i]), 32, signed, round) as u32),
        Narrow::IntToF32 { signed: true } => map!(i => (a[i] as i64 as f32).to_bits()),
        Narrow::IntToF32 { signed: false } => map!(i => (a[i] as f32).to_bits()),
        Narrow::Popc => map!(i => a[i].count_ones()),
        Narrow::Clz => map!(i => a[i].leading_zeros()),
    }
}
