//! Root-mean-square norm over the last axis: r = 1 / sqrt(mean(x^2) + eps), y = w x r.
//!
//! Backward, with u = w dy: dx = r u - r^3 x mean(u x), dw = sum dy x r. Kept: x, and r of every row.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// Root-mean-square norm.
pub trait RmsNorm: Device {
    /// (y, [rows, 1] r)
    fn rms_norm(&self, x: &Tensor<Self>, w: &Tensor<Self>, eps: f64) -> Result<(Tensor<Self>, Tensor<Self>)>;

    /// Adds dx to `dx`, which holds the gradient of the residual path.
    fn rms_norm_backward(
        &self,
        x: &Tensor<Self>,
        r: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()>;
}
