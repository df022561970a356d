//! The special function unit: approximations computed almost exactly, then moved by an error within the unit's own.
//!
//! A device's `ex2.approx` and its like are off by up to two units in the last place, in ways we cannot reproduce.
//! Results here are rounded correctly in nearly all cases; [`perturb`] then moves each by a number of units that
//! depends on the operation and its input only, so that a kernel that relies on exact bits is caught.

use crate::isa::{Mufu, Row};

/// 2^x; the polynomial's relative error is 3e-13, far below half a unit of f32.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    const LN2: f64 = std::f64::consts::LN_2;
    // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
    const TO_INTEGER: f64 = 6_755_399_441_055_744.0;
    let x = f64::from(x).clamp(-200.0, 200.0);
    let shifted = x + TO_INTEGER;
    let r = (x - (shifted - TO_INTEGER)) * LN2;
    let mut p = 1.0 / 3_628_800.0;
    for reciprocal in [
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = f64::mul_add(p, r, reciprocal);
    }
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    (p * scale) as f32
}

#[inline(always)]
pub(crate) fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0f32.copysign(x) } else { x }
}

macro_rules! lanes {
    ($a:ident, $x:ident => $value:expr) => {{
        let mut out = [0u32; 32];
        for lane in 0..32 {
            let $x = f32::from_bits($a[lane]);
            out[lane] = ($value).to_bits();
        }
        out
    }};
}

#[inline(always)]
pub(crate) fn evaluate(f: Mufu, a: &Row) -> Row {
    match f {
        Mufu::Ex2 => lanes!(a, x => exp2(x)),
        Mufu::Rcp => lanes!(a, x => (1.0 / f64::from(x)) as f32),
        Mufu::Rsqrt => lanes!(a, x => (1.0 / f64::from(x).sqrt()) as f32),
        Mufu::Sqrt => lanes!(a, x => f64::from(x).sqrt() as f32),
        Mufu::Lg2 => lanes!(a, x => f64::from(x).log2() as f32),
        Mufu::Sin => lanes!(a, x => f64::from(x).sin() as f32),
        Mufu::Cos => lanes!(a, x => f64::from(x).cos() as f32),
        Mufu::Tanh => lanes!(a, x => f64::from(x).tanh() as f32),
    }
}

/// Moves every result by -`ulps` … `ulps` units in the last place, a function of operation and input. Zero, infinity,
/// NaN, and what the unit returns exactly (2^0) stay.
pub(crate) fn perturb(f: Mufu, input: &Row, out: &mut Row, ulps: u32) {
    // tanh.approx is documented to 2^-11 relative: 4096 units.
    let ulps = if f == Mufu::Tanh { ulps * 2048 } else { ulps };
    let span = 2 * ulps + 1;
    for (x, y) in input.iter().zip(out.iter_mut()) {
        let value = f32::from_bits(*y);
        if !value.is_normal() || f == Mufu::Ex2 && value == 1.0 {
            continue;
        }
        let hash = (x ^ (f as u32) << 27).wrapping_mul(0x9e37_79b1);
        let by = ((hash >> 7) % span) as i32 - ulps as i32;
        let moved = y.wrapping_add_signed(by);
        if f32::from_bits(moved).is_normal() {
            *y = moved;
        }
    }
}
