//! `mma.sync.m16n8k16`: fragments of a warp into matrices, and back.
//!
//! Lane = 4 g + t. A, 16 x 16: register i holds rows g + 8 (i & 1) and columns 2 t + 8 (i >> 1), two columns a
//! register, low half first. B, 16 x 8: register i holds rows 2 t + 8 i and the next, column g. C and D, 16 x 8:
//! registers 0, 1 are row g, columns 2 t and 2 t + 1; registers 2, 3 row g + 8.
//! Source: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".

use crate::half::{bf16_to_f32, f16_to_f32};
use crate::isa::Row;

/// D = A B + C. Products are exact, the sum is rounded once: to nearest, or toward zero as some devices do.
pub(crate) fn multiply(
    fast: bool,
    bf16: bool,
    truncate: bool,
    a: [&Row; 4],
    b: [&Row; 2],
    c: [&Row; 4],
) -> [Row; 4] {
    #[cfg(target_arch = "x86_64")]
    if fast {
        // SAFETY: `fast` comes from `lanes::fast()`, which asked this machine for both features.
        return unsafe { multiply_fast(bf16, truncate, a, b, c) };
    }
    let _ = fast;
    multiply_body::<false>(bf16, truncate, a, b, c)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn multiply_fast(bf16: bool, truncate: bool, a: [&Row; 4], b: [&Row; 2], c: [&Row; 4]) -> [Row; 4] {
    multiply_body::<true>(bf16, truncate, a, b, c)
}

#[inline(always)]
fn halves(bf16: bool, bits: u32) -> [f64; 2] {
    let value = |x: u16| f64::from(if bf16 { bf16_to_f32(x) } else { f16_to_f32(x) });
    [value(bits as u16), value((bits >> 16) as u16)]
}

#[inline(always)]
fn multiply_body<const FUSED: bool>(
    bf16: bool,
    truncate: bool,
    a: [&Row; 4],
    b: [&Row; 2],
    c: [&Row; 4],
) -> [Row; 4] {
    let mut left = [[0f64; 16]; 16];
    let mut right = [[0f64; 8]; 16];
    let mut sum = [[0f64; 8]; 16];
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        for i in 0..4 {
            let (row, column) = (g + 8 * (i & 1), 2 * t + 8 * (i >> 1));
            [left[row][column], left[row][column + 1]] = halves(bf16, a[i][lane]);
        }
        for i in 0..2 {
            [right[2 * t + 8 * i][g], right[2 * t + 8 * i + 1][g]] = halves(bf16, b[i][lane]);
        }
        for i in 0..4 {
            sum[g + 8 * (i >> 1)][2 * t + (i & 1)] = f64::from(f32::from_bits(c[i][lane]));
        }
    }
    // Four rows at a time stay in registers. A product is exact, so fused or not is the same.
    for (rows, left) in sum.chunks_exact_mut(4).zip(left.chunks_exact(4)) {
        let mut sums: [[f64; 8]; 4] = std::array::from_fn(|i| rows[i]);
        for k in 0..16 {
            for i in 0..4 {
                for j in 0..8 {
                    let (x, y, sum) = (left[i][k], right[k][j], sums[i][j]);
                    sums[i][j] = if FUSED { x.mul_add(y, sum) } else { x * y + sum };
                }
            }
        }
        rows.copy_from_slice(&sums);
    }
    let mut out = [[0; 32]; 4];
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        for i in 0..4 {
            let exact = sum[g + 8 * (i >> 1)][2 * t + (i & 1)];
            let near = exact as f32;
            let too_far = truncate && near.is_finite() && f64::from(near).abs() > exact.abs();
            out[i][lane] = if too_far { near.to_bits() - 1 } else { near.to_bits() };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes;

    #[test]
    fn the_fast_version_computes_the_same_bits() {
        if !lanes::fast() {
            eprintln!("skipped: this machine has no AVX2 and FMA");
            return;
        }
        let mut state = 7u32;
        let mut row = |mask: u32| -> Row {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state & mask
            })
        };
        for _ in 0..50 {
            // Halves with exponents around 1, so that sums round.
            let a: [Row; 4] = std::array::from_fn(|_| row(0xbfff_bfff));
            let b: [Row; 2] = std::array::from_fn(|_| row(0xbfff_bfff));
            let c: [Row; 4] = std::array::from_fn(|_| row(0xbfff_ffff));
            for (bf16, truncate) in [(true, false), (true, true), (false, false), (false, true)] {
                let run = |fast| multiply(fast, bf16, truncate, a.each_ref(), b.each_ref(), c.each_ref());
                assert_eq!(run(true), run(false));
            }
        }
    }
}
