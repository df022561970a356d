//! Arithmetic on whole rows: 32 lanes at once, compiled twice, with AVX2 and FMA and without.

use crate::half::{
    bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16, f64_to_bf16, f64_to_f16, truncate_to_bf16,
};
use crate::isa::{Alu, HalfOp, Rounding, Row};
use crate::mufu::{self, flush};

mod compare;
#[cfg(test)]
mod tests;
mod wide;

pub(crate) use compare::{compare, compare_wide};
pub(crate) use wide::{narrow, wide, widen};

/// Does this machine have the instructions of the fast version?
pub(crate) fn fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Compiles a function twice and calls the version that `fast` permits.
macro_rules! twice {
    ($(#[$doc:meta])* $name:ident, $quick:ident, $body:ident($($arg:ident: $ty:ty),*) -> $out:ty) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn $quick($($arg: $ty),*) -> $out {
            $body($($arg),*)
        }

        $(#[$doc])*
        pub(crate) fn $name(fast: bool, $($arg: $ty),*) -> $out {
            #[cfg(target_arch = "x86_64")]
            if fast {
                // SAFETY: `fast` comes from `fast()`, which asked this machine for both features.
                return unsafe { $quick($($arg),*) };
            }
            let _ = fast;
            $body($($arg),*)
        }
    };
}
use twice;

/// A row of a value for each lane.
macro_rules! map {
    ($lane:ident => $value:expr) => {{
        let mut out = [Default::default(); 32];
        for $lane in 0..32 {
            out[$lane] = $value;
        }
        out
    }};
}
use map;

twice!(
    /// One row from up to three; integer division by zero is zero here and must be refused before.
    alu, alu_fast, alu_body(f: Alu, ftz: bool, sat: bool, a: &Row, b: &Row, c: &Row) -> Row
);
#[inline(always)]
fn f(bits: u32) -> f32 {
    f32::from_bits(bits)
}

#[inline(always)]
fn minimum(a: f32, b: f32) -> f32 {
    if a < b || a == b && a.is_sign_negative() || b.is_nan() { a } else { b }
}

#[inline(always)]
fn maximum(a: f32, b: f32) -> f32 {
    if a > b || a == b && a.is_sign_positive() || b.is_nan() { a } else { b }
}

#[inline(always)]
fn round(x: f64, mode: Rounding) -> f64 {
    match mode {
        Rounding::NearestEven => x.round_ties_even(),
        Rounding::Zero => x.trunc(),
        Rounding::Down => x.floor(),
        Rounding::Up => x.ceil(),
    }
}

/// Saturates as `cvt` does; NaN is 0.
#[inline(always)]
fn to_integer(x: f64, bits: u8, signed: bool, mode: Rounding) -> u64 {
    let x = round(x, mode);
    match (bits, signed) {
        (8, true) => x as i8 as u64,
        (16, true) => x as i16 as u64,
        (32, true) => x as i32 as u64,
        (_, true) => x as i64 as u64,
        (8, false) => u64::from(x as u8),
        (16, false) => u64::from(x as u16),
        (32, false) => u64::from(x as u32),
        (_, false) => x as u64,
    }
}

#[inline(always)]
pub(crate) fn extend(x: u32, bits: u8, signed: bool) -> u32 {
    let shift = 32 - u32::from(bits);
    if signed { ((x << shift) as i32 >> shift) as u32 } else { x << shift >> shift }
}

#[inline(always)]
fn to_half(x: f32, bf16: bool, mode: Rounding, relu: bool) -> u32 {
    let x = if relu && !x.is_nan() { maximum(x, 0.0) } else { x };
    u32::from(match (bf16, mode) {
        (true, Rounding::Zero) => truncate_to_bf16(x),
        (true, _) => f32_to_bf16(x),
        (false, _) => f32_to_f16(x),
    })
}

#[inline(always)]
fn half(op: HalfOp, bf16: bool, a: u16, b: u16, c: u16) -> u16 {
    let value = |x| f64::from(if bf16 { bf16_to_f32(x) } else { f16_to_f32(x) });
    let (x, y) = (value(a), value(b));
    let result = match op {
        HalfOp::Neg => return a ^ 0x8000,
        HalfOp::Abs => return a & 0x7fff,
        HalfOp::Min => return if x < y || x == y && a >> 15 == 1 || y.is_nan() { a } else { b },
        HalfOp::Max => return if x > y || x == y && a >> 15 == 0 || y.is_nan() { a } else { b },
        HalfOp::Add => x + y,
        HalfOp::Sub => x - y,
        HalfOp::Mul => x * y,
        HalfOp::Fma => x * y + value(c),
    };
    if bf16 { f64_to_bf16(result) } else { f64_to_f16(result) }
}

fn lop3(table: u8, a: u32, b: u32, c: u32) -> u32 {
    (0..8).filter(|i| table >> i & 1 == 1).fold(0, |out, i| {
        let pick = |x: u32, bit: u32| if i & bit != 0 { x } else { !x };
        out | pick(a, 4) & pick(b, 2) & pick(c, 1)
    })
}

fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |out, i| {
        let pick = selector >> (4 * i) & 15;
        let byte = (bytes >> (8 * (pick & 7))) as u8;
        let byte = if pick & 8 != 0 { (byte as i8 >> 7) as u8 } else { byte };
        out | u32::from(byte) << (8 * i)
    })
}

