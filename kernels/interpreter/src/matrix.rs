//! `mma.sync.m16n8k16`: fragments of a warp into matrices, and back.
//!
//! Lane = 4 g + t. A, 16 x 16: register i holds rows g + 8 (i & 1) and columns 2 t + 8 (i >> 1), two columns a
//! register, low half first. B, 16 x 8: register i holds rows 2 t + 8 i and the next, column g. C and D, 16 x 8:
//! registers 0, 1 are row g, columns 2 t and 2 t + 1; registers 2, 3 row g + 8.
//! Source: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".

use crate::half::{bf16_to_f32, f16_to_f32};
use crate::isa::Row;
use crate::lanes::twice;

twice!(
    /// D = A B + C. Products are exact, the sum is rounded once: to nearest, or toward zero as some devices do.
    multiply, multiply_fast, multiply_body(bf16: bool, truncate: bool, a: [&Row; 4], b: [&Row; 2], c: [&Row; 4]) -> [Row; 4]
);

#[inline(always)]
fn halves(bf16: bool, bits: u32) -> [f64; 2] {
    let value = |x: u16| f64::from(if bf16 { bf16_to_f32(x) } else { f16_to_f32(x) });
    [value(bits as u16), value((bits >> 16) as u16)]
}

#[inline(always)]
fn multiply_body(bf16: bool, truncate: bool, a: [&Row; 4], b: [&Row; 2], c: [&Row; 4]) -> [Row; 4] {
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
    for (sums, row) in sum.chunks_exact_mut(4).zip(left.chunks_exact(4)) {
        for k in 0..16 {
            for i in 0..4 {
                for j in 0..8 {
                    sums[i][j] += row[i][k] * right[k][j];
                }
            }
        }
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
