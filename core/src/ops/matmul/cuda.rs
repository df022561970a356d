use std::ops::Range;

use super::{Matmul, Matrix};
use crate::device::cuda::{Cuda, Driver, Dtype, Operand, Product};
use crate::device::{Result, Tensor};

/// A matrix as a product reads it.
pub(in crate::ops) fn operand<D: Driver>(b: &Cuda<D>, x: &Matrix<Cuda<D>>) -> Result<Operand> {
    let at = b.half(x.tensor)? + (x.cols.start * Dtype::Bf16.bytes()) as u64;
    Ok(Operand { at, stride: x.tensor.cols(), transposed: x.transposed })
}

impl<D: Driver> Matmul for Cuda<D> {
    fn matmul_into(
        &self,
        a: Matrix<Self>,
        b: Matrix<Self>,
        accumulate: bool,
        y: &mut Tensor<Self>,
        cols: Range<usize>,
    ) -> Result<()> {
        let ((m, k), (k_b, n)) = (a.shape(), b.shape());
        assert_eq!((m, n, k), (y.rows(), cols.len(), k_b));
        assert!(cols.end <= y.cols());
        let dtype = y.dtype();
        let at = y.at_mut() + (cols.start * dtype.bytes()) as u64;
        let product = Product {
            m,
            n,
            k,
            a: operand(self, &a)?,
            b: operand(self, &b)?,
            y: Operand { at, stride: y.cols(), transposed: false },
            dtype,
            onto: accumulate.then_some(at),
            bias: None,
        };
        // SAFETY: the assertions above keep the matrices inside their tensors.
        unsafe { self.driver().multiply(product) }
    }

    fn matmul(&self, a: Matrix<Self>, b: Matrix<Self>) -> Result<Tensor<Self>> {
        let mut y = self.unwritten(&[a.shape().0, b.shape().1], Dtype::Bf16)?;
        let cols = 0..y.cols();
        self.matmul_into(a, b, false, &mut y, cols)?;
        Ok(y)
    }
}
