//! Layer norm over the last axis: n = (x - mean) / sqrt(var + eps), y = w n + b.
//!
//! Backward, with u = w dy: dx = (u - mean(u) - n mean(u n)) / sqrt(var + eps), dw = sum dy n, db = sum dy.
//! Kept: x, and mean and 1/sqrt(var + eps) of every row.

mod cpu;
pub(in crate::ops) mod cuda;

use crate::device::{Device, Result, Tensor};

/// Layer norm.
pub trait LayerNorm: Device {
    /// (y, [rows, 2] mean and reciprocal deviation)
    fn layer_norm(
        &self,
        x: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        eps: f64,
    ) -> Result<(Tensor<Self>, Tensor<Self>)>;

    /// Adds dx to `dx`, which holds the gradient of the residual path.
    fn layer_norm_backward(
        &self,
        x: &Tensor<Self>,
        stats: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        db: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()>;
}
