use super::{CausalConv, Direction};
use crate::device::cpu::{Buffer, stale};
use crate::device::simd::{Vector, simd_kernel};
use crate::device::{Cpu, Real, Result, Tensor};
use crate::ops::Sequences;

/// Taps as rows [K, E], so that channels are contiguous; row k weighs the input k steps back.
fn taps<T: Real>(w: &Tensor<Cpu<T>>) -> Buffer<T> {
    let (e, k) = (w.rows(), w.cols());
    let mut taps = Buffer::stale(e * k);
    for (c, w) in w.as_slice().chunks_exact(k).enumerate() {
        for (back, &w) in w.iter().rev().enumerate() {
            taps[back * e + c] = w;
        }
    }
    taps
}

/// One sequence's rows of x, as steps in time.
#[derive(Clone, Copy)]
struct Steps<'a, T> {
    xz: &'a [T],
    e: usize,
    n_valid: usize,
    direction: Direction,
}

impl<'a, T> Steps<'a, T> {
    #[inline(always)]
    fn x(&self, step: usize) -> &'a [T] {
        &self.xz[self.direction.row(step, self.n_valid) * 2 * self.e..][..self.e]
    }

    /// p of channels from `c` at a step.
    #[inline(always)]
    fn preactivation<V: Vector<Elem = T>>(&self, taps: &[T], b: &[T], step: usize, c: usize) -> V {
        let mut p = V::at(b, c);
        for (back, tap) in taps.chunks_exact(self.e).enumerate().take(step + 1) {
            p = V::at(tap, c).mul_add(V::at(self.x(step - back), c), p);
        }
        p
    }
}

simd_kernel! {
    fn forward<'a, T, V>(steps: Steps<'a, T>, taps: &'a [T], b: &'a [T], y: &'a mut [T]) {
        let e = steps.e;
        for step in 0..steps.n_valid {
            let y = &mut y[steps.direction.row(step, steps.n_valid) * e..][..e];
            for c in (0..e).step_by(V::LANES) {
                let p: V = steps.preactivation(taps, b, step, c);
                (p * p.sigmoid()).put(y, c);
            }
        }
        y[steps.n_valid * e..].fill(T::ZERO);
    }
}

simd_kernel! {
    /// Walks back in time, keeping the last K rows of dp in a ring.
    fn backward<'a, T, V>(
        steps: Steps<'a, T>,
        taps: &'a [T],
        b: &'a [T],
        dy: &'a [T],
        ring: &'a mut [T],
        dtaps: &'a mut [T],
        db: &'a mut [T],
        dxz: &'a mut [T],
    ) {
        let e = steps.e;
        let k = taps.len() / e;
        for step in (0..steps.n_valid).rev() {
            let row = steps.direction.row(step, steps.n_valid);
            let dy = &dy[row * e..][..e];
            let dx = &mut dxz[row * 2 * e..][..e];
            for c in (0..e).step_by(V::LANES) {
                let p: V = steps.preactivation(taps, b, step, c);
                let gate = p.sigmoid();
                let one = V::constant(1.0);
                let dp = V::at(dy, c) * gate * p.mul_add(one - gate, one);
                dp.put(&mut ring[step % k * e..][..e], c);
                (V::at(db, c) + dp).put(db, c);
                let mut sum = V::zero();
                for back in 0..k {
                    if back <= step {
                        let dtap = &mut dtaps[back * e..][..e];
                        dp.mul_add(V::at(steps.x(step - back), c), V::at(dtap, c)).put(dtap, c);
                    }
                    if step + back < steps.n_valid {
                        let later = V::at(&ring[(step + back) % k * e..][..e], c);
                        sum = V::at(&taps[back * e..][..e], c).mul_add(later, sum);
                    }
                }
                sum.put(dx, c);
            }
        }
        for dxz in dxz[steps.n_valid * 2 * e..].chunks_exact_mut(2 * e) {
            dxz[..e].fill(T::ZERO);
        }
    }
}

impl<T: Real> CausalConv for Cpu<T> {
    fn causal_conv_silu(
        &self,
        xz: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        sequences: &Sequences<Self>,
        direction: Direction,
    ) -> Result<Tensor<Self>> {
        let e = w.rows();
        assert_eq!((xz.rows(), xz.cols(), b.cols()), (sequences.rows(), 2 * e, e));
        let taps = taps(w);
        let mut y = stale(&[xz.rows(), e]);
        let ys = y.as_mut_slice().chunks_exact_mut(sequences.len * e);
        let xs = xz.as_slice().chunks_exact(sequences.len * 2 * e);
        for ((xz, y), &n_valid) in xs.zip(ys).zip(&sequences.n_valid) {
            forward(Steps { xz, e, n_valid: n_valid as usize, direction }, &taps, b.as_slice(), y);
        }
        Ok(y)
    }

    fn causal_conv_silu_backward(
        &self,
        xz: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        dy: &Tensor<Self>,
        sequences: &Sequences<Self>,
        direction: Direction,
        dw: &mut Tensor<Self>,
        db: &mut Tensor<Self>,
        dxz: &mut Tensor<Self>,
    ) -> Result<()> {
        let (e, k) = (w.rows(), w.cols());
        assert_eq!((xz.shape(), dy.cols()), (dxz.shape(), e));
        let taps = taps(w);
        let mut dtaps = Buffer::zeros(e * k);
        let mut ring = Buffer::stale(e * k);
        let xs = xz.as_slice().chunks_exact(sequences.len * 2 * e);
        let dys = dy.as_slice().chunks_exact(sequences.len * e);
        let dxs = dxz.as_mut_slice().chunks_exact_mut(sequences.len * 2 * e);
        for (((xz, dy), dxz), &n_valid) in xs.zip(dys).zip(dxs).zip(&sequences.n_valid) {
            let steps = Steps { xz, e, n_valid: n_valid as usize, direction };
            backward(steps, &taps, b.as_slice(), dy, &mut ring, &mut dtaps, db.as_mut_slice(), dxz);
        }
        for (c, dw) in dw.as_mut_slice().chunks_exact_mut(k).enumerate() {
            for (back, dw) in dw.iter_mut().rev().enumerate() {
                *dw += dtaps[back * e + c];
            }
        }
        Ok(())
    }
}
