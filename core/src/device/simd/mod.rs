//! Vectors chosen at run time: one kernel body, compiled for AVX-512, AVX2 and any machine.
//!
//! A kernel is a struct of slices with one generic `run`; `simd_kernel!` writes the struct. f64 runs one lane at a
//! time with the standard library's functions: it exists to check gradients, not to be fast.

mod f32_math;
mod f64x1;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Add, Div, Mul, Sub};
use std::sync::OnceLock;

use super::Real;

pub use f64x1::F64x1;
pub use portable::F32x4;

/// A few numbers computed on at once.
pub trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The number type.
    type Elem: Real;
    /// How many.
    const LANES: usize;

    /// All lanes equal.
    fn splat(x: Self::Elem) -> Self;
    /// Reads `LANES` numbers.
    ///
    /// # Safety
    /// `x` must be readable for `LANES` numbers.
    unsafe fn load_ptr(x: *const Self::Elem) -> Self;
    /// Writes `LANES` numbers.
    ///
    /// # Safety
    /// `y` must be writable for `LANES` numbers.
    unsafe fn store_ptr(self, y: *mut Self::Elem);
    /// self * b + c, fused where the machine can.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Lane-wise maximum; a NaN in `self` gives `other`.
    fn max(self, other: Self) -> Self;
    /// Lane-wise absolute value.
    fn abs(self) -> Self;
    /// `yes` where self < limit, else `no`.
    fn select_lt(self, limit: Self, yes: Self, no: Self) -> Self;
    /// Sum over lanes, in a fixed order.
    fn sum(self) -> Self::Elem;
    /// Largest lane.
    fn max_lane(self) -> Self::Elem;
    /// e^x; 0 below the smallest normal number's logarithm.
    fn exp(self) -> Self;
    /// 2^x for x <= 0, never below the smallest normal number.
    fn exp2_decay(self) -> Self;
    /// Standard normal distribution function and density.
    fn normal(self) -> (Self, Self);
    /// log(1 + e^x)
    fn softplus(self) -> Self;

    /// Reads the first `LANES` numbers of a slice.
    #[inline(always)]
    fn load(x: &[Self::Elem]) -> Self {
        assert!(x.len() >= Self::LANES);
        // SAFETY: the slice is long enough.
        unsafe { Self::load_ptr(x.as_ptr()) }
    }

    /// Writes the first `LANES` numbers of a slice.
    #[inline(always)]
    fn store(self, y: &mut [Self::Elem]) {
        assert!(y.len() >= Self::LANES);
        // SAFETY: the slice is long enough.
        unsafe { self.store_ptr(y.as_mut_ptr()) }
    }

    /// Reads a slice shorter than a vector; the other lanes are 0.
    #[inline(always)]
    fn load_part(x: &[Self::Elem]) -> Self {
        let mut lanes = [Self::Elem::ZERO; 16];
        lanes[..x.len()].copy_from_slice(x);
        Self::load(&lanes)
    }

    /// Writes the first lanes to a slice shorter than a vector.
    #[inline(always)]
    fn store_part(self, y: &mut [Self::Elem]) {
        let mut lanes = [Self::Elem::ZERO; 16];
        self.store(&mut lanes);
        y.copy_from_slice(&lanes[..y.len()]);
    }

    /// Numbers `c..c + LANES` of a row; lanes past its end are 0.
    #[inline(always)]
    fn at(row: &[Self::Elem], c: usize) -> Self {
        if c + Self::LANES <= row.len() {
            // SAFETY: the condition.
            unsafe { Self::load_ptr(row.as_ptr().add(c)) }
        } else {
            Self::load_part(row.get(c..).unwrap_or(&[]))
        }
    }

    /// Writes numbers `c..c + LANES` of a row; lanes past its end are dropped.
    #[inline(always)]
    fn put(self, row: &mut [Self::Elem], c: usize) {
        if c + Self::LANES <= row.len() {
            // SAFETY: the condition.
            unsafe { self.store_ptr(row.as_mut_ptr().add(c)) }
        } else if c < row.len() {
            self.store_part(&mut row[c..]);
        }
    }

    /// 0 in every lane.
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(Self::Elem::ZERO)
    }

    /// One constant in every lane.
    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::splat(Self::Elem::from_f64(x))
    }

    /// 1 / (1 + e^-x)
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let one = Self::constant(1.0);
        one / (one + (Self::zero() - self).exp())
    }
}

/// A loop over slices, written once for every vector width.
pub trait Kernel<T: Real> {
    /// What the loop returns.
    type Output;
    /// The loop. It must be `#[inline(always)]`, or it is compiled without the wide instructions.
    fn run<V: Vector<Elem = T>>(self) -> Self::Output;
}

/// Writes a function whose body is compiled once a vector width: `V` is the vector type inside.
macro_rules! simd_kernel {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$life:lifetime, $t:ident, $v:ident>($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        $vis fn $name<$life, $t: $crate::device::Real>($($arg: $ty),*) $(-> $out)? {
            struct Arguments<$life, $t: $crate::device::Real>($($ty,)* std::marker::PhantomData<&$life $t>);
            impl<$life, $t: $crate::device::Real> $crate::device::simd::Kernel<$t> for Arguments<$life, $t> {
                type Output = simd_kernel!(@output $($out)?);
                #[inline(always)]
                fn run<$v: $crate::device::simd::Vector<Elem = $t>>(self) -> Self::Output {
                    let Self($($arg,)* _) = self;
                    $body
                }
            }
            $t::dispatch(Arguments($($arg,)* std::marker::PhantomData))
        }
    };
    (@output) => { () };
    (@output $out:ty) => { $out };
}
pub(crate) use simd_kernel;

/// Instruction sets a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever every machine of this architecture has.
    Baseline,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 F, VL, BW and DQ.
    Avx512,
}

impl Level {
    /// The best of this machine, detected once.
    pub fn detected() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("fma")
                {
                    return Level::Avx512;
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    return Level::Avx2;
                }
            }
            Level::Baseline
        })
    }
}

#[cfg(test)]
thread_local! {
    /// Lets a test compare the paths: the level of kernels on this thread.
    pub static FORCED: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
}

fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = FORCED.get() {
        return level;
    }
    Level::detected()
}

pub(super) fn dispatch_f32<K: Kernel<f32>>(kernel: K) -> K::Output {
    match level() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has these instructions.
        Level::Avx512 => unsafe { x86::run_avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { x86::run_avx2(kernel) },
        _ => kernel.run::<F32x4>(),
    }
}

pub(super) fn dispatch_f64<K: Kernel<f64>>(kernel: K) -> K::Output {
    kernel.run::<F64x1>()
}

#[cfg(test)]
mod tests;
