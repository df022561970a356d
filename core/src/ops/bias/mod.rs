//! Bias of a linear layer. A product is accumulated onto rows that already hold the bias, so it costs no pass of its own.

mod cpu;

use crate::device::{Device, Result, Tensor};

/// Rows of biases, and their gradient.
pub trait Bias: Device {
    /// y[r, c] = bias[c]
    fn bias_rows(&self, bias: &Tensor<Self>, rows: usize) -> Result<Tensor<Self>>;
    /// y[r, c] = x[r, c] + bias[c]
    fn add_bias(&self, x: &Tensor<Self>, bias: &Tensor<Self>) -> Result<Tensor<Self>>;
    /// dbias[c] += sum over r of dy[r, c]
    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()>;
}
