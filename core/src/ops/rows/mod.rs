//! Rows picked by number: y[i] = x[rows[i]]; backward dx[rows[i]] += dy[i], in order of i.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// Gather and scatter of rows.
pub trait Rows: Device {
    /// y[i] = x[rows[i]]
    fn gather_rows(&self, x: &Tensor<Self>, rows: &Self::Index) -> Result<Tensor<Self>>;
    /// x[rows[i]] += y[i]; the gradient of `gather_rows`.
    fn scatter_add_rows(&self, y: &Tensor<Self>, rows: &Self::Index, x: &mut Tensor<Self>) -> Result<()>;
    /// Makes ready what `scatter_add_rows` needs of these rows besides, which it would do itself.
    fn expect_scatter(&self, rows: &Self::Index) -> Result<()>;
    /// of[which[i]]
    fn select(&self, of: &Self::Index, which: &Self::Index) -> Result<Self::Index>;
}
