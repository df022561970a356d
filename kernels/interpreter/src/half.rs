//! bf16 and f16 as bit patterns.

/// The value of a bf16.
#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bf16, ties to even; NaN is 0x7fff as on the device.
#[inline(always)]
pub fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if x.is_nan() { 0x7fff } else { rounded }
}

/// The value of an IEEE binary16.
#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, mantissa) = (u32::from(bits >> 10) & 31, u32::from(bits & 1023));
    let magnitude = match exponent {
        0 => (mantissa as f32 * f32::from_bits(103 << 23)).to_bits(),
        31 => 0x7f80_0000 | mantissa << 13,
        _ => (exponent + 112) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The nearest binary16, ties to even; overflow is infinity, NaN is 0x7fff.
#[inline(always)]
pub fn f32_to_f16(x: f32) -> u16 {
    f64_to_f16(f64::from(x))
}

#[inline(always)]
pub(crate) fn f64_to_f16(x: f64) -> u16 {
    if x.is_nan() {
        return 0x7fff;
    }
    let sign = ((x.to_bits() >> 48) & 0x8000) as u16;
    let a = x.abs();
    if a >= 65520.0 {
        return sign | 0x7c00;
    }
    // Spacing of the numbers around a: 2^(exponent - 10), at least 2^-24. Carries into the exponent come out right.
    let exponent = (((a.to_bits() >> 52) as i32) - 1023).max(-14);
    let spacing = f64::from_bits(((exponent - 10 + 1023) as u64) << 52);
    let steps = (a / spacing).round_ties_even() as u32;
    sign | ((((exponent + 14) as u32) << 10) + steps) as u16
}

/// Rounds an f64 once.
#[inline(always)]
pub(crate) fn f64_to_bf16(x: f64) -> u16 {
    // Odd rounding to f32 first: the second rounding then sees which side of a tie the f64 stood on.
    let near = x as f32;
    if !near.is_finite() || f64::from(near) == x {
        return f32_to_bf16(near);
    }
    let bits = near.to_bits();
    let toward_zero = if f64::from(near).abs() > x.abs() { bits - 1 } else { bits };
    f32_to_bf16(f32::from_bits(toward_zero | 1))
}

/// Toward zero.
#[inline(always)]
pub(crate) fn truncate_to_bf16(x: f32) -> u16 {
    if x.is_nan() { 0x7fff } else { (x.to_bits() >> 16) as u16 }
}
