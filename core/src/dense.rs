//! Dense row-major matrices and their products, the same bits for any number of threads.

use gemm::Parallelism;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

/// Rows of a product that one thread computes at a time. Fixed, because the shape of a block decides the order in
/// which its kernel adds.
const BLOCK_ROWS: usize = 256;

/// A row-major matrix, possibly read as its transpose.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a, T> View<'a, T> {
    /// [rows × columns] row-major.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a {rows} × {columns} matrix");
        Self { data, rows, columns, transposed: false }
    }

    /// The transpose, without moving a number.
    pub fn t(self) -> Self {
        Self { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Steps in memory to the next row and to the next column.
    fn strides(&self) -> (isize, isize) {
        if self.transposed { (1, self.rows as isize) } else { (self.columns as isize, 1) }
    }
}

/// a · b on this thread. a: [m × k]   b: [k × n]   out: [m × n] row-major.
pub fn multiply<T: Number>(a: View<T>, b: View<T>, out: &mut [T]) {
    assert_eq!(a.columns, b.rows, "inner dimensions");
    assert_eq!(out.len(), a.rows * b.columns, "the product's shape");
    let ((a_row, a_column), (b_row, b_column)) = (a.strides(), b.strides());
    // SAFETY: the asserts here and in `View::new` keep every index inside its slice; `out` is borrowed mutably, so it
    // overlaps neither input; dst is not read, as `read_dst` is false.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            b.columns as isize,
            false,
            a.data.as_ptr(),
            a_column,
            a_row,
            b.data.as_ptr(),
            b_column,
            b_row,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// a · b on all threads. a: [m × k] row-major, not transposed   b: [k × n]   returns [m × n].
pub fn product<T: Number>(a: View<T>, b: View<T>) -> Vec<T> {
    assert!(!a.transposed, "rows of the left side are dealt to threads");
    let mut out = vec![T::ZERO; a.rows * b.columns];
    if out.is_empty() {
        return out;
    }
    out.par_chunks_mut(BLOCK_ROWS * b.columns).enumerate().for_each(|(block, out)| {
        let start = block * BLOCK_ROWS;
        let rows = out.len() / b.columns;
        let part = View::new(&a.data[start * a.columns..(start + rows) * a.columns], rows, a.columns);
        multiply(part, b, out);
    });
    out
}

/// aᵀ · b summed over blocks of rows in a fixed order. a: [m × p]   b: [m × q]   returns [p × q].
pub fn inner_product(a: View<f32>, b: View<f32>) -> Vec<f32> {
    assert_eq!(a.rows, b.rows, "rows");
    // Larger blocks than above: each makes a p × q partial sum.
    let rows = 2_048;
    let partial: Vec<Vec<f32>> = (0..a.rows.div_ceil(rows))
        .into_par_iter()
        .map(|block| {
            let (start, end) = (block * rows, ((block + 1) * rows).min(a.rows));
            let part = |m: &View<'_, f32>| m.data[start * m.columns..end * m.columns].to_vec();
            let (left, right) = (part(&a), part(&b));
            let mut out = vec![0.0; a.columns * b.columns];
            let left = View::new(&left, end - start, a.columns).t();
            multiply(left, View::new(&right, end - start, b.columns), &mut out);
            out
        })
        .collect();
    let mut sum = vec![0.0; a.columns * b.columns];
    for part in partial {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    sum
}

/// f32 or f64.
pub trait Number:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Sum + Send + Sync + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// -2, of |a|² - 2ab + |b|².
    const MINUS_TWO: Self;
    /// The step from 1 to the next number.
    const EPSILON: Self;
    /// No distance is larger.
    const INFINITY: Self;
    /// A total order, for sorting.
    fn total_cmp(&self, other: &Self) -> Ordering;
}

macro_rules! number {
    ($t:ident) => {
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const MINUS_TWO: Self = -2.0;
            const EPSILON: Self = $t::EPSILON;
            const INFINITY: Self = $t::INFINITY;
            fn total_cmp(&self, other: &Self) -> Ordering {
                $t::total_cmp(self, other)
            }
        }
    };
}
number!(f32);
number!(f64);

/// Squared lengths of the rows. points: [n × dim].
pub fn squared_norms(points: &[f64], dim: usize) -> Vec<f64> {
    points.par_chunks_exact(dim.max(1)).map(|row| row.iter().map(|x| x * x).sum()).collect()
}

/// Squared Euclidean distances from a block of rows to all points, never negative.
/// block: [m × dim]   points: [n × dim]   norms: [n] squared lengths of the points   returns [m × n].
pub fn squared_distances(block: &[f64], points: &[f64], norms: &[f64], dim: usize) -> Vec<f64> {
    let (m, n) = (block.len() / dim, points.len() / dim);
    let mut out = vec![0.0; m * n];
    multiply(View::new(block, m, dim), View::new(points, n, dim).t(), &mut out);
    for (row, out) in block.chunks_exact(dim).zip(out.chunks_exact_mut(n)) {
        let norm: f64 = row.iter().map(|x| x * x).sum();
        out.iter_mut().zip(norms).for_each(|(dot, other)| *dot = (norm + other - 2.0 * *dot).max(0.0));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + 13) % 101) as f32 - 50.0).collect()
    }

    fn by_definition(a: &[f32], b: &[f32], m: usize, k: usize, n: usize) -> Vec<f32> {
        let sum = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
        (0..m * n).map(|at| sum(at / n, at % n)).collect()
    }

    #[test]
    fn products_agree_with_the_definition_over_several_blocks() {
        let (m, k, n) = (2 * BLOCK_ROWS + 3, 5, 7);
        let (a, b) = (numbers(m * k), numbers(k * n));
        let expected = by_definition(&a, &b, m, k, n);
        assert_eq!(product(View::new(&a, m, k), View::new(&b, k, n)), expected);
        let transposed: Vec<f32> = (0..n * k).map(|at| b[(at % k) * n + at / k]).collect();
        assert_eq!(product(View::new(&a, m, k), View::new(&transposed, n, k).t()), expected);
    }

    #[test]
    fn the_inner_product_adds_all_rows() {
        let (m, p, q) = (5_000, 3, 2);
        let (a, b) = (numbers(m * p), numbers(m * q));
        let found = inner_product(View::new(&a, m, p), View::new(&b, m, q));
        for (at, found) in found.into_iter().enumerate() {
            let exact: f32 = (0..m).map(|i| a[i * p + at / q] * b[i * q + at % q]).sum();
            assert_eq!(found, exact);
        }
    }
}
