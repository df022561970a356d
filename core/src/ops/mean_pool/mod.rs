//! Mean of a sequence's real rows: y[s] = sum of its first n_valid rows / n_valid. Backward: dx[row] += dy[s] / n_valid.

mod cpu;
mod cuda;

use super::Sequences;
use crate::device::{Device, Result, Tensor};

/// Mean over real rows.
pub trait MeanPool: Device {
    /// x: [n * len, D] -> [n, D]
    fn mean_pool(&self, x: &Tensor<Self>, sequences: &Sequences<Self>) -> Result<Tensor<Self>>;
    /// Adds to dx.
    fn mean_pool_backward(
        &self,
        dy: &Tensor<Self>,
        sequences: &Sequences<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()>;
}
