//! Causal depthwise convolution and SiLU over a sequence's real rows, in either direction:
//! p_t = b + sum over k < K of w[K - 1 - k] x_{t-k}, y = p sigmoid(p), with x = 0 before the first real row.
//!
//! The backward direction reads and writes the same rows from the last real one to the first; nothing is flipped.
//! Padding rows of y and dx are 0. Backward: dp = dy sigmoid(p) (1 + p (1 - sigmoid(p))), dx_t = sum w[K - 1 - k] dp_{t+k}.
//! Kept: x; p is computed again.

mod cpu;
mod cuda;

use super::Sequences;
use crate::device::{Device, Result, Tensor};

/// Which way time runs over the sorted genes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the gene sorted first.
    Forward,
    /// From the last real gene.
    Backward,
}

impl Direction {
    /// The row of step `step` among `n_valid` real rows.
    pub fn row(self, step: usize, n_valid: usize) -> usize {
        match self {
            Self::Forward => step,
            Self::Backward => n_valid - 1 - step,
        }
    }
}

/// Convolution with SiLU.
pub trait CausalConv: Device {
    /// xz: [rows, 2 E] of which the first E columns are x; w: [E, K]; b: [E]. Returns y [rows, E].
    fn causal_conv_silu(
        &self,
        xz: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        sequences: &Sequences<Self>,
        direction: Direction,
    ) -> Result<Tensor<Self>>;

    /// Writes dx to the first E columns of `dxz`; adds to dw and db.
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
    ) -> Result<()>;
}
