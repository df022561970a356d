//! One f64: the standard library's functions, for gradient checks.

use std::ops::{Add, Div, Mul, Sub};

use super::Vector;

/// One f64.
#[derive(Clone, Copy)]
pub struct F64x1(f64);

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl $trait for F64x1 {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0))
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Vector for F64x1 {
    type Elem = f64;
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self(x)
    }
    #[inline(always)]
    unsafe fn load_ptr(x: *const f64) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { *x })
    }
    #[inline(always)]
    unsafe fn store_ptr(self, y: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { *y = self.0 }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(self.0 * b.0 + c.0)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }
    #[inline(always)]
    fn select_lt(self, limit: Self, yes: Self, no: Self) -> Self {
        if self.0 < limit.0 { yes } else { no }
    }
    #[inline(always)]
    fn sum(self) -> f64 {
        self.0
    }
    #[inline(always)]
    fn max_lane(self) -> f64 {
        self.0
    }
    fn exp(self) -> Self {
        Self(self.0.exp())
    }
    fn exp2_decay(self) -> Self {
        Self(self.0.exp2())
    }
    fn normal(self) -> (Self, Self) {
        let phi = 0.5 * libm::erfc(-self.0 * std::f64::consts::FRAC_1_SQRT_2);
        let density = (-0.5 * self.0 * self.0).exp() / std::f64::consts::TAU.sqrt();
        (Self(phi), Self(density))
    }
    fn softplus(self) -> Self {
        Self(self.0.max(0.0) + (-self.0.abs()).exp().ln_1p())
    }
}
