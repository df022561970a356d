//! One directional Mamba mixer (Mamba-1, arXiv 2312.00752): (x | z) = W_in u, x = SiLU(conv(x)), (r | B | C) = W_x x,
//! out = scan(x, W_dt r, B, C) gated by z, y = W_out out. Padding contributes nothing to a state.

use super::{Init, Linear, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::matmul::Matrix;
use crate::ops::selective_scan::{Direction, Scan, ScanGrad};
use crate::ops::{Backend, Sequences};

/// Widths of a mixer.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// D
    pub d_model: usize,
    /// E
    pub d_inner: usize,
    /// N
    pub d_state: usize,
    /// R
    pub dt_rank: usize,
    /// K
    pub d_conv: usize,
}

/// A mixer of one direction.
pub struct Mamba<B: Backend> {
    /// [2 E, D]
    pub in_proj: Linear<B>,
    /// [E, K]; the last tap weighs the current step.
    pub conv_weight: Tensor<B>,
    /// [E]
    pub conv_bias: Tensor<B>,
    /// [R + 2 N, E]
    pub x_proj: Linear<B>,
    /// [E, R]
    pub dt_weight: Tensor<B>,
    /// [E]
    pub dt_bias: Tensor<B>,
    /// [E, N]
    pub a_log: Tensor<B>,
    /// [E]
    pub d: Tensor<B>,
    /// [D, E]
    pub out_proj: Linear<B>,
    direction: Direction,
}

params!(Mamba {
    in_proj => "in_proj",
    conv_weight => "conv.weight",
    conv_bias => "conv.bias",
    x_proj => "x_proj",
    dt_weight => "dt_proj.weight",
    dt_bias => "dt_proj.bias",
    a_log => "a_log",
    d => "d",
    out_proj => "out_proj",
});

impl<B: Backend> Mamba<B> {
    /// Parameters below `name`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        widths: Widths,
        direction: Direction,
    ) -> std::result::Result<Self, ParamError> {
        let Widths { d_model, d_inner: e, d_state: n, dt_rank: r, d_conv: k } = widths;
        Ok(Self {
            in_proj: Linear::without_bias(source, &join(name, "in_proj"), 2 * e, d_model)?,
            conv_weight: source(&join(name, "conv.weight"), &[e, k], Init::linear(k))?,
            conv_bias: source(&join(name, "conv.bias"), &[e], Init::Normal(0.0))?,
            x_proj: Linear::without_bias(source, &join(name, "x_proj"), r + 2 * n, e)?,
            dt_weight: source(&join(name, "dt_proj.weight"), &[e, r], Init::linear(r))?,
            dt_bias: source(&join(name, "dt_proj.bias"), &[e], Init::StepSize)?,
            a_log: source(&join(name, "a_log"), &[e, n], Init::LogRange)?,
            d: source(&join(name, "d"), &[e], Init::Ones)?,
            out_proj: Linear::without_bias(source, &join(name, "out_proj"), d_model, e)?,
            direction,
        })
    }

    fn dt_rank(&self) -> usize {
        self.dt_weight.cols()
    }

    fn scan<'a>(&'a self, saved: &'a Saved<B>, sequences: &'a Sequences<B>) -> Scan<'a, B> {
        Scan {
            x: &saved.x,
            dt_raw: &saved.dt_raw,
            bc: &saved.bc,
            xz: &saved.xz,
            dt_bias: &self.dt_bias,
            a_log: &self.a_log,
            d: &self.d,
            sequences,
            direction: self.direction,
        }
    }

    /// (y, what the backward pass consumes besides u)
    pub fn forward(&self, b: &B, sequences: &Sequences<B>, u: &Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let xz = self.in_proj.apply(b, u)?;
        let x = b.causal_conv_silu(&xz, &self.conv_weight, &self.conv_bias, sequences, self.direction)?;
        let bc = self.x_proj.apply(b, &x)?;
        let dt_raw = b.matmul(Matrix::cols(&bc, 0..self.dt_rank()), Matrix::of(&self.dt_weight).t())?;
        let mut saved = Saved { xz, x, bc, dt_raw, scanned: None };
        let (out, states) = b.selective_scan(&self.scan(&saved, sequences))?;
        let y = self.out_proj.apply(b, &out)?;
        saved.scanned = Some((out, states));
        Ok((y, saved))
    }

    /// Adds du to `du`, and the parameters' gradients to `grad`.
    pub fn backward(
        &self,
        b: &B,
        sequences: &Sequences<B>,
        u: &Tensor<B>,
        mut saved: Saved<B>,
        dy: &Tensor<B>,
        grad: &mut Self,
        du: &mut Tensor<B>,
    ) -> Result<()> {
        let (out, states) = saved.scanned.take().expect("a forward pass scans");
        let d_out = self.out_proj.gradients(b, &out, dy, &mut grad.out_proj)?;
        drop(out);
        let mut dx = b.scratch(saved.x.shape())?;
        let mut d_dt = b.scratch(saved.x.shape())?;
        let mut d_bc = b.scratch(saved.bc.shape())?;
        let mut d_xz = b.scratch(saved.xz.shape())?;
        b.selective_scan_backward(
            &self.scan(&saved, sequences),
            &states,
            &d_out,
            ScanGrad {
                x: &mut dx,
                dt_raw: &mut d_dt,
                bc: &mut d_bc,
                xz: &mut d_xz,
                dt_bias: &mut grad.dt_bias,
                a_log: &mut grad.a_log,
                d: &mut grad.d,
            },
        )?;
        let low_rank = 0..self.dt_rank();
        b.matmul_into(Matrix::of(&d_dt), Matrix::of(&self.dt_weight), false, &mut d_bc, low_rank.clone())?;
        b.matmul_add(Matrix::of(&d_dt).t(), Matrix::cols(&saved.bc, low_rank), &mut grad.dt_weight)?;
        self.x_proj.gradients_onto(b, &saved.x, &d_bc, &mut grad.x_proj, &mut dx)?;
        b.causal_conv_silu_backward(
            &saved.xz,
            &self.conv_weight,
            &self.conv_bias,
            &dx,
            sequences,
            self.direction,
            &mut grad.conv_weight,
            &mut grad.conv_bias,
            &mut d_xz,
        )?;
        self.in_proj.gradients_onto(b, u, &d_xz, &mut grad.in_proj, du)
    }
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    xz: Tensor<B>,
    x: Tensor<B>,
    bc: Tensor<B>,
    dt_raw: Tensor<B>,
    /// Gated output and checkpoints.
    scanned: Option<(Tensor<B>, Tensor<B>)>,
}
