//! Work shared out by cells, with the same bits for any number of threads.
//!
//! A batch is cut in micro-batches; micro-batch i belongs to lane i mod `n_lanes`. A lane works through its
//! micro-batches in order into a gradient of its own, and the lanes are summed as a tree of fixed shape. Threads
//! only decide which lane runs when.

use std::ops::Range;

use rayon::prelude::*;

use super::{CellBatch, ClassSums, ModelError, PanFoMa, PretrainBatch, PretrainSums, TrainScope};
use crate::ops::Backend;

/// The lanes' gradients, kept from step to step.
pub struct Lanes<B: Backend> {
    n_lanes: usize,
    micro_batch: usize,
    grads: Vec<PanFoMa<B>>,
}

impl<B: Backend> Lanes<B> {
    /// `n_lanes` bounds the threads a step can use and is part of the arithmetic: another number gives other rounding.
    /// `micro_batch` is the cells of one model call; 1 keeps a CPU's caches warm.
    pub fn new(n_lanes: usize, micro_batch: usize) -> Self {
        assert!(n_lanes > 0 && micro_batch > 0, "{n_lanes} lanes of micro-batches of {micro_batch}");
        Self { n_lanes, micro_batch, grads: Vec::new() }
    }

    /// Calls `step` for every micro-batch of `cells` and adds the gradients to `grad`.
    ///
    /// `step` gets the micro-batch's range of cells and a gradient to add to. Returns its results in batch order.
    pub fn accumulate<R: Send>(
        &mut self,
        b: &B,
        cells: &CellBatch,
        grad: &mut PanFoMa<B>,
        step: impl Fn(Range<usize>, &mut PanFoMa<B>) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        todo!()
    }

    /// `PanFoMa::pretrain_step` over the lanes.
    pub fn pretrain_step(
        &mut self,
        b: &B,
        model: &PanFoMa<B>,
        batch: &PretrainBatch,
        scale: f64,
        grad: &mut PanFoMa<B>,
    ) -> Result<PretrainSums, ModelError> {
        let sums = self.accumulate(b, &batch.cells, grad, |cells, grad| {
            model.pretrain_step(b, &batch.slice(cells), scale, grad)
        })?;
        Ok(sums.into_iter().sum())
    }

    /// `PanFoMa::class_step` over the lanes.
    pub fn class_step(
        &mut self,
        b: &B,
        model: &PanFoMa<B>,
        cells: &CellBatch,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
        grad: &mut PanFoMa<B>,
    ) -> Result<ClassSums, ModelError> {
        let sums = self.accumulate(b, cells, grad, |range, grad| {
            let labels = &labels[range.clone()];
            model.class_step(b, &cells.slice(range), labels, class_weights, scale, scope, grad)
        })?;
        Ok(sums.into_iter().sum())
    }
}

/// Results of `f` over micro-batches of `n_cells`, in batch order, computed on this rayon pool's threads.
pub fn map<R: Send>(
    n_cells: usize,
    micro_batch: usize,
    f: impl Fn(Range<usize>) -> Result<R, ModelError> + Sync,
) -> Result<Vec<R>, ModelError> {
    (0..n_cells.div_ceil(micro_batch))
        .into_par_iter()
        .map(|i| f(i * micro_batch..((i + 1) * micro_batch).min(n_cells)))
        .collect()
}
