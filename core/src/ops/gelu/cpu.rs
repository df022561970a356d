use super::Gelu;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn forward<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            let x = V::at(x, c);
            (x * x.normal().0).put(y, c);
        }
    }
}

simd_kernel! {
    fn backward<'a, T, V>(x: &'a [T], dy: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            let x = V::at(x, c);
            let (p, density) = x.normal();
            (V::at(dy, c) * x.mul_add(density, p)).put(dy, c);
        }
    }
}

impl<T: Real> Gelu for Cpu<T> {
    fn gelu(&self, x: &Tensor<Self>) -> Result<Tensor<Self>> {
        let mut y = stale(x.shape());
        forward(x.as_slice(), y.as_mut_slice());
        Ok(y)
    }

    fn gelu_backward(&self, x: &Tensor<Self>, mut dy: Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!(x.shape(), dy.shape());
        backward(x.as_slice(), dy.as_mut_slice());
        Ok(dy)
    }
}
