//! Linear map of rows with its bias and the residual around it: y = residual + x Wᵗ + b.
//!
//! Backward of the bias: db = sum of dy over rows; the rest are matrix products. Where a product can be accumulated onto
//! rows that already hold bias and residual, these cost no pass of their own.

mod cpu;
mod cuda;

use super::matmul::Matmul;
use crate::device::{Result, Tensor};

/// Linear maps.
pub trait Linear: Matmul {
    /// x: [rows, inputs]; weight: [outputs, inputs]; bias: [outputs]; residual: [rows, outputs]. Returns y [rows, outputs].
    fn linear(
        &self,
        x: &Tensor<Self>,
        weight: &Tensor<Self>,
        bias: Option<&Tensor<Self>>,
        residual: Option<&Tensor<Self>>,
    ) -> Result<Tensor<Self>>;

    /// dbias[c] += sum over r of dy[r, c]
    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()>;
}
