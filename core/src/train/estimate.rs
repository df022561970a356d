//! What a run will take, for `--dry-run`: cells are timed here and now instead of guessing a machine's speed.

use super::{Backend, Model};
use crate::engine::{LANES, Machine};
use crate::model::{CellBatch, ModelConfig, PretrainBatch};
use std::time::Instant;

/// Cells a GPU is timed with: one alone leaves most of it idle.
#[cfg(feature = "cuda")]
const GPU_CELLS: usize = 16;

/// Time and memory of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Seconds for a forward and a backward pass of one full cell: of one thread, or of the GPU.
    pub seconds_per_cell: f64,
    /// Parameters.
    pub n_params: usize,
    /// Bytes of weights, moments, the gradient and the lanes' gradients, without activations.
    pub bytes: usize,
    on_gpu: bool,
}

/// Times a step of full cells on the device the run would have.
///
/// Errors: a shape that the device has no kernels for, or a failure of the device.
pub fn measure(machine: &Machine, config: &ModelConfig) -> anyhow::Result<Estimate> {
    let n_params = config.n_params();
    // Weights, gradient, two moments; on a GPU the weights' copies in bf16.
    let estimate = |seconds_per_cell, bytes, on_gpu| Estimate { seconds_per_cell, n_params, bytes, on_gpu };
    match machine {
        Machine::Cpu => Ok(estimate(on_cpu(config)?, 4 * n_params * (4 + LANES), false)),
        #[cfg(feature = "cuda")]
        Machine::Cuda(_) => {
            let model = Model::init(config.clone(), 0, &Backend::new());
            let mut learner = machine.learner(model, None, Some(GPU_CELLS), None)?;
            let batch = full_cells(config, GPU_CELLS).into();
            let seconds = best(|| {
                learner.pretrain_step(&batch, 1.0)?;
                // The norm is there when the step is.
                learner.gradient_norm()?;
                Ok(())
            })?;
            Ok(estimate(seconds / GPU_CELLS as f64, 18 * n_params, true))
        }
    }
}

fn on_cpu(config: &ModelConfig) -> anyhow::Result<f64> {
    let b = Backend::new();
    let model = Model::init(config.clone(), 0, &b);
    let mut grad = model.zeros_like(&b);
    let batch = full_cells(config, 1);
    best(|| Ok(model.pretrain_step(&b, &batch, 1.0, &mut grad).map(|_| ())?))
}

/// The shortest of some runs; the first also pays for fresh memory, and a slow one is measured once.
fn best(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let started = Instant::now();
        run()?;
        seconds = seconds.min(started.elapsed().as_secs_f64());
        if seconds > 1.0 {
            break;
        }
    }
    Ok(seconds)
}

impl Estimate {
    /// Time of a run over so many cells, forward and backward, and on what: `about 12 s on 8 threads`.
    pub fn time(&self, n_cells: f64, threads: usize) -> String {
        let seconds = n_cells * self.seconds_per_cell;
        match self.on_gpu {
            true => format!("about {seconds:.0} s on the GPU"),
            false => format!("about {:.0} s on {threads} threads", seconds / threads.min(LANES) as f64),
        }
    }
}

fn full_cells(config: &ModelConfig, n_cells: usize) -> PretrainBatch {
    let seq_len = config.seq_len();
    let tokens = 0..n_cells * seq_len;
    let genes = tokens.clone().map(|i| 1 + (i % (config.n_genes - 1)) as u32).collect();
    let masked: Vec<bool> = tokens.map(|i| i % 5 < 2).collect();
    let values = masked.iter().map(|&masked| if masked { config.mask_value() } else { 1 }).collect();
    let cells = CellBatch { n_cells, seq_len, genes, values };
    PretrainBatch { cells, target: vec![1; n_cells * seq_len], masked }
}
