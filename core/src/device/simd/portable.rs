//! Four f32 in an array: what any compiler turns into baseline SSE2 or NEON.

use std::ops::{Add, Div, Mul, Sub};

use super::Vector;
use super::f32_math::{self, F32Vector};

/// Four f32.
#[derive(Clone, Copy)]
pub struct F32x4([f32; 4]);

/// NEON always fuses; baseline x86-64 cannot, and a software fused multiply-add would be very slow.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait for F32x4 {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|i| self.0[i].$method(other.0[i])))
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Vector for F32x4 {
    type Elem = f32;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 4])
    }
    #[inline(always)]
    unsafe fn load_ptr(x: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { x.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store_ptr(self, y: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { y.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|i| {
            if FUSED { self.0[i].mul_add(b.0[i], c.0[i]) } else { self.0[i] * b.0[i] + c.0[i] }
        }))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] }))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }
    #[inline(always)]
    fn select_lt(self, limit: Self, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] < limit.0[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
    #[inline(always)]
    fn max_lane(self) -> f32 {
        self.0[0].max(self.0[1]).max(self.0[2].max(self.0[3]))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f32_math::exp(self)
    }
    #[inline(always)]
    fn exp2_decay(self) -> Self {
        f32_math::exp2_decay(self)
    }
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        f32_math::normal(self)
    }
    #[inline(always)]
    fn softplus(self) -> Self {
        f32_math::softplus(self)
    }
}

impl F32Vector for F32x4 {
    #[inline(always)]
    fn scale_by_power(p: Self, t: Self) -> Self {
        Self(std::array::from_fn(|i| f32::from_bits(p.0[i].to_bits().wrapping_add(t.0[i].to_bits() << 23))))
    }
}
