use super::LayerNorm;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn forward<'a, T, V>(x: &'a [T], w: &'a [T], b: &'a [T], eps: f64, y: &'a mut [T], stats: &'a mut [T]) {
        let n = w.len();
        let one_over_n = T::from_f64(1.0 / n as f64);
        for ((x, y), stats) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(stats.chunks_exact_mut(2)) {
            let mut sum = V::zero();
            for c in (0..n).step_by(V::LANES) {
                sum = sum + V::at(x, c);
            }
            let mean = sum.sum() * one_over_n;
            // Lanes past the end would add mean^2 each, so the tail is summed one by one.
            let mut square = V::zero();
            let whole = n / V::LANES * V::LANES;
            for c in (0..whole).step_by(V::LANES) {
                let d = V::at(x, c) - V::splat(mean);
                square = d.mul_add(d, square);
            }
            let tail = x[whole..].iter().map(|&x| (x - mean) * (x - mean)).sum::<T>();
            let rstd = T::ONE / ((square.sum() + tail) * one_over_n + T::from_f64(eps)).sqrt();
            for c in (0..n).step_by(V::LANES) {
                let normal = (V::at(x, c) - V::splat(mean)) * V::splat(rstd);
                normal.mul_add(V::at(w, c), V::at(b, c)).put(y, c);
            }
            stats.copy_from_slice(&[mean, rstd]);
        }
    }
}

simd_kernel! {
    fn backward<'a, T, V>(
        x: &'a [T],
        stats: &'a [T],
        w: &'a [T],
        dy: &'a [T],
        dw: &'a mut [T],
        db: &'a mut [T],
        dx: &'a mut [T],
    ) {
        let n = w.len();
        let one_over_n = T::from_f64(1.0 / n as f64);
        let rows = x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n));
        for (((x, dy), dx), stats) in rows.zip(stats.chunks_exact(2)) {
            let (mean, rstd) = (V::splat(stats[0]), V::splat(stats[1]));
            let (mut sum_u, mut sum_un) = (V::zero(), V::zero());
            for c in (0..n).step_by(V::LANES) {
                let normal = (V::at(x, c) - mean) * rstd;
                let dy = V::at(dy, c);
                let u = dy * V::at(w, c);
                sum_u = sum_u + u;
                sum_un = u.mul_add(normal, sum_un);
                dy.mul_add(normal, V::at(dw, c)).put(dw, c);
                (V::at(db, c) + dy).put(db, c);
            }
            let mean_u = V::splat(sum_u.sum() * one_over_n);
            let mean_un = V::splat(sum_un.sum() * one_over_n);
            for c in (0..n).step_by(V::LANES) {
                let normal = (V::at(x, c) - mean) * rstd;
                let d = V::at(dy, c) * V::at(w, c) - mean_u - normal * mean_un;
                d.mul_add(rstd, V::at(dx, c)).put(dx, c);
            }
        }
    }
}

impl<T: Real> LayerNorm for Cpu<T> {
    fn layer_norm(
        &self,
        x: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        eps: f64,
    ) -> Result<(Tensor<Self>, Tensor<Self>)> {
        assert_eq!((x.cols(), x.cols()), (w.cols(), b.cols()));
        let (mut y, mut stats) = (stale(x.shape()), stale(&[x.rows(), 2]));
        forward(x.as_slice(), w.as_slice(), b.as_slice(), eps, y.as_mut_slice(), stats.as_mut_slice());
        Ok((y, stats))
    }

    fn layer_norm_backward(
        &self,
        x: &Tensor<Self>,
        stats: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        db: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        assert_eq!((x.shape(), x.shape()), (dy.shape(), dx.shape()));
        backward(
            x.as_slice(),
            stats.as_slice(),
            w.as_slice(),
            dy.as_slice(),
            dw.as_mut_slice(),
            db.as_mut_slice(),
            dx.as_mut_slice(),
        );
        Ok(())
    }
}
