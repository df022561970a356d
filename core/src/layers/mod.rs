//! Parameters with a forward and a backward pass, composed of operations.
//!
//! A forward pass returns what its backward pass consumes by value, so a backward pass without its forward does not
//! compile, and dropping it is inference. A gradient is a layer of the same type: sharing weights just accumulates.

mod bidirectional_mamba;
pub mod cell_prompt;
mod feed_forward;
mod linear;
pub mod mamba;
mod mlp;
mod norm;
mod self_attention;

pub use bidirectional_mamba::BidirectionalMamba;
pub use cell_prompt::CellPrompt;
pub use feed_forward::FeedForward;
pub use linear::Linear;
pub use mamba::Mamba;
pub use mlp::Mlp;
pub use norm::{LayerNorm, RmsNorm};
pub use self_attention::SelfAttention;

use crate::device::{Device, DeviceError, Result, Tensor};
use crate::ops::Backend;

/// How a fresh parameter is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with this mean and standard deviation 0.02.
    Normal(f64),
    /// Uniform in [-bound, bound].
    Uniform(f64),
    /// softplus^-1 of step sizes uniform in their logarithm between 0.001 and 0.1 (Mamba).
    StepSize,
    /// log(1 .. n) along the last axis (Mamba, S4D-real).
    LogRange,
    /// One.
    Ones,
}

impl Init {
    /// PyTorch's bound for a linear layer of `inputs` inputs.
    pub fn linear(inputs: usize) -> Self {
        Self::Uniform(1.0 / (inputs as f64).sqrt())
    }
}

/// Why parameters cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ParamError {
    /// The weights lack a tensor.
    #[error("the weights lack tensor `{0}`")]
    Missing(String),
    /// A tensor of the weights has another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape this configuration asks for.
        expected: Vec<usize>,
        /// The shape stored.
        found: Vec<usize>,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Where parameters come from: fresh draws, a checkpoint, zeros. Called with name, shape and distribution.
pub type Source<'a, B> = dyn FnMut(&str, &[usize], Init) -> std::result::Result<Tensor<B>, ParamError> + 'a;

/// Parameters by their checkpoint names, in a fixed order.
pub trait Params<B: Device> {
    /// Appends (name, tensor); names begin with `name`.
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>);
    /// Appends (name, tensor); names begin with `name`.
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>);
}

impl<B: Device> Params<B> for Tensor<B> {
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>) {
        to.push((name.into(), self));
    }
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>) {
        to.push((name.into(), self));
    }
}

impl<B: Device, P: Params<B>> Params<B> for Option<P> {
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>) {
        self.iter().for_each(|p| p.visit(name, to));
    }
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>) {
        self.iter_mut().for_each(|p| p.visit_mut(name, to));
    }
}

impl<B: Device, P: Params<B>> Params<B> for Vec<P> {
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>) {
        self.iter().enumerate().for_each(|(i, p)| p.visit(&format!("{name}.{i}"), to));
    }
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>) {
        self.iter_mut().enumerate().for_each(|(i, p)| p.visit_mut(&format!("{name}.{i}"), to));
    }
}

/// Writes `Params` for a struct: field => its name below the struct's.
macro_rules! params {
    ($layer:ident { $($field:ident => $name:literal),* $(,)? }) => {
        impl<B: $crate::ops::Backend> $crate::layers::Params<B> for $layer<B> {
            fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a $crate::device::Tensor<B>)>) {
                $(self.$field.visit(&$crate::layers::join(name, $name), to);)*
            }
            fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut $crate::device::Tensor<B>)>) {
                $(self.$field.visit_mut(&$crate::layers::join(name, $name), to);)*
            }
        }
    };
}
pub(crate) use params;

/// `name.part`, or `part` at the root.
pub(crate) fn join(name: &str, part: &str) -> String {
    if name.is_empty() { part.into() } else { format!("{name}.{part}") }
}

/// A differentiable map of rows to rows.
pub trait Layer<B: Backend>: Params<B> {
    /// What the rows mean: which belong together, which are padding.
    type Context<'a>;
    /// What the backward pass consumes.
    type Saved;

    /// (y, what the backward pass consumes)
    fn forward(&self, b: &B, context: &Self::Context<'_>, x: Tensor<B>) -> Result<(Tensor<B>, Self::Saved)>;

    /// dx; adds to `grad`, which has the layer's own type.
    fn backward(
        &self,
        b: &B,
        context: &Self::Context<'_>,
        saved: Self::Saved,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>>;
}

#[cfg(test)]
mod tests;
