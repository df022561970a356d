//! A head of two linear maps: y = W_1 GELU(W_0 x + b_0) + b_1.

use super::{Layer, Linear, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;

/// Two linear maps with GELU between.
pub struct Mlp<B: Backend> {
    /// [D, D]
    pub first: Linear<B>,
    /// [outputs, D]
    pub second: Linear<B>,
}

params!(Mlp { first => "0", second => "1" });

impl<B: Backend> Mlp<B> {
    /// Parameters `name.0.*` and `name.1.*`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        outputs: usize,
        d: usize,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            first: Linear::new(source, &join(name, "0"), d, d)?,
            second: Linear::new(source, &join(name, "1"), outputs, d)?,
        })
    }
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    x: Tensor<B>,
    h: Tensor<B>,
    a: Tensor<B>,
}

impl<B: Backend> Layer<B> for Mlp<B> {
    type Context<'a> = ();
    type Saved = Saved<B>;

    fn forward(&self, b: &B, _: &(), x: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let h = self.first.apply(b, &x)?;
        let a = b.gelu(&h)?;
        Ok((self.second.apply(b, &a)?, Saved { x, h, a }))
    }

    fn backward(&self, b: &B, _: &(), saved: Saved<B>, dy: Tensor<B>, grad: &mut Self) -> Result<Tensor<B>> {
        let Saved { x, h, a } = saved;
        let da = self.second.gradients(b, &a, &dy, &mut grad.second)?;
        let dh = b.gelu_backward(&h, da)?;
        self.first.gradients(b, &x, &dh, &mut grad.first)
    }
}
