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
    /// `micro_batch` is the cells of one model call; 1 keeps a CPU's caches warm. One lane needs no gradient of its own.
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
        let (n_cells, micro_batch) = (cells.n_cells, self.micro_batch);
        let n_micro = n_cells.div_ceil(micro_batch);
        if self.n_lanes == 1 {
            return ranges(n_cells, micro_batch).map(|cells| step(cells, grad)).collect();
        }
        let n_lanes = self.n_lanes.min(n_micro);
        while self.grads.len() < n_lanes {
            self.grads.push(grad.zeros_like(b));
        }
        let lanes = &mut self.grads[..n_lanes];
        let by_lane: Vec<Vec<R>> = lanes
            .par_iter_mut()
            .enumerate()
            .map(|(lane, lane_grad)| {
                for (_, tensor) in lane_grad.params_mut() {
                    b.set_zero(tensor)?;
                }
                (lane..n_micro)
                    .step_by(n_lanes)
                    .map(|i| step(i * micro_batch..((i + 1) * micro_batch).min(n_cells), lane_grad))
                    .collect()
            })
            .collect::<Result<_, ModelError>>()?;
        let mut apart = 1;
        while apart < n_lanes {
            lanes.par_chunks_mut(2 * apart).try_for_each(|pair| match pair.split_at_mut_checked(apart) {
                Some((left, [right, ..])) => add(b, &mut left[0], right),
                _ => Ok(()),
            })?;
            apart *= 2;
        }
        if let Some(sum) = lanes.first() {
            add(b, grad, sum)?;
        }
        let mut by_lane: Vec<_> = by_lane.into_iter().map(Vec::into_iter).collect();
        Ok((0..n_micro).filter_map(|i| by_lane[i % n_lanes].next()).collect())
    }

    /// Results of `f` over micro-batches of `n_cells`, in batch order, on as many threads as there are lanes for.
    pub fn map<R: Send>(
        &self,
        n_cells: usize,
        f: impl Fn(Range<usize>) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        match self.n_lanes {
            1 => ranges(n_cells, self.micro_batch).map(f).collect(),
            _ => map(n_cells, self.micro_batch, f),
        }
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

/// to += from
fn add<B: Backend>(b: &B, to: &mut PanFoMa<B>, from: &PanFoMa<B>) -> Result<(), ModelError> {
    for ((_, to), (_, from)) in to.params_mut().into_iter().zip(from.params()) {
        b.add_assign(to, from)?;
    }
    Ok(())
}

/// The cells of each micro-batch.
fn ranges(n_cells: usize, micro_batch: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_cells).step_by(micro_batch).map(move |from| from..(from + micro_batch).min(n_cells))
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
