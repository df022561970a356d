use super::RmsNorm;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn forward<'a, T, V>(x: &'a [T], w: &'a [T], eps: f64, y: &'a mut [T], r: &'a mut [T]) {
        let n = w.len();
        let one_over_n = T::from_f64(1.0 / n as f64);
        for ((x, y), r) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(r) {
            let mut square = V::zero();
            for c in (0..n).step_by(V::LANES) {
                let x = V::at(x, c);
                square = x.mul_add(x, square);
            }
            *r = T::ONE / (square.sum() * one_over_n + T::from_f64(eps)).sqrt();
            for c in (0..n).step_by(V::LANES) {
                (V::at(x, c) * V::splat(*r) * V::at(w, c)).put(y, c);
            }
        }
    }
}

simd_kernel! {
    fn backward<'a, T, V>(
        x: &'a [T],
        r: &'a [T],
        w: &'a [T],
        dy: &'a [T],
        dw: &'a mut [T],
        dx: &'a mut [T],
    ) {
        let n = w.len();
        let one_over_n = T::from_f64(1.0 / n as f64);
        for (((x, dy), dx), &r) in x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n)).zip(r) {
            let rv = V::splat(r);
            let mut sum_ux = V::zero();
            for c in (0..n).step_by(V::LANES) {
                let (x, dy) = (V::at(x, c), V::at(dy, c));
                sum_ux = (dy * V::at(w, c)).mul_add(x, sum_ux);
                (dy * x).mul_add(rv, V::at(dw, c)).put(dw, c);
            }
            let pull = V::splat(-(sum_ux.sum() * one_over_n * r * r * r));
            for c in (0..n).step_by(V::LANES) {
                let d = V::at(x, c).mul_add(pull, V::at(dx, c));
                (V::at(dy, c) * V::at(w, c)).mul_add(rv, d).put(dx, c);
            }
        }
    }
}

impl<T: Real> RmsNorm for Cpu<T> {
    fn rms_norm(&self, x: &Tensor<Self>, w: &Tensor<Self>, eps: f64) -> Result<(Tensor<Self>, Tensor<Self>)> {
        assert_eq!(x.cols(), w.cols());
        let (mut y, mut r) = (stale(x.shape()), stale(&[x.rows(), 1]));
        forward(x.as_slice(), w.as_slice(), eps, y.as_mut_slice(), r.as_mut_slice());
        Ok((y, r))
    }

    fn rms_norm_backward(
        &self,
        x: &Tensor<Self>,
        r: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        assert_eq!((x.shape(), x.shape()), (dy.shape(), dx.shape()));
        backward(
            x.as_slice(),
            r.as_slice(),
            w.as_slice(),
            dy.as_slice(),
            dw.as_mut_slice(),
            dx.as_mut_slice(),
        );
        Ok(())
    }
}
