//! Layer norm and root-mean-square norm.

use super::{Init, Layer, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;

/// Layer norm over the last axis.
pub struct LayerNorm<B: Backend> {
    /// [D]
    pub weight: Tensor<B>,
    /// [D]
    pub bias: Tensor<B>,
    eps: f64,
}

params!(LayerNorm { weight => "weight", bias => "bias" });

impl<B: Backend> LayerNorm<B> {
    /// Parameters `name.weight` and `name.bias`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        d: usize,
        eps: f64,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            weight: source(&join(name, "weight"), &[d], Init::Normal(1.0))?,
            bias: source(&join(name, "bias"), &[d], Init::Normal(0.0))?,
            eps,
        })
    }

    /// (y, statistics for the backward pass)
    pub fn apply(&self, b: &B, x: &Tensor<B>) -> Result<(Tensor<B>, Tensor<B>)> {
        b.layer_norm(x, &self.weight, &self.bias, self.eps)
    }

    /// Adds dx to `dx`, and the parameters' gradients to `grad`.
    pub fn gradients_onto(
        &self,
        b: &B,
        x: &Tensor<B>,
        stats: &Tensor<B>,
        dy: &Tensor<B>,
        grad: &mut Self,
        dx: &mut Tensor<B>,
    ) -> Result<()> {
        b.layer_norm_backward(x, stats, &self.weight, dy, &mut grad.weight, &mut grad.bias, dx)
    }
}

impl<B: Backend> Layer<B> for LayerNorm<B> {
    type Context<'a> = ();
    type Saved = (Tensor<B>, Tensor<B>);

    fn forward(&self, b: &B, _: &(), x: Tensor<B>) -> Result<(Tensor<B>, Self::Saved)> {
        let (y, stats) = self.apply(b, &x)?;
        Ok((y, (x, stats)))
    }

    fn backward(
        &self,
        b: &B,
        _: &(),
        (x, stats): Self::Saved,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let mut dx = b.zero_activations(x.shape())?;
        self.gradients_onto(b, &x, &stats, &dy, grad, &mut dx)?;
        Ok(dx)
    }
}

/// Root-mean-square norm over the last axis.
pub struct RmsNorm<B: Backend> {
    /// [D]
    pub weight: Tensor<B>,
    eps: f64,
}

params!(RmsNorm { weight => "weight" });

impl<B: Backend> RmsNorm<B> {
    /// Parameter `name.weight`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        d: usize,
        eps: f64,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self { weight: source(&join(name, "weight"), &[d], Init::Normal(1.0))?, eps })
    }

    /// (y, statistics for the backward pass)
    pub fn apply(&self, b: &B, x: &Tensor<B>) -> Result<(Tensor<B>, Tensor<B>)> {
        b.rms_norm(x, &self.weight, self.eps)
    }

    /// Adds dx to `dx`, and the parameter's gradient to `grad`.
    pub fn gradients_onto(
        &self,
        b: &B,
        x: &Tensor<B>,
        stats: &Tensor<B>,
        dy: &Tensor<B>,
        grad: &mut Self,
        dx: &mut Tensor<B>,
    ) -> Result<()> {
        b.rms_norm_backward(x, stats, &self.weight, dy, &mut grad.weight, dx)
    }
}

impl<B: Backend> Layer<B> for RmsNorm<B> {
    type Context<'a> = ();
    type Saved = (Tensor<B>, Tensor<B>);

    fn forward(&self, b: &B, _: &(), x: Tensor<B>) -> Result<(Tensor<B>, Self::Saved)> {
        let (y, stats) = self.apply(b, &x)?;
        Ok((y, (x, stats)))
    }

    fn backward(
        &self,
        b: &B,
        _: &(),
        (x, stats): Self::Saved,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let mut dx = b.zero_activations(x.shape())?;
        self.gradients_onto(b, &x, &stats, &dy, grad, &mut dx)?;
        Ok(dx)
    }
}
