//! y = x W^T + b

use super::{Init, Layer, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;
use crate::ops::matmul::Matrix;

/// A linear map.
pub struct Linear<B: Backend> {
    /// [outputs, inputs]
    pub weight: Tensor<B>,
    /// [outputs]
    pub bias: Option<Tensor<B>>,
}

params!(Linear { weight => "weight", bias => "bias" });

impl<B: Backend> Linear<B> {
    /// Parameters `name.weight` and `name.bias`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            bias: Some(source(&join(name, "bias"), &[outputs], Init::Normal(0.0))?),
            ..Self::without_bias(source, name, outputs, inputs)?
        })
    }

    /// Parameter `name.weight`.
    pub fn without_bias(
        source: &mut Source<B>,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> std::result::Result<Self, ParamError> {
        let weight = source(&join(name, "weight"), &[outputs, inputs], Init::linear(inputs))?;
        Ok(Self { weight, bias: None })
    }

    /// y
    pub fn apply(&self, b: &B, x: &Tensor<B>) -> Result<Tensor<B>> {
        b.linear(x, &self.weight, self.bias.as_ref(), None)
    }

    /// residual + y
    pub fn apply_onto(&self, b: &B, x: &Tensor<B>, residual: &Tensor<B>) -> Result<Tensor<B>> {
        b.linear(x, &self.weight, self.bias.as_ref(), Some(residual))
    }

    /// dx; adds the parameters' gradients to `grad`.
    pub fn gradients(&self, b: &B, x: &Tensor<B>, dy: &Tensor<B>, grad: &mut Self) -> Result<Tensor<B>> {
        grad.accumulate(b, x, dy)?;
        b.matmul(Matrix::of(dy), Matrix::of(&self.weight))
    }

    /// Adds dx to `dx`, and the parameters' gradients to `grad`.
    pub fn gradients_onto(
        &self,
        b: &B,
        x: &Tensor<B>,
        dy: &Tensor<B>,
        grad: &mut Self,
        dx: &mut Tensor<B>,
    ) -> Result<()> {
        grad.accumulate(b, x, dy)?;
        b.matmul_add(Matrix::of(dy), Matrix::of(&self.weight), dx)
    }

    /// On a gradient: weight += dy^T x, bias += sum of dy.
    fn accumulate(&mut self, b: &B, x: &Tensor<B>, dy: &Tensor<B>) -> Result<()> {
        b.matmul_add(Matrix::of(dy).t(), Matrix::of(x), &mut self.weight)?;
        match &mut self.bias {
            None => Ok(()),
            Some(bias) => b.bias_backward(dy, bias),
        }
    }
}

impl<B: Backend> Layer<B> for Linear<B> {
    type Context<'a> = ();
    type Saved = Tensor<B>;

    fn forward(&self, b: &B, _: &(), x: Tensor<B>) -> Result<(Tensor<B>, Tensor<B>)> {
        Ok((self.apply(b, &x)?, x))
    }

    fn backward(&self, b: &B, _: &(), x: Tensor<B>, dy: Tensor<B>, grad: &mut Self) -> Result<Tensor<B>> {
        self.gradients(b, &x, &dy, grad)
    }
}
