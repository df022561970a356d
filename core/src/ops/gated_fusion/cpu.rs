use super::GatedFusion;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn forward<'a, T, V>(h: &'a [T], gate: &'a [T], f: &'a [T], b: &'a [T], y: &'a mut [T]) {
        for c in (0..h.len()).step_by(V::LANES) {
            let b = V::at(b, c);
            let mixed = V::at(gate, c).sigmoid().mul_add(V::at(f, c) - b, b);
            (V::at(h, c) + mixed).put(y, c);
        }
    }
}

simd_kernel! {
    /// Each input becomes its own gradient.
    fn backward<'a, T, V>(gate: &'a mut [T], f: &'a mut [T], b: &'a mut [T], dy: &'a [T]) {
        for c in (0..dy.len()).step_by(V::LANES) {
            let (dy, a) = (V::at(dy, c), V::at(gate, c).sigmoid());
            let df = a * dy;
            let db = dy - df;
            ((V::at(f, c) - V::at(b, c)) * a * db).put(gate, c);
            df.put(f, c);
            db.put(b, c);
        }
    }
}

impl<T: Real> GatedFusion for Cpu<T> {
    fn gated_fusion(
        &self,
        h: &Tensor<Self>,
        gate: &Tensor<Self>,
        f: &Tensor<Self>,
        b: &Tensor<Self>,
    ) -> Result<Tensor<Self>> {
        assert_eq!([h.shape(); 3], [gate.shape(), f.shape(), b.shape()]);
        let mut y = stale(h.shape());
        forward(h.as_slice(), gate.as_slice(), f.as_slice(), b.as_slice(), y.as_mut_slice());
        Ok(y)
    }

    fn gated_fusion_backward(
        &self,
        mut gate: Tensor<Self>,
        mut f: Tensor<Self>,
        mut b: Tensor<Self>,
        dy: &Tensor<Self>,
    ) -> Result<(Tensor<Self>, Tensor<Self>, Tensor<Self>)> {
        backward(gate.as_mut_slice(), f.as_mut_slice(), b.as_mut_slice(), dy.as_slice());
        Ok((gate, f, b))
    }
}