fn bit_field(a: u32, position: u32, length: u32, signed: bool) -> u32 {
    let (position, length) = (position & 255, length & 255);
    if length == 0 {
        return 0;
    }
    let sign = if signed { a >> (position + length - 1).min(31) & 1 } else { 0 };
    (0..32).fold(0, |out, i| {
        let inside = i < length && position + i < 32;
        out | (if inside { a >> (position + i) & 1 } else { sign }) << i
    })
}

fn funnel(low: u32, high: u32, amount: u32, wrap: bool, left: bool) -> u32 {
    let n = if wrap { amount & 31 } else { amount.min(32) };
    let both = u64::from(high) << 32 | u64::from(low);
    if left { (both << n >> 32) as u32 } else { (both >> n) as u32 }
}

#[inline(always)]
fn alu_body(op: Alu, ftz: bool, sat: bool, a: &Row, b: &Row, c: &Row) -> Row {
    if !ftz && !sat {
        return plain(op, a, b, c);
    }
    let flushed = |row: &Row| -> Row { map!(i => flush(f(row[i])).to_bits()) };
    let mut out = if ftz { plain(op, &flushed(a), &flushed(b), &flushed(c)) } else { plain(op, a, b, c) };
    if ftz && !matches!(op, Alu::F32ToInt { .. } | Alu::F32ToHalf { .. } | Alu::F32x2ToHalves { .. }) {
        out = flushed(&out);
    }
    if sat {
        // NaN becomes 0.
        out = map!(i => minimum(maximum(f(out[i]), 0.0), 1.0).to_bits());
    }
    out
}

