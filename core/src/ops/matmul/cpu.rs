use std::ops::Range;

use super::{Matmul, Matrix};
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

/// A matrix in memory: element (r, c) at `data[r * row_stride + c * col_stride]`.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    pub data: &'a [T],
    pub rows: usize,
    pub cols: usize,
    pub row_stride: usize,
    pub col_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// Rows of `stride` numbers, of which the first `cols` are read.
    pub fn new(data: &'a [T], rows: usize, cols: usize, stride: usize) -> Self {
        Self { data, rows, cols, row_stride: stride, col_stride: 1 }
    }

    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    fn is_inside(&self) -> bool {
        self.rows == 0
            || self.cols == 0
            || (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride < self.data.len()
    }
}

/// y = alpha a b, or y += alpha a b; y has rows of `stride` numbers. One thread: work is shared out by cells.
pub fn gemm<T: Real>(a: View<T>, b: View<T>, alpha: f64, accumulate: bool, y: &mut [T], stride: usize) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(b.rows, k, "[{m}, {k}] x [{}, {n}]", b.rows);
    assert!(a.is_inside() && b.is_inside() && View::new(y, m, n, stride).is_inside());
    if m == 0 || n == 0 {
        return;
    }
    // SAFETY: the assertions above keep every element of a, b and y inside its slice; y is borrowed mutably.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y.as_mut_ptr(),
            1,
            stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::ONE,
            T::from_f64(alpha),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

simd_kernel! {
    /// Inner product, summed by lanes.
    pub fn dot<'a, T, V>(x: &'a [T], y: &'a [T]) -> T {
        let mut sum = V::zero();
        for c in (0..x.len()).step_by(V::LANES) {
            sum = V::at(x, c).mul_add(V::at(y, c), sum);
        }
        sum.sum()
    }
}

fn view<'a, T: Real>(x: &Matrix<'a, Cpu<T>>) -> View<'a, T> {
    let view =
        View::new(&x.tensor.as_slice()[x.cols.start..], x.tensor.rows(), x.cols.len(), x.tensor.cols());
    if x.transposed { view.t() } else { view }
}

impl<T: Real> Matmul for Cpu<T> {
    fn matmul_into(
        &self,
        a: Matrix<Self>,
        b: Matrix<Self>,
        accumulate: bool,
        y: &mut Tensor<Self>,
        cols: Range<usize>,
    ) -> Result<()> {
        assert_eq!((a.shape().0, b.shape().1), (y.rows(), cols.len()));
        let stride = y.cols();
        gemm(view(&a), view(&b), 1.0, accumulate, &mut y.as_mut_slice()[cols.start..], stride);
        Ok(())
    }

    fn matmul(&self, a: Matrix<Self>, b: Matrix<Self>) -> Result<Tensor<Self>> {
        let mut y = stale(&[a.shape().0, b.shape().1]);
        let cols = 0..y.cols();
        self.matmul_into(a, b, false, &mut y, cols)?;
        Ok(y)
    }
}
