use super::{CausalConv, Direction};
use crate::device::cuda::{Cuda, Driver, Dtype, kernels, number};
use crate::device::{Result, Tensor};
use crate::ops::Sequences;

/// Taps that the kernels have.
const TAPS: usize = 4;
/// Channels and steps of a block.
const CHANNELS: usize = 128;
const STEPS: usize = 64;

fn reverse(direction: Direction) -> u32 {
    match direction {
        Direction::Forward => 0,
        Direction::Backward => 1,
    }
}

/// Channels, after comparing the tensors with each other.
fn channels<D: Driver>(
    xz: &Tensor<Cuda<D>>,
    w: &Tensor<Cuda<D>>,
    b: &Tensor<Cuda<D>>,
    sequences: &Sequences<Cuda<D>>,
) -> usize {
    let e = w.rows();
    assert_eq!((w.cols(), e % 4), (TAPS, 0), "taps, and channels by four");
    assert_eq!((xz.rows(), xz.cols(), b.cols()), (sequences.rows(), 2 * e, e));
    assert_eq!((xz.dtype(), w.dtype(), b.dtype()), (Dtype::Bf16, Dtype::F32, Dtype::F32));
    e
}

impl<D: Driver> CausalConv for Cuda<D> {
    fn causal_conv_silu(
        &self,
        xz: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        sequences: &Sequences<Self>,
        direction: Direction,
    ) -> Result<Tensor<Self>> {
        let e = channels(xz, w, b, sequences);
        let mut y = self.unwritten(&[xz.rows(), e], Dtype::Bf16)?;
        let arguments = kernels::CausalConvFwd {
            xz: xz.read(),
            w: w.read(),
            b: b.read(),
            n_valid: sequences.n_valid.read(),
            y: y.write(),
            len: number(sequences.len),
            n_channels: number(e),
            reverse: reverse(direction),
        };
        let grid = [e.div_ceil(CHANNELS), sequences.len.div_ceil(STEPS), sequences.n];
        // SAFETY: `channels` compared the tensors with each other; y has a row for each of xz.
        unsafe { self.launch(&arguments, grid)? };
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
        let e = channels(xz, w, b, sequences);
        assert_eq!((dy.rows(), dy.cols(), dxz.shape()), (xz.rows(), e, xz.shape()));
        assert_eq!((dw.shape(), db.shape()), (w.shape(), b.shape()));
        assert_eq!([dy, dxz].map(|x| x.dtype()), [Dtype::Bf16; 2]);
        let stretches = sequences.len.div_ceil(STEPS);
        let n_parts = sequences.n * stretches;
        let stride = (TAPS + 1) * e;
        let mut parts = self.unwritten(&[n_parts, stride], Dtype::F32)?;
        let arguments = kernels::CausalConvBwd {
            xz: xz.read(),
            w: w.read(),
            b: b.read(),
            n_valid: sequences.n_valid.read(),
            dy: dy.read(),
            dxz: dxz.write(),
            parts: parts.write(),
            len: number(sequences.len),
            n_channels: number(e),
            reverse: reverse(direction),
        };
        // SAFETY: the tensors were compared with each other; parts has a row for each stretch of a sequence.
        unsafe {
            self.launch(&arguments, [e.div_ceil(CHANNELS), stretches, sequences.n])?;
            self.add_parts(parts.at(), n_parts, stride, dw)?;
            self.add_parts(parts.at() + (4 * TAPS * e) as u64, n_parts, stride, db)
        }
    }
}
