//! A layer of the global decoder: u = RMSNorm(x), a = sigmoid(W u + b),
//! y = x + a Mamba_f(u) + (1 - a) Mamba_b(u), the second scanning from the last real gene.

use super::mamba::{self, Mamba, Widths};
use super::{Layer, Linear, ParamError, RmsNorm, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::selective_scan::Direction;
use crate::ops::{Backend, Sequences};

/// Two mixers and their gate.
pub struct BidirectionalMamba<B: Backend> {
    /// Before the mixers.
    pub norm: RmsNorm<B>,
    /// From the gene sorted first.
    pub forward: Mamba<B>,
    /// From the last real gene.
    pub backward: Mamba<B>,
    /// [D, D]
    pub gate: Linear<B>,
}

params!(BidirectionalMamba { norm => "norm", forward => "forward", backward => "backward", gate => "gate" });

impl<B: Backend> BidirectionalMamba<B> {
    /// Parameters below `name`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        widths: Widths,
        eps: f64,
    ) -> std::result::Result<Self, ParamError> {
        let d = widths.d_model;
        Ok(Self {
            norm: RmsNorm::new(source, &join(name, "norm"), d, eps)?,
            forward: Mamba::new(source, &join(name, "forward"), widths, Direction::Forward)?,
            backward: Mamba::new(source, &join(name, "backward"), widths, Direction::Backward)?,
            gate: Linear::new(source, &join(name, "gate"), d, d)?,
        })
    }
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    x: Tensor<B>,
    stats: Tensor<B>,
    u: Tensor<B>,
    in_forward: mamba::Saved<B>,
    in_backward: mamba::Saved<B>,
    gate: Tensor<B>,
    f: Tensor<B>,
    r: Tensor<B>,
}

impl<B: Backend> Layer<B> for BidirectionalMamba<B> {
    type Context<'a> = Sequences<B>;
    type Saved = Saved<B>;

    fn forward(&self, b: &B, sequences: &Sequences<B>, x: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let (u, stats) = self.norm.apply(b, &x)?;
        let (f, in_forward) = self.forward.forward(b, sequences, &u)?;
        let (r, in_backward) = self.backward.forward(b, sequences, &u)?;
        let gate = self.gate.apply(b, &u)?;
        let y = b.gated_fusion(&x, &gate, &f, &r)?;
        Ok((y, Saved { x, stats, u, in_forward, in_backward, gate, f, r }))
    }

    fn backward(
        &self,
        b: &B,
        sequences: &Sequences<B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        let Saved { x, stats, u, in_forward, in_backward, gate, f, r } = saved;
        let (d_gate, df, dr) = b.gated_fusion_backward(gate, f, r, &dy)?;
        let mut du = self.gate.gradients(b, &u, &d_gate, &mut grad.gate)?;
        self.backward.backward(b, sequences, &u, in_backward, &dr, &mut grad.backward, &mut du)?;
        self.forward.backward(b, sequences, &u, in_forward, &df, &mut grad.forward, &mut du)?;
        let mut dx = dy;
        self.norm.gradients_onto(b, &x, &stats, &du, &mut grad.norm, &mut dx)?;
        Ok(dx)
    }
}