#[inline(always)]
fn plain(op: Alu, a: &Row, b: &Row, c: &Row) -> Row {
    match op {
        Alu::Mov => *a,
        Alu::Add => map!(i => a[i].wrapping_add(b[i])),
        Alu::Sub => map!(i => a[i].wrapping_sub(b[i])),
        Alu::MulLo => map!(i => a[i].wrapping_mul(b[i])),
        Alu::MulHiU => map!(i => ((u64::from(a[i]) * u64::from(b[i])) >> 32) as u32),
        Alu::MulHiS => map!(i => ((i64::from(a[i] as i32) * i64::from(b[i] as i32)) >> 32) as u32),
        Alu::MadLo => map!(i => a[i].wrapping_mul(b[i]).wrapping_add(c[i])),
        Alu::MadHiU => map!(i => (((u64::from(a[i]) * u64::from(b[i])) >> 32) as u32).wrapping_add(c[i])),
        Alu::MadHiS => {
            map!(i => (((i64::from(a[i] as i32) * i64::from(b[i] as i32)) >> 32) as u32).wrapping_add(c[i]))
        }
        Alu::DivU => map!(i => a[i].checked_div(b[i]).unwrap_or(0)),
        Alu::DivS => map!(i => if b[i] == 0 { 0 } else { (a[i] as i32).wrapping_div(b[i] as i32) as u32 }),
        Alu::RemU => map!(i => a[i].checked_rem(b[i]).unwrap_or(0)),
        Alu::RemS => map!(i => if b[i] == 0 { 0 } else { (a[i] as i32).wrapping_rem(b[i] as i32) as u32 }),
        Alu::MinU => map!(i => a[i].min(b[i])),
        Alu::MinS => map!(i => (a[i] as i32).min(b[i] as i32) as u32),
        Alu::MaxU => map!(i => a[i].max(b[i])),
        Alu::MaxS => map!(i => (a[i] as i32).max(b[i] as i32) as u32),
        Alu::AbsS => map!(i => (a[i] as i32).wrapping_abs() as u32),
        Alu::Neg => map!(i => a[i].wrapping_neg()),
        Alu::And => map!(i => a[i] & b[i]),
        Alu::Or => map!(i => a[i] | b[i]),
        Alu::Xor => map!(i => a[i] ^ b[i]),
        Alu::Not => map!(i => !a[i]),
        Alu::Shl => map!(i => if b[i] > 31 { 0 } else { a[i] << (b[i] & 31) }),
        Alu::ShrU => map!(i => if b[i] > 31 { 0 } else { a[i] >> (b[i] & 31) }),
        Alu::ShrS => map!(i => (a[i] as i32 >> b[i].min(31)) as u32),
        Alu::Lop3(table) => map!(i => lop3(table, a[i], b[i], c[i])),
        Alu::Prmt => map!(i => permute(a[i], b[i], c[i])),
        Alu::BfeU => map!(i => bit_field(a[i], b[i], c[i], false)),
        Alu::BfeS => map!(i => bit_field(a[i], b[i], c[i], true)),
        Alu::Popc => map!(i => a[i].count_ones()),
        Alu::Clz => map!(i => a[i].leading_zeros()),
        Alu::Brev => map!(i => a[i].reverse_bits()),
        Alu::ShfLeft { wrap } => map!(i => funnel(a[i], b[i], c[i], wrap, true)),
        Alu::ShfRight { wrap } => map!(i => funnel(a[i], b[i], c[i], wrap, false)),
        Alu::PackHalves => map!(i => a[i] & 0xffff | b[i] << 16),
        Alu::Extend { bits, signed } => map!(i => extend(a[i], bits, signed)),
        Alu::AddF => map!(i => (f(a[i]) + f(b[i])).to_bits()),
        Alu::SubF => map!(i => (f(a[i]) - f(b[i])).to_bits()),
        Alu::MulF => map!(i => (f(a[i]) * f(b[i])).to_bits()),
        Alu::FmaF => map!(i => f(a[i]).mul_add(f(b[i]), f(c[i])).to_bits()),
        Alu::DivF | Alu::DivApprox => map!(i => (f(a[i]) / f(b[i])).to_bits()),
        Alu::MinF => map!(i => minimum(f(a[i]), f(b[i])).to_bits()),
        Alu::MaxF => map!(i => maximum(f(a[i]), f(b[i])).to_bits()),
        Alu::MinNan => {
            map!(i => if f(a[i]).is_nan() { a[i] } else if f(b[i]).is_nan() { b[i] } else { minimum(f(a[i]), f(b[i])).to_bits() })
        }
        Alu::MaxNan => {
            map!(i => if f(a[i]).is_nan() { a[i] } else if f(b[i]).is_nan() { b[i] } else { maximum(f(a[i]), f(b[i])).to_bits() })
        }
        Alu::NegF => map!(i => a[i] ^ 0x8000_0000),
        Alu::AbsF => map!(i => a[i] & 0x7fff_ffff),
        Alu::SqrtF => map!(i => f(a[i]).sqrt().to_bits()),
        Alu::CopysignF => map!(i => b[i] & 0x7fff_ffff | a[i] & 0x8000_0000),
        Alu::Approx(unit) => mufu::evaluate(unit, a),
        Alu::F32ToInt { bits, signed, round } => {
            map!(i => to_integer(f64::from(f(a[i])), bits, signed, round) as u32)
        }
        Alu::IntToF32 { signed, round: mode } => map!(i => {
            let exact = if signed { f64::from(a[i] as i32) } else { f64::from(a[i]) };
            int_to_f32(exact, mode).to_bits()
        }),
        Alu::RoundF32(mode) => map!(i => (round(f64::from(f(a[i])), mode) as f32).to_bits()),
        Alu::F32ToHalf { bf16, round, relu } => map!(i => to_half(f(a[i]), bf16, round, relu)),
        Alu::HalfToF32 { bf16: true } => map!(i => a[i] << 16),
        Alu::HalfToF32 { bf16: false } => map!(i => f16_to_f32(a[i] as u16).to_bits()),
        Alu::F32x2ToHalves { bf16, round, relu } => {
            map!(i => to_half(f(a[i]), bf16, round, relu) << 16 | to_half(f(b[i]), bf16, round, relu))
        }
        Alu::Half { op, bf16, packed } => map!(i => {
            let low = u32::from(half(op, bf16, a[i] as u16, b[i] as u16, c[i] as u16));
            let high = |x: u32| (x >> 16) as u16;
            if packed { low | u32::from(half(op, bf16, high(a[i]), high(b[i]), high(c[i]))) << 16 } else { low }
        }),
    }
}

/// An integer of at most 32 bits, exact as f64, rounded to f32.
#[inline(always)]
fn int_to_f32(exact: f64, mode: Rounding) -> f32 {
    let near = exact as f32;
    let back = f64::from(near);
    let step = |up: bool| if up { near.next_up() } else { near.next_down() };
    match mode {
        Rounding::NearestEven => near,
        Rounding::Down if back > exact => step(false),
        Rounding::Up if back < exact => step(true),
        Rounding::Zero if back.abs() > exact.abs() => step(exact < 0.0),
        _ => near,
    }
}
