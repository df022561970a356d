use super::Gelu;
use crate::device::cuda::{Cuda, Driver, Dtype, kernels, number};
use crate::device::{Result, Tensor};

/// Numbers of a block: 8 a thread.
const NUMBERS: usize = 8 * 256;

impl<D: Driver> Gelu for Cuda<D> {
    fn gelu(&self, x: &Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!(x.dtype(), Dtype::Bf16);
        let mut y = self.unwritten(x.shape(), Dtype::Bf16)?;
        let n = x.n_elements();
        let arguments = kernels::GeluFwd { x: x.read(), y: y.write(), n: number(n) };
        // SAFETY: both hold n numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(NUMBERS), 1, 1])? };
        Ok(y)
    }

    fn gelu_backward(&self, x: &Tensor<Self>, mut dy: Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!((x.shape(), x.dtype(), dy.dtype()), (dy.shape(), Dtype::Bf16, Dtype::Bf16));
        let n = x.n_elements();
        let arguments = kernels::GeluBwd { x: x.read(), dy: dy.write(), n: number(n) };
        // SAFETY: both hold n numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(NUMBERS), 1, 1])? };
        Ok(dy)
    }
}
