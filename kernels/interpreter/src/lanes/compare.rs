//! Comparisons: one bit a lane.

use super::{f, twice};
use crate::isa::{Compare, Row, Type, WideRow};
use crate::mufu::flush;

twice!(
    /// Lanes for which the comparison holds.
    compare, compare_fast, compare_body(f: Compare, ty: Type, ftz: bool, a: &Row, b: &Row) -> u32
);

macro_rules! mask {
    ($lane:ident => $value:expr) => {{
        let mut out = 0u32;
        for $lane in 0..32 {
            out |= u32::from($value) << $lane;
        }
        out
    }};
}

macro_rules! compare_as {
    ($f:expr, $a:ident, $b:ident, $read:expr, $float:expr) => {{
        let read = $read;
        let unordered = |i: usize| $float && (read($a[i]) != read($a[i]) || read($b[i]) != read($b[i]));
        match $f {
            Compare::Eq => mask!(i => read($a[i]) == read($b[i])),
            Compare::Ne => mask!(i => read($a[i]) != read($b[i]) && !unordered(i)),
            Compare::Lt => mask!(i => read($a[i]) < read($b[i])),
            Compare::Le => mask!(i => read($a[i]) <= read($b[i])),
            Compare::Gt => mask!(i => read($a[i]) > read($b[i])),
            Compare::Ge => mask!(i => read($a[i]) >= read($b[i])),
            Compare::Equ => mask!(i => read($a[i]) == read($b[i]) || unordered(i)),
            Compare::Neu => mask!(i => read($a[i]) != read($b[i])),
            Compare::Ltu => mask!(i => read($a[i]) < read($b[i]) || unordered(i)),
            Compare::Leu => mask!(i => read($a[i]) <= read($b[i]) || unordered(i)),
            Compare::Gtu => mask!(i => read($a[i]) > read($b[i]) || unordered(i)),
            Compare::Geu => mask!(i => read($a[i]) >= read($b[i]) || unordered(i)),
            Compare::Num => mask!(i => !unordered(i)),
            Compare::Nan => mask!(i => unordered(i)),
        }
    }};
}

#[inline(always)]
fn compare_body(op: Compare, ty: Type, ftz: bool, a: &Row, b: &Row) -> u32 {
    match ty {
        Type::F32 if ftz => compare_as!(op, a, b, |x: u32| flush(f(x)), true),
        Type::F32 => compare_as!(op, a, b, f, true),
        Type::S32 => compare_as!(op, a, b, |x: u32| x as i32, false),
        Type::S16 => compare_as!(op, a, b, |x: u32| x as i16, false),
        Type::U16 | Type::B16 => compare_as!(op, a, b, |x: u32| x as u16, false),
        _ => compare_as!(op, a, b, |x: u32| x, false),
    }
}

#[allow(clippy::eq_op)]
pub(crate) fn compare_wide(op: Compare, ty: Type, a: &WideRow, b: &WideRow) -> u32 {
    match ty {
        Type::F64 => compare_as!(op, a, b, f64::from_bits, true),
        Type::S64 => compare_as!(op, a, b, |x: u64| x as i64, false),
        _ => compare_as!(op, a, b, |x: u64| x, false),
    }
}
