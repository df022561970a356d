use super::Linear;
use crate::device::cuda::{Cuda, Driver, Dtype, Operand, Product};
use crate::device::{Result, Tensor};
use crate::ops::matmul::Matrix;
use crate::ops::matmul::cuda::operand;

impl<D: Driver> Linear for Cuda<D> {
    fn linear(
        &self,
        x: &Tensor<Self>,
        weight: &Tensor<Self>,
        bias: Option<&Tensor<Self>>,
        residual: Option<&Tensor<Self>>,
    ) -> Result<Tensor<Self>> {
        let (m, n, k) = (x.rows(), weight.rows(), weight.cols());
        assert_eq!((x.cols(), bias.map_or(n, Tensor::cols)), (k, n));
        let mut y = self.unwritten(&[m, n], Dtype::Bf16)?;
        if let Some(residual) = residual {
            assert_eq!((residual.shape(), residual.dtype()), (y.shape(), y.dtype()));
        }
        let product = Product {
            m,
            n,
            k,
            a: operand(self, &Matrix::of(x))?,
            b: operand(self, &Matrix::of(weight).t())?,
            y: Operand { at: y.at_mut(), stride: n, transposed: false },
            dtype: Dtype::Bf16,
            onto: residual.map(Tensor::at),
            bias: bias.map(|bias| self.half(bias)).transpose()?,
        };
        // SAFETY: the assertions above keep the matrices inside their tensors.
        unsafe { self.driver().multiply(product)? };
        Ok(y)
    }

    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()> {
        todo!("{:?} {:?}", dy.shape(), dbias.shape())
    }
}
