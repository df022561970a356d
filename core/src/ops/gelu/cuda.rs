use super::Gelu;
use crate::device::cuda::{Arguments, Cuda, Driver, Dtype};
use crate::device::{Result, Tensor};

const BLOCK: usize = 256;
/// Numbers of a block: 8 a thread.
const NUMBERS: usize = 8 * BLOCK;

impl<D: Driver> Gelu for Cuda<D> {
    fn gelu(&self, x: &Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!(x.dtype(), Dtype::Bf16);
        let mut y = self.unwritten(x.shape(), Dtype::Bf16)?;
        let n = x.n_elements();
        let arguments = Arguments::new().address(x.at()).address(y.at_mut()).number(n);
        // SAFETY: both hold n numbers.
        unsafe { self.launch("pf_gelu_fwd", [n.div_ceil(NUMBERS), 1, 1], BLOCK, 0, &arguments)? };
        Ok(y)
    }

    fn gelu_backward(&self, x: &Tensor<Self>, mut dy: Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!((x.shape(), x.dtype(), dy.dtype()), (dy.shape(), Dtype::Bf16, Dtype::Bf16));
        let n = x.n_elements();
        let arguments = Arguments::new().address(x.at()).address(dy.at_mut()).number(n);
        // SAFETY: both hold n numbers.
        unsafe { self.launch("pf_gelu_bwd", [n.div_ceil(NUMBERS), 1, 1], BLOCK, 0, &arguments)? };
        Ok(dy)
    }
}
