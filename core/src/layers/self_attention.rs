//! Pre-norm self-attention with its residual: u = LN(x), y = x + W_o attention(W_qkv u).

use super::{Layer, LayerNorm, Linear, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;
use crate::ops::attention::Heads;

/// The attention half of an encoder layer.
pub struct SelfAttention<B: Backend> {
    /// Before the projections.
    pub norm: LayerNorm<B>,
    /// [3 D, D] query, key, value.
    pub qkv: Linear<B>,
    /// [D, D]
    pub out: Linear<B>,
}

params!(SelfAttention { norm => "norm1", qkv => "attn.qkv", out => "attn.out" });

impl<B: Backend> SelfAttention<B> {
    /// Parameters `name.norm1.*` and `name.attn.*`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        d: usize,
        eps: f64,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            norm: LayerNorm::new(source, &join(name, "norm1"), d, eps)?,
            qkv: Linear::new(source, &join(name, "attn.qkv"), 3 * d, d)?,
            out: Linear::new(source, &join(name, "attn.out"), d, d)?,
        })
    }

    /// Queries, keys and values of x, for those who want to see the attention itself.
    pub fn queries_keys_values(&self, b: &B, x: &Tensor<B>) -> Result<Tensor<B>> {
        self.qkv.apply(b, &self.norm.apply(b, x)?.0)
    }
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    x: Tensor<B>,
    stats: Tensor<B>,
    u: Tensor<B>,
    qkv: Tensor<B>,
    o: Tensor<B>,
    log_sum: Tensor<B>,
}

impl<B: Backend> Layer<B> for SelfAttention<B> {
    type Context<'a> = Heads<'a, B>;
    type Saved = Saved<B>;

    fn forward(&self, b: &B, heads: &Heads<'_, B>, x: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let (u, stats) = self.norm.apply(b, &x)?;
        let qkv = self.qkv.apply(b, &u)?;
        let (o, log_sum) = b.attention(&qkv, heads)?;
        let y = self.out.apply_onto(b, &o, &x)?;
        Ok((y, Saved { x, stats, u, qkv, o, log_sum }))
    }

    fn backward(
        &self,
        b: &B,
        heads: &Heads<'_, B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let Saved { x, stats, u, qkv, o, log_sum } = saved;
        let d_o = self.out.gradients(b, &o, &dy, &mut grad.out)?;
        let d_qkv = b.attention_backward(&qkv, &o, &log_sum, &d_o, heads)?;
        let du = self.qkv.gradients(b, &u, &d_qkv, &mut grad.qkv)?;
        let mut dx = dy;
        self.norm.gradients_onto(b, &x, &stats, &du, &mut grad.norm, &mut dx)?;
        Ok(dx)
    }
}
