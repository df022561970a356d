//! Training: one loop for every objective, which can stop at any step and go on with the same bytes.
//!
//! [`session::Session`] is what a stage runs: it restores or initialises, trains, and writes the model.
//! [`trainer::Trainer`] is the loop, [`objective::Objective`] what a stage brings, [`checkpoints`] the directory of a
//! run that is not finished, [`ranks`] several processes for one run. Nothing here depends on when a checkpoint is written
//! or how many threads or processes there are.

pub mod adamw;
pub mod checkpoints;
mod cholesky;
pub mod class_head;
pub mod estimate;
pub mod feed;
pub mod flags;
pub mod initial_embeddings;
pub mod objective;
pub mod optimizer;
pub mod ranks;
pub mod schedule;
pub mod session;
pub mod trainer;
pub mod walltime;

pub use feed::Feed;
pub use objective::{Measured, Objective, Validation};
pub use session::Session;
pub use trainer::Plan;

use crate::device::Cpu;
use crate::model::PanFoMa;

/// The backend training runs on.
pub type Backend = Cpu<f32>;
/// A model on it; gradients and Adam's moments have the same type.
pub type Model = PanFoMa<Backend>;

/// Lanes of a step: the most threads, over all processes, that a step can use. Part of the arithmetic, so it is no flag (see `model::lanes`).
pub const LANES: usize = 16;

/// Sets every number of a gradient to zero.
pub(crate) fn clear(gradient: &mut Model) {
    for (_, tensor) in gradient.params_mut() {
        tensor.as_mut_slice().fill(0.0);
    }
}

/// Copies every parameter.
pub(crate) fn copy(to: &mut Model, from: &Model) {
    for ((_, to), (_, from)) in to.params_mut().into_iter().zip(from.params()) {
        to.as_mut_slice().copy_from_slice(from.as_slice());
    }
}

#[cfg(test)]
mod tests;
