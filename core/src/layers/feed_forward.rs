//! Pre-norm feed-forward with its residual: y = x + W_down GELU(W_up LN(x)).

use super::{Layer, LayerNorm, Linear, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;

/// The feed-forward half of an encoder layer.
pub struct FeedForward<B: Backend> {
    /// Before the projections.
    pub norm: LayerNorm<B>,
    /// [d_ff, D]
    pub up: Linear<B>,
    /// [D, d_ff]
    pub down: Linear<B>,
}

params!(FeedForward { norm => "norm2", up => "ffn.up", down => "ffn.down" });

impl<B: Backend> FeedForward<B> {
    /// Parameters `name.norm2.*` and `name.ffn.*`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        d: usize,
        d_ff: usize,
        eps: f64,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            norm: LayerNorm::new(source, &join(name, "norm2"), d, eps)?,
            up: Linear::new(source, &join(name, "ffn.up"), d_ff, d)?,
            down: Linear::new(source, &join(name, "ffn.down"), d, d_ff)?,
        })
    }
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    x: Tensor<B>,
    stats: Tensor<B>,
    u: Tensor<B>,
    h: Tensor<B>,
    a: Tensor<B>,
}

impl<B: Backend> Layer<B> for FeedForward<B> {
    type Context<'a> = ();
    type Saved = Saved<B>;

    fn forward(&self, b: &B, _: &(), x: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let (u, stats) = self.norm.apply(b, &x)?;
        let h = self.up.apply(b, &u)?;
        let a = b.gelu(&h)?;
        let y = self.down.apply_onto(b, &a, &x)?;
        Ok((y, Saved { x, stats, u, h, a }))
    }

    fn backward(&self, b: &B, _: &(), saved: Saved<B>, dy: Tensor<B>, grad: &mut Self) -> Result<Tensor<B>> {
        let Saved { x, stats, u, h, a } = saved;
        let da = self.down.gradients(b, &a, &dy, &mut grad.down)?;
        let dh = b.gelu_backward(&h, da)?;
        let du = self.up.gradients(b, &u, &dh, &mut grad.up)?;
        let mut dx = dy;
        self.norm.gradients_onto(b, &x, &stats, &du, &mut grad.norm, &mut dx)?;
        Ok(dx)
    }
}
