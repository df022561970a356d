//! What a stage brings to the training loop.

use crate::engine::{Engine, Learner};
use crate::stage::Interrupt;

/// A loss, the cells it is measured on, and how it is validated.
///
/// Everything is a function of the model and the step, so that a run can begin at any step.
pub trait Objective {
    /// The gradient becomes that of step `step`'s mean loss; returns what it measured.
    fn step(&mut self, learner: &mut dyn Learner, step: u64) -> anyhow::Result<Measured>;

    /// Measures the whole validation split with draws that never change.
    fn validate(&mut self, engine: &dyn Engine, interrupt: &Interrupt) -> anyhow::Result<Validation>;

    /// Does this parameter learn?
    fn trains(&self, parameter: &str) -> bool;
}

/// What a step measured: means over its cells or genes.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Mean values; `loss` must be among them.
    pub means: Vec<(&'static str, f64)>,
    /// How many genes or cells they are means over.
    pub weight: f64,
}

impl Measured {
    /// The loss, in nats.
    pub fn loss(&self) -> f64 {
        self.means.iter().find(|(name, _)| *name == "loss").map_or(f64::NAN, |(_, value)| *value)
    }
}

/// What a validation measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Validation {
    /// All of it.
    Done {
        /// Values by metric; `loss` must be among them.
        metrics: Vec<(&'static str, f64)>,
        /// What models are compared by; lower is better.
        score: f64,
    },
    /// There is no validation cell.
    NoCells,
    /// The stage was asked to stop before the end.
    Interrupted,
}
