//! What the optimizer does in every step of a run.

use super::schedule::Schedule;
use crate::ops::adamw::{Constants, Step, clip_factor};

/// The constants of the optimizer and the learning rate of every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// AdamW's constants.
    pub adamw: Constants,
    /// The learning rate of every step.
    pub schedule: Schedule,
    /// The highest global norm of a gradient; 0 = no clipping.
    pub clip_norm: f64,
}

impl Settings {
    /// Step `step`, counted from 0, with a gradient of this norm.
    pub fn step(&self, step: u64, norm: f64) -> Step {
        Step {
            learning_rate: self.schedule.learning_rate(step),
            t: step + 1,
            gradient_factor: clip_factor(norm, self.clip_norm),
        }
    }
}
