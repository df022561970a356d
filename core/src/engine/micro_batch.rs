//! How many cells a GPU takes at once.

use crate::device::cuda::{Cuda, Driver};
use crate::model::{ModelConfig, ModelError};

/// Most cells of a call: beyond it a GPU is full, and a step's cells are seldom more.
const MOST: usize = 64;

/// The cells of a call: `asked`, or the largest power of two whose activations fit 80 % of the free memory.
///
/// It is part of the arithmetic, since gradients are summed by calls; a GPU shared with others may fit fewer.
///
/// Errors: the device cannot say how much memory is free.
pub fn fitting<D: Driver>(
    b: &Cuda<D>,
    config: &ModelConfig,
    training: bool,
    asked: Option<usize>,
) -> Result<usize, ModelError> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    // Weights, their bf16 copies, and for training a gradient, two moments and the best weights.
    let fixed = config.n_params() as f64 * if training { 22.0 } else { 6.0 };
    let free = 0.8 * b.driver().memory()?.free as f64 - fixed;
    let mut cells = MOST;
    while cells > 1 && cells as f64 * bytes_per_cell(config, training) > free {
        cells /= 2;
    }
    tracing::debug!(cells, "cells a call");
    Ok(cells)
}

/// Bytes of one cell's activations, from above: what the layers keep for the backward pass, or what is alive at once
/// without one.
fn bytes_per_cell(config: &ModelConfig, training: bool) -> f64 {
    let [d, ff, e, n, heads] =
        [config.d_model, config.d_ff, config.d_inner(), config.d_state, config.n_heads].map(|x| x as f64);
    let rows = (config.n_chunks * (config.chunk_len + 1)) as f64;
    let s = config.seq_len() as f64;
    // x, u, q k v, O and the log of its sum; x, u, h, a.
    let encoder = rows * (2.0 * (8.0 * d + 2.0 * ff) + 4.0 * (heads + 4.0));
    // x, u, gate, f, r; and twice x z, x, r B C, dt, out and a checkpoint of the states every 32 steps.
    let mamba = 2.0 * (5.0 * e + config.dt_rank() as f64 + 2.0 * n) + 4.0 * e * n / 32.0;
    let decoder = s * (2.0 * 5.0 * d + 2.0 * mamba);
    let heads = s * 2.0 * (6.0 * d + 4.0 * config.n_bins as f64);
    let layers = if training { [config.n_encoder_layers, config.n_decoder_layers] } else { [1, 1] };
    1.25 * (layers[0] as f64 * encoder + layers[1] as f64 * decoder + heads)
        + if training { encoder + decoder } else { 0.0 }
}
