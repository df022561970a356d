//! Eight and sixteen f32 by AVX2 and AVX-512 instructions.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use super::f32_math::{self, F32Vector};
use super::{Kernel, Vector};

/// Runs a kernel with AVX-512.
///
/// # Safety
/// The processor must have the features named.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
pub unsafe fn run_avx512<K: Kernel<f32>>(kernel: K) -> K::Output {
    kernel.run::<F32x16>()
}

/// Runs a kernel with AVX2.
///
/// # Safety
/// The processor must have the features named.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn run_avx2<K: Kernel<f32>>(kernel: K) -> K::Output {
    kernel.run::<F32x8>()
}

/// Eight f32. Values of this type exist only below `run_avx2`.
#[derive(Clone, Copy)]
pub struct F32x8(__m256);

/// Sixteen f32. Values of this type exist only below `run_avx512`.
#[derive(Clone, Copy)]
pub struct F32x16(__m512);

macro_rules! operator {
    ($vector:ident, $trait:ident, $method:ident, $instruction:ident) => {
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: a vector exists only where its instructions do.
                Self(unsafe { $instruction(self.0, other.0) })
            }
        }
    };
}
operator!(F32x8, Add, add, _mm256_add_ps);
operator!(F32x8, Sub, sub, _mm256_sub_ps);
operator!(F32x8, Mul, mul, _mm256_mul_ps);
operator!(F32x8, Div, div, _mm256_div_ps);
operator!(F32x16, Add, add, _mm512_add_ps);
operator!(F32x16, Sub, sub, _mm512_sub_ps);
operator!(F32x16, Mul, mul, _mm512_mul_ps);
operator!(F32x16, Div, div, _mm512_div_ps);

/// The methods whose bodies differ only in the instructions' prefix.
macro_rules! shared_methods {
    ($n:literal, $set1:ident, $loadu:ident, $storeu:ident, $fmadd:ident, $max:ident) => {
        type Elem = f32;
        const LANES: usize = $n;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            // SAFETY: a vector is made only below its `run`.
            Self(unsafe { $set1(x) })
        }
        #[inline(always)]
        unsafe fn load_ptr(x: *const f32) -> Self {
            // SAFETY: the caller's promise.
            Self(unsafe { $loadu(x) })
        }
        #[inline(always)]
        unsafe fn store_ptr(self, y: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe { $storeu(y, self.0) }
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: a vector exists only where its instructions do.
            Self(unsafe { $fmadd(self.0, b.0, c.0) })
        }
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { $max(self.0, other.0) })
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
    };
}

impl Vector for F32x8 {
    shared_methods!(8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_max_ps);

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: a vector exists only where its instructions do.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }
    #[inline(always)]
    fn select_lt(self, limit: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, limit.0)) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut x = [0.0; 8];
        self.store(&mut x);
        ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    }
    #[inline(always)]
    fn max_lane(self) -> f32 {
        let mut x = [0.0; 8];
        self.store(&mut x);
        x.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

impl F32Vector for F32x8 {
    #[inline(always)]
    fn scale_by_power(p: Self, t: Self) -> Self {
        // SAFETY: a vector exists only where its instructions do.
        Self(unsafe {
            let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(t.0));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p.0), exponent))
        })
    }
}

impl Vector for F32x16 {
    shared_methods!(16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_max_ps);

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: a vector exists only where its instructions do.
        Self(unsafe { _mm512_abs_ps(self.0) })
    }
    #[inline(always)]
    fn select_lt(self, limit: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, limit.0), no.0, yes.0) })
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
    #[inline(always)]
    fn max_lane(self) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
}

impl F32Vector for F32x16 {
    #[inline(always)]
    fn scale_by_power(p: Self, t: Self) -> Self {
        // SAFETY: a vector exists only where its instructions do.
        Self(unsafe {
            let exponent = _mm512_slli_epi32::<23>(_mm512_castps_si512(t.0));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p.0), exponent))
        })
    }
}
