use super::GatedFusion;
use crate::device::cuda::{Cuda, Driver, Dtype, kernels, number};
use crate::device::{Result, Tensor};

/// Numbers of a block: 8 a thread.
const NUMBERS: usize = 8 * 256;

impl<D: Driver> GatedFusion for Cuda<D> {
    fn gated_fusion(
        &self,
        h: &Tensor<Self>,
        gate: &Tensor<Self>,
        f: &Tensor<Self>,
        b: &Tensor<Self>,
    ) -> Result<Tensor<Self>> {
        assert_eq!([h.shape(); 3], [gate.shape(), f.shape(), b.shape()]);
        assert_eq!([h, gate, f, b].map(Tensor::dtype), [Dtype::Bf16; 4]);
        let mut y = self.unwritten(h.shape(), Dtype::Bf16)?;
        let n = h.n_elements();
        let arguments = kernels::GatedFusionFwd {
            h: h.read(),
            gate: gate.read(),
            f: f.read(),
            b: b.read(),
            y: y.write(),
            n: number(n),
        };
        // SAFETY: all hold n numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(NUMBERS), 1, 1])? };
        Ok(y)
    }

    fn gated_fusion_backward(
        &self,
        mut gate: Tensor<Self>,
        mut f: Tensor<Self>,
        mut b: Tensor<Self>,
        dy: &Tensor<Self>,
    ) -> Result<(Tensor<Self>, Tensor<Self>, Tensor<Self>)> {
        assert_eq!([dy.shape(); 3], [gate.shape(), f.shape(), b.shape()]);
        assert_eq!([&gate, &f, &b, dy].map(Tensor::dtype), [Dtype::Bf16; 4]);
        let n = dy.n_elements();
        let arguments = kernels::GatedFusionBwd {
            gate: gate.write(),
            f: f.write(),
            b: b.write(),
            dy: dy.read(),
            n: number(n),
        };
        // SAFETY: all hold n numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(NUMBERS), 1, 1])? };
        Ok((gate, f, b))
    }
}
