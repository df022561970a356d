//! What a run will take, for `--dry-run`: one cell is timed here and now instead of guessing a machine's speed.

use super::{Backend, Model};
use crate::engine::LANES;
use crate::model::{CellBatch, ModelConfig, ModelError, PretrainBatch};
use std::time::Instant;

/// Time and memory of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds of one thread for a forward and a backward pass of one full cell.
    pub seconds_per_cell: f64,
    /// Parameters.
    pub n_params: usize,
    /// Bytes of weights, moments, the gradient and the lanes' gradients, without activations.
    pub bytes: usize,
}

/// Times a step of one full cell on this machine.
pub fn measure(config: &ModelConfig) -> Result<Estimate, ModelError> {
    let b = Backend::new();
    let model = Model::init(config.clone(), 0, &b);
    let mut grad = model.zeros_like(&b);
    let batch = full_cell(config);
    let mut seconds_per_cell = f64::INFINITY;
    // The first call also pays for fresh memory; a slow model is measured once.
    for _ in 0..3 {
        let started = Instant::now();
        model.pretrain_step(&b, &batch, 1.0, &mut grad)?;
        seconds_per_cell = seconds_per_cell.min(started.elapsed().as_secs_f64());
        if seconds_per_cell > 1.0 {
            break;
        }
    }
    let n_params = config.n_params();
    // Weights, gradient, two moments.
    let copies = 4 + LANES;
    Ok(Estimate { seconds_per_cell, n_params, bytes: 4 * n_params * copies })
}

impl Estimate {
    /// Seconds of a run over so many cells, forward and backward, on so many threads.
    pub fn seconds(&self, n_cells: f64, threads: usize) -> f64 {
        n_cells * self.seconds_per_cell / threads.min(LANES) as f64
    }
}

fn full_cell(config: &ModelConfig) -> PretrainBatch {
    let seq_len = config.seq_len();
    let genes: Vec<u32> = (0..seq_len).map(|i| 1 + (i % (config.n_genes - 1)) as u32).collect();
    let masked: Vec<bool> = (0..seq_len).map(|i| i % 5 < 2).collect();
    let values = masked.iter().map(|&masked| if masked { config.mask_value() } else { 1 }).collect();
    let cells = CellBatch { n_cells: 1, seq_len, genes, values };
    PretrainBatch { cells, target: vec![1; seq_len], masked }
}
