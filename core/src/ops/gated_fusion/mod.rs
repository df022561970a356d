//! Gated fusion of the two directions: a = sigmoid(gate), y = h + a f + (1 - a) b.
//!
//! Backward: df = a dy, db = (1 - a) dy, dgate = dy (f - b) a (1 - a), dh = dy. Kept: gate, f, b.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// Gated fusion.
pub trait GatedFusion: Device {
    /// y of the equation above; all [rows, D].
    fn gated_fusion(
        &self,
        h: &Tensor<Self>,
        gate: &Tensor<Self>,
        f: &Tensor<Self>,
        b: &Tensor<Self>,
    ) -> Result<Tensor<Self>>;

    /// (dgate, df, db)
    fn gated_fusion_backward(
        &self,
        gate: Tensor<Self>,
        f: Tensor<Self>,
        b: Tensor<Self>,
        dy: &Tensor<Self>,
    ) -> Result<(Tensor<Self>, Tensor<Self>, Tensor<Self>)>;
}
