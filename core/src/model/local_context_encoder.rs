//! Local context encoder: pre-norm Transformer layers over every chunk by the same weights, by default one set of
//! weights applied `n_encoder_layers` times.

use super::ModelConfig;
use crate::device::{Result, Tensor};
use crate::layers::{FeedForward, Layer, LayerNorm, ParamError, Params, SelfAttention, Source, params};
use crate::ops::Backend;
use crate::ops::attention::Heads;

/// One set of layer weights.
pub struct EncoderLayer<B: Backend> {
    pub attention: SelfAttention<B>,
    pub feed_forward: FeedForward<B>,
}

/// The halves carry their own names (`norm1`, `attn`, `norm2`, `ffn`) directly below the layer's.
impl<B: Backend> Params<B> for EncoderLayer<B> {
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>) {
        self.attention.visit(name, to);
        self.feed_forward.visit(name, to);
    }
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>) {
        self.attention.visit_mut(name, to);
        self.feed_forward.visit_mut(name, to);
    }
}

/// The encoder.
pub struct LocalContextEncoder<B: Backend> {
    /// One set of weights, or one a layer.
    pub layers: Vec<EncoderLayer<B>>,
    /// After the last layer.
    pub norm: LayerNorm<B>,
    n_layers: usize,
}

params!(LocalContextEncoder { layers => "layers", norm => "norm" });

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    layers: Vec<(<SelfAttention<B> as Layer<B>>::Saved, <FeedForward<B> as Layer<B>>::Saved)>,
    norm: <LayerNorm<B> as Layer<B>>::Saved,
}

impl<B: Backend> LocalContextEncoder<B> {
    pub fn new(source: &mut Source<B>, c: &ModelConfig) -> std::result::Result<Self, ParamError> {
        let n_sets = if c.share_encoder_layers { 1 } else { c.n_encoder_layers };
        let layer = |l| {
            let name = format!("encoder.layers.{l}");
            Ok(EncoderLayer {
                attention: SelfAttention::new(source, &name, c.d_model, c.norm_eps)?,
                feed_forward: FeedForward::new(source, &name, c.d_model, c.d_ff, c.norm_eps)?,
            })
        };
        Ok(Self {
            layers: (0..n_sets).map(layer).collect::<std::result::Result<_, ParamError>>()?,
            norm: LayerNorm::new(source, "encoder.norm", c.d_model, c.norm_eps)?,
            n_layers: c.n_encoder_layers,
        })
    }

    /// The weights of each application, in order.
    fn applied(&self) -> impl DoubleEndedIterator<Item = &EncoderLayer<B>> {
        (0..self.n_layers).map(|l| &self.layers[l % self.layers.len()])
    }

    /// Final states of every row; keeps what the backward pass consumes if asked.
    pub fn forward(
        &self,
        b: &B,
        heads: &Heads<B>,
        mut x: Tensor<B>,
        training: bool,
    ) -> Result<(Tensor<B>, Option<Saved<B>>)> {
        let mut layers = Vec::new();
        for layer in self.applied() {
            let (y, in_attention) = layer.attention.forward(b, heads, x)?;
            let (y, in_feed_forward) = layer.feed_forward.forward(b, &(), y)?;
            if training {
                layers.push((in_attention, in_feed_forward));
            }
            x = y;
        }
        let (y, norm) = self.norm.forward(b, &(), x)?;
        Ok((y, training.then_some(Saved { layers, norm })))
    }

    /// dx; adds to `grad`.
    pub fn backward(
        &self,
        b: &B,
        heads: &Heads<B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let mut dx = self.norm.backward(b, &(), saved.norm, dy, &mut grad.norm)?;
        for (l, (in_attention, in_feed_forward)) in saved.layers.into_iter().enumerate().rev() {
            let set = l % self.layers.len();
            let (layer, grad) = (&self.layers[set], &mut grad.layers[set]);
            dx = layer.feed_forward.backward(b, &(), in_feed_forward, dx, &mut grad.feed_forward)?;
            dx = layer.attention.backward(b, heads, in_attention, dx, &mut grad.attention)?;
        }
        Ok(dx)
    }

    /// Calls `see` with the queries, keys and values of every application.
    pub fn each_attention(
        &self,
        b: &B,
        heads: &Heads<B>,
        mut x: Tensor<B>,
        mut see: impl FnMut(usize, &Tensor<B>) -> Result<()>,
    ) -> Result<()> {
        for (l, layer) in self.applied().enumerate() {
            see(l, &layer.attention.queries_keys_values(b, &x)?)?;
            x = layer.attention.forward(b, heads, x)?.0;
            x = layer.feed_forward.forward(b, &(), x)?.0;
        }
        Ok(())
    }
}
