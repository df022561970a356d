//! Training: one loop for every objective, which can stop at any step and go on with the same bytes.
//!
//! [`session::Session`] is what a stage runs: it restores or initialises, trains, and writes the model.
//! [`trainer::Trainer`] is the loop, [`objective::Objective`] what a stage brings, [`checkpoints`] the directory of a
//! run that is not finished, [`ranks`] several processes for one run. Nothing here depends on when a checkpoint is written
//! or how many threads or processes there are.

pub mod checkpoints;
mod cholesky;
pub mod class_head;
pub mod estimate;
pub mod feed;
pub mod flags;
pub mod initial_embeddings;
pub mod next_step;
pub mod objective;
pub mod optimizer;
pub mod ranks;
pub mod schedule;
pub mod session;
pub mod trainer;
pub mod walltime;

pub use feed::Feed;
pub use next_step::NextStep;
pub use objective::{Measured, Objective, Validation};
pub use session::Session;
pub use trainer::Plan;

use crate::device::Cpu;
use crate::model::PanFoMa;

/// The host's backend: first weights are made on it, whatever device they then learn on.
pub type Backend = Cpu<f32>;
/// A model on the host.
pub type Model = PanFoMa<Backend>;

#[cfg(test)]
mod tests;
