//! Selective scan with its gate (Mamba, arXiv 2312.00752), over a sequence's real rows in either direction:
//!
//! ```text
//! dt = softplus(r + bias)                  A = -exp(a_log)
//! h_t = exp(dt_t A) h_{t-1} + dt_t B_t x_t,  h_0 = 0
//! y_t = C_t h_t + D x_t                    out_t = y_t z_t sigmoid(z_t)
//! ```
//! x, r, z, y: [T, E]; A: [E, N]; B, C: [T, N]. Padding rows give 0 and receive no gradient.
//!
//! Backward, walking from the last step with g_T = 0:
//! ```text
//! dh_t = dy_t C_t + g_t          g_{t-1} = exp(dt_t A) dh_t
//! dC_t = sum over E of dy_t h_t  dB_t = sum over E of dh_t dt_t x_t
//! q_t = g_{t-1} h_{t-1}          dA = sum over T of q_t dt_t
//! dx_t = D dy_t + dt_t sum over N of dh_t B_t
//! ddt_t = x_t sum over N of dh_t B_t + sum over N of q_t A
//! ```
//! Kept: the inputs, and h at every `CHECKPOINT` steps, from which a chunk's h and exp(dt A) are computed again.
//! No tensor of T x E x N numbers exists, and nothing is divided by exp(dt A).

mod cpu;
mod cuda;

use super::Sequences;
pub use super::causal_conv::Direction;
use crate::device::{Device, Result, Tensor};

/// Inputs of the scan. `bc` has the columns (anything | B | C); `xz` has (anything | z), E each.
pub struct Scan<'a, B: Device> {
    /// [rows, E] x
    pub x: &'a Tensor<B>,
    /// [rows, E] r
    pub dt_raw: &'a Tensor<B>,
    /// [rows, R + 2 N]
    pub bc: &'a Tensor<B>,
    /// [rows, 2 E]
    pub xz: &'a Tensor<B>,
    /// [E]
    pub dt_bias: &'a Tensor<B>,
    /// [E, N]
    pub a_log: &'a Tensor<B>,
    /// [E]
    pub d: &'a Tensor<B>,
    /// Rows of each sequence.
    pub sequences: &'a Sequences<B>,
    /// Which way time runs.
    pub direction: Direction,
}

/// Gradients of the scan's inputs: parameters are added to, the other columns and tensors are written.
pub struct ScanGrad<'a, B: Device> {
    /// [rows, E]
    pub x: &'a mut Tensor<B>,
    /// [rows, E]
    pub dt_raw: &'a mut Tensor<B>,
    /// [rows, R + 2 N]: the last 2 N columns are written
    pub bc: &'a mut Tensor<B>,
    /// [rows, 2 E]: the last E columns are written
    pub xz: &'a mut Tensor<B>,
    /// [E]
    pub dt_bias: &'a mut Tensor<B>,
    /// [E, N]
    pub a_log: &'a mut Tensor<B>,
    /// [E]
    pub d: &'a mut Tensor<B>,
}

/// The scan.
pub trait SelectiveScan: Device {
    /// (out [rows, E], states at checkpoints in the backend's own layout)
    fn selective_scan(&self, scan: &Scan<Self>) -> Result<(Tensor<Self>, Tensor<Self>)>;

    /// d_out: [rows, E]
    fn selective_scan_backward(
        &self,
        scan: &Scan<Self>,
        states: &Tensor<Self>,
        d_out: &Tensor<Self>,
        grad: ScanGrad<Self>,
    ) -> Result<()>;
}
