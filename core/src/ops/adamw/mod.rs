//! AdamW (Loshchilov & Hutter, arXiv 1711.05101) and the norm that gradients are clipped by.
//!
//! For every parameter p with gradient g, at step t counted from 1:
//! `p -= lr * decay * p`, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! `p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)`.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// The constants of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// What one step applies to every parameter alike.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate.
    pub learning_rate: f64,
    /// Steps done with this one, from 1.
    pub t: u64,
    /// The gradient is multiplied by this first: see [`clip_factor`].
    pub gradient_factor: f64,
}

/// One step in the numbers its loop needs:
/// g' = factor g, m = b1 m + c1 g', v = b2 v + c2 g'^2, p = keep p - rate m / (unbias sqrt(v) + eps).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// What the gradient is multiplied by.
    pub factor: f32,
    /// 1 - lr decay, of a parameter that decays; 1 of another.
    pub keep: f32,
    /// lr / (1 - b1^t)
    pub rate: f32,
    /// 1 / sqrt(1 - b2^t)
    pub unbias: f32,
    /// b1
    pub b1: f32,
    /// 1 - b1
    pub c1: f32,
    /// b2
    pub b2: f32,
    /// 1 - b2
    pub c2: f32,
    /// eps
    pub eps: f32,
}

impl Constants {
    /// The numbers of a step.
    pub fn update(&self, step: Step) -> Update {
        let t = step.t as f64;
        Update {
            factor: step.gradient_factor as f32,
            keep: (1.0 - step.learning_rate * self.weight_decay) as f32,
            rate: (step.learning_rate / (1.0 - libm::pow(self.beta1, t))) as f32,
            unbias: libm::sqrt(1.0 - libm::pow(self.beta2, t)).recip() as f32,
            b1: self.beta1 as f32,
            c1: (1.0 - self.beta1) as f32,
            b2: self.beta2 as f32,
            c2: (1.0 - self.beta2) as f32,
            eps: self.eps as f32,
        }
    }
}

/// What to multiply the gradient by so that its global norm is at most `clip_norm`; 1 where `clip_norm` is 0.
pub fn clip_factor(norm: f64, clip_norm: f64) -> f64 {
    if clip_norm > 0.0 && norm > clip_norm { clip_norm / norm } else { 1.0 }
}

/// One parameter with its gradient and moments, equally long.
pub struct Parameter<'a, B: Device> {
    /// Is it a weight of a product, which decays?
    pub decays: bool,
    /// p
    pub value: &'a mut Tensor<B>,
    /// g
    pub gradient: &'a Tensor<B>,
    /// m
    pub first: &'a mut Tensor<B>,
    /// v
    pub second: &'a mut Tensor<B>,
}

impl<B: Device> Parameter<'_, B> {
    /// What its value is multiplied by in a step.
    fn keep(&self, update: &Update) -> f32 {
        assert_eq!([self.value.shape(); 3], [self.gradient.shape(), self.first.shape(), self.second.shape()]);
        if self.decays { update.keep } else { 1.0 }
    }
}

/// The optimizer's arithmetic.
pub trait AdamW: Device {
    /// Moves parameters and their moments by one step.
    fn adamw(&self, update: &Update, parameters: Vec<Parameter<Self>>) -> Result<()>;

    /// Sum of squares of all numbers, summed in a fixed order.
    fn sum_of_squares(&self, tensors: &[&Tensor<Self>]) -> Result<f64>;
}
