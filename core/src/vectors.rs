//! Loops that the compiler makes vectors of, compiled for AVX-512, AVX2 and any machine; chosen at run time.

/// What `work` returns. Its loops should be of plain arithmetic on slices: what is inlined into it is compiled for the widest
/// vectors that this machine has (a long closure only with `#[inline(always)]`, a long loop only as `for`).
/// Nothing is fused or reordered, so the result is the same on every machine.
#[inline]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt,lzcnt")]
        fn avx512<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
        fn avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        macro_rules! has {
            ($($feature:tt)*) => { $(is_x86_feature_detected!($feature))&&* };
        }
        if has!("avx2" "bmi1" "bmi2" "popcnt" "lzcnt") {
            if has!("avx512f" "avx512bw" "avx512dq" "avx512vl") {
                // SAFETY: the machine has the features.
                return unsafe { avx512(work) };
            }
            // SAFETY: the machine has the features.
            return unsafe { avx2(work) };
        }
    }
    work()
}
