//! Exact GELU: y = x P(x), P the standard normal distribution function, p its density.
//!
//! Backward: dx = dy (P(x) + x p(x)). Kept: x.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// GELU by the error function.
pub trait Gelu: Device {
    /// y = x P(x)
    fn gelu(&self, x: &Tensor<Self>) -> Result<Tensor<Self>>;
    /// dy becomes dx.
    fn gelu_backward(&self, x: &Tensor<Self>, dy: Tensor<Self>) -> Result<Tensor<Self>>;
}
