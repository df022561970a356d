//! Global decoder: bidirectional Mamba layers over the sorted genes of a cell, then a root-mean-square norm.

use super::ModelConfig;
use crate::device::{Result, Tensor};
use crate::layers::mamba::Widths;
use crate::layers::{BidirectionalMamba, Layer, ParamError, RmsNorm, Source, params};
use crate::ops::{Backend, Sequences};

/// The decoder.
pub struct GlobalDecoder<B: Backend> {
    pub layers: Vec<BidirectionalMamba<B>>,
    /// After the last layer.
    pub norm: RmsNorm<B>,
}

params!(GlobalDecoder { layers => "layers", norm => "norm" });

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    layers: Vec<<BidirectionalMamba<B> as Layer<B>>::Saved>,
    norm: <RmsNorm<B> as Layer<B>>::Saved,
}

impl<B: Backend> GlobalDecoder<B> {
    pub fn new(source: &mut Source<B>, c: &ModelConfig) -> std::result::Result<Self, ParamError> {
        let widths = Widths {
            d_model: c.d_model,
            d_inner: c.d_inner(),
            d_state: c.d_state,
            dt_rank: c.dt_rank(),
            d_conv: c.d_conv,
        };
        let layer = |l| BidirectionalMamba::new(source, &format!("decoder.layers.{l}"), widths, c.norm_eps);
        Ok(Self {
            layers: (0..c.n_decoder_layers).map(layer).collect::<std::result::Result<_, _>>()?,
            norm: RmsNorm::new(source, "decoder.norm", c.d_model, c.norm_eps)?,
        })
    }

    /// Final states of the sorted genes; keeps what the backward pass consumes if asked.
    pub fn forward(
        &self,
        b: &B,
        sequences: &Sequences<B>,
        mut x: Tensor<B>,
        training: bool,
    ) -> Result<(Tensor<B>, Option<Saved<B>>)> {
        let mut layers = Vec::new();
        for layer in &self.layers {
            let (y, saved) = layer.forward(b, sequences, x)?;
            if training {
                layers.push(saved);
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
        sequences: &Sequences<B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let mut dx = self.norm.backward(b, &(), saved.norm, dy, &mut grad.norm)?;
        for (l, saved) in saved.layers.into_iter().enumerate().rev() {
            dx = self.layers[l].backward(b, sequences, saved, dx, &mut grad.layers[l])?;
        }
        Ok(dx)
    }
}
