//! AdamW over a whole model.

use super::adamw::{AdamW, Slot, Step, clip_factor, sum_of_squares};
use super::schedule::Schedule;
use super::{Backend, Model};

/// The constants of the optimizer and the learning rate of every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// AdamW's constants.
    pub adamw: AdamW,
    /// The learning rate of every step.
    pub schedule: Schedule,
    /// The highest global norm of a gradient; 0 = no clipping.
    pub clip_norm: f64,
}

/// AdamW's settings and its memory.
pub struct Optimizer {
    /// Constants and learning rates.
    pub settings: Settings,
    /// Means of the gradients.
    pub first: Model,
    /// Means of their squares.
    pub second: Model,
}

impl Optimizer {
    /// An optimizer that has not seen a gradient.
    pub fn new(settings: Settings, model: &Model) -> Self {
        let b = Backend::new();
        Self { settings, first: model.zeros_like(&b), second: model.zeros_like(&b) }
    }

    /// Moves the parameters that `trains` names by step `step`, counted from 0. `norm`: of the gradient.
    pub fn apply(
        &mut self,
        model: &mut Model,
        grad: &Model,
        step: u64,
        norm: f64,
        trains: impl Fn(&str) -> bool,
    ) {
        let at = Step {
            learning_rate: self.settings.schedule.learning_rate(step),
            t: step + 1,
            gradient_factor: clip_factor(norm, self.settings.clip_norm),
        };
        let moments = self.first.params_mut().into_iter().zip(self.second.params_mut());
        let parameters = model.params_mut().into_iter().zip(grad.params());
        for (((name, value), (_, gradient)), ((_, first), (_, second))) in parameters.zip(moments) {
            if !trains(&name) {
                continue;
            }
            let slot = Slot {
                name: &name,
                value: value.as_mut_slice(),
                gradient: gradient.as_slice(),
                first: first.as_mut_slice(),
                second: second.as_mut_slice(),
            };
            self.settings.adamw.update(at, slot);
        }
    }
}

/// The global norm of a gradient, summed tensor by tensor in f64.
pub fn norm(grad: &Model) -> f64 {
    grad.params().iter().map(|(_, tensor)| sum_of_squares(tensor.as_slice())).sum::<f64>().sqrt()
}
