//! A model on the device that was asked for.
//!
//! [`Machine`] is that device. [`Machine::engine`] puts a model on it that embeds cells and predicts; [`Machine::learner`]
//! one that also learns. What both do is the same on every device; how many cells a call takes is not: a CPU shares cells
//! out to threads, a GPU takes as many at once as fit its memory.

mod inference;
mod learning;
#[cfg(feature = "cuda")]
mod limits;
mod machine;
#[cfg(feature = "cuda")]
mod micro_batch;
mod staging;

pub use inference::Engine;
pub use learning::{Host, Learner, Moments};
pub use machine::{LANES, Machine, engine_on, learner_on};
pub use staging::{Staged, Stager};
