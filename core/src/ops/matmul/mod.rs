//! Matrix product: Y = A B, or Y += A B, on matrices that are whole tensors or column windows of them.

pub(in crate::ops) mod cpu;
pub(in crate::ops) mod cuda;

use std::ops::Range;

use crate::device::{Device, Result, Tensor};

/// A tensor read as a matrix [rows, cols]: some of its columns, perhaps transposed.
pub struct Matrix<'a, B: Device> {
    pub(crate) tensor: &'a Tensor<B>,
    pub(crate) cols: Range<usize>,
    pub(crate) transposed: bool,
}

impl<'a, B: Device> Matrix<'a, B> {
    /// All columns.
    pub fn of(tensor: &'a Tensor<B>) -> Self {
        Self { cols: 0..tensor.cols(), tensor, transposed: false }
    }

    /// Some columns.
    pub fn cols(tensor: &'a Tensor<B>, cols: Range<usize>) -> Self {
        assert!(cols.end <= tensor.cols());
        Self { cols, tensor, transposed: false }
    }

    /// The transpose.
    pub fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        let (rows, cols) = (self.tensor.rows(), self.cols.len());
        if self.transposed { (cols, rows) } else { (rows, cols) }
    }
}

/// Matrix products.
pub trait Matmul: Device {
    /// y[:, cols] = a b, or y[:, cols] += a b if `accumulate`.
    fn matmul_into(
        &self,
        a: Matrix<Self>,
        b: Matrix<Self>,
        accumulate: bool,
        y: &mut Tensor<Self>,
        cols: Range<usize>,
    ) -> Result<()>;

    /// a b
    fn matmul(&self, a: Matrix<Self>, b: Matrix<Self>) -> Result<Tensor<Self>>;

    /// y += a b
    fn matmul_add(&self, a: Matrix<Self>, b: Matrix<Self>, y: &mut Tensor<Self>) -> Result<()> {
        let cols = 0..y.cols();
        self.matmul_into(a, b, true, y, cols)
    }
}
