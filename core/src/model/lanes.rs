//! Work shared out by cells, with the same bits for any number of threads.
//!
//! A batch is cut in micro-batches; micro-batch i belongs to lane i mod `n_lanes`. A lane works through its
//! micro-batches in order into a gradient of its own, and the lanes are summed as a tree of fixed shape. Threads
//! only decide which lane runs when, and processes ([`Peers`]) who computes which branch of the tree: the sum has the
//! same bits for any number of both.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::brought::{Brought, ranges};
use super::peers::{Numbers, Peers};
use super::{
    CellBatch, CellEmbeddings, ClassSums, Hidden, ModelError, PanFoMa, PretrainBatch, PretrainSums, Tokens,
    TrainScope,
};
use crate::ops::Backend;

/// The lanes' gradients, kept from step to step.
pub struct Lanes<B: Backend> {
    n_lanes: usize,
    micro_batch: usize,
    /// Of this process's lanes; of all in rank 0.
    grads: Vec<PanFoMa<B>>,
    peers: Option<Arc<dyn Peers>>,
}

impl<B: Backend> Lanes<B> {
    /// `n_lanes` bounds the threads a step can use and is part of the arithmetic: another number gives other rounding.
    /// `micro_batch` is the cells of one model call; 1 keeps a CPU's caches warm. One lane needs no gradient of its own.
    pub fn new(n_lanes: usize, micro_batch: usize) -> Self {
        assert!(n_lanes > 0 && micro_batch > 0, "{n_lanes} lanes of micro-batches of {micro_batch}");
        Self { n_lanes, micro_batch, grads: Vec::new(), peers: None }
    }

    /// Shares the lanes with other processes.
    #[must_use]
    pub fn with_peers(mut self, peers: Option<Arc<dyn Peers>>) -> Self {
        let n_ranks = peers.as_ref().map_or(1, |peers| peers.n_ranks());
        assert!(n_ranks.is_power_of_two() && n_ranks <= self.n_lanes, "{n_ranks} ranks");
        self.peers = peers;
        self
    }

    fn rank(&self) -> usize {
        self.peers.as_ref().map_or(0, |peers| peers.rank())
    }

    fn n_ranks(&self) -> usize {
        self.peers.as_ref().map_or(1, |peers| peers.n_ranks())
    }

    /// Cells of a micro-batch, if this process computes them all in order: then they can be brought to the device ahead.
    pub fn in_order(&self) -> Option<usize> {
        (self.n_lanes == 1 && self.peers.is_none()).then_some(self.micro_batch)
    }

    /// Calls `step` for every micro-batch of `n_cells` and adds the gradients to `grad`.
    ///
    /// `step` gets the micro-batch's range of cells and a gradient to add to; what it asks for, `fetch` waits for, once a
    /// lane has asked for everything. Returns what it fetched in batch order. In a process that is not rank 0 nothing is
    /// added or returned: rank 0 has it.
    pub fn accumulate<A, R: Numbers + Send>(
        &mut self,
        b: &B,
        n_cells: usize,
        grad: &mut PanFoMa<B>,
        step: impl Fn(Range<usize>, &mut PanFoMa<B>) -> Result<A, ModelError> + Sync,
        fetch: impl Fn(A) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        let micro_batch = self.micro_batch;
        let n_micro = n_cells.div_ceil(micro_batch);
        if self.n_lanes == 1 {
            let asked: Result<Vec<A>, ModelError> =
                ranges(n_cells, micro_batch).map(|cells| step(cells, grad)).collect();
            return asked?.into_iter().map(fetch).collect();
        }
        let n_lanes = self.n_lanes.min(n_micro);
        // Each process has a branch of the tree.
        let branch = self.n_lanes / self.n_ranks();
        let own_of = |rank: usize| (rank * branch).min(n_lanes)..((rank + 1) * branch).min(n_lanes);
        let own = own_of(self.rank());
        let n_held = if self.rank() == 0 { n_lanes } else { own.len() };
        while self.grads.len() < n_held {
            self.grads.push(grad.zeros_like(b));
        }
        let lanes = &mut self.grads[..n_held];
        let mut by_lane: Vec<Vec<R>> = lanes[..own.len()]
            .par_iter_mut()
            .enumerate()
            .map(|(lane, lane_grad)| {
                b.set_zero(lane_grad.params_mut().into_iter().map(|(_, tensor)| tensor).collect())?;
                let asked: Result<Vec<A>, ModelError> = (own.start + lane..n_micro)
                    .step_by(n_lanes)
                    .map(|i| step(i * micro_batch..((i + 1) * micro_batch).min(n_cells), lane_grad))
                    .collect();
                asked?.into_iter().map(&fetch).collect()
            })
            .collect::<Result<_, ModelError>>()?;
        sum_branches(b, &mut lanes[..own.len()], 1)?;
        if let Some(peers) = &self.peers {
            if peers.rank() > 0 {
                let results: Vec<Vec<f64>> = by_lane.iter().flatten().map(R::numbers).collect();
                let gradient = lanes.first().map_or(Ok(Vec::new()), |sum| tensors(b, sum))?;
                peers.give(&results, &gradient)?;
                return Ok(Vec::new());
            }
            for rank in 1..peers.n_ranks() {
                let (results, gradient) = peers.take(rank)?;
                let theirs = own_of(rank);
                let mut results = results.iter().map(|numbers| R::from_numbers(numbers).ok_or_else(broken));
                for lane in theirs.clone() {
                    let n = (lane..n_micro).step_by(n_lanes).len();
                    let of_lane: Vec<R> = results.by_ref().take(n).collect::<io::Result<_>>()?;
                    if of_lane.len() < n {
                        return Err(broken().into());
                    }
                    by_lane.push(of_lane);
                }
                if !theirs.is_empty() {
                    fill(b, &mut lanes[theirs.start], &gradient)?;
                }
            }
        }
        sum_branches(b, lanes, branch)?;
        if let Some(sum) = lanes.first() {
            add(b, grad, sum)?;
        }
        let mut by_lane: Vec<_> = by_lane.into_iter().map(Vec::into_iter).collect();
        Ok((0..n_micro).filter_map(|i| by_lane[i % n_lanes].next()).collect())
    }

    /// What is fetched of each micro-batch of `n_cells`, in batch order, on as many threads as there are lanes for. Each process
    /// computes a part of them, and only rank 0 has them in the end, the others nothing.
    pub fn map<A, R: Numbers + Send>(
        &self,
        n_cells: usize,
        ask: impl Fn(Range<usize>) -> Result<A, ModelError> + Sync,
        fetch: impl Fn(A) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        let n_micro = n_cells.div_ceil(self.micro_batch);
        let own_of = |rank: usize| n_micro * rank / self.n_ranks()..n_micro * (rank + 1) / self.n_ranks();
        let own = own_of(self.rank());
        let cells = |i: usize| i * self.micro_batch..((i + 1) * self.micro_batch).min(n_cells);
        let mut results: Vec<R> = match self.n_lanes / self.n_ranks() {
            1 => {
                let asked: Result<Vec<A>, ModelError> = own.map(|i| ask(cells(i))).collect();
                asked?.into_iter().map(fetch).collect::<Result<_, ModelError>>()?
            }
            _ => own.into_par_iter().map(|i| fetch(ask(cells(i))?)).collect::<Result<_, ModelError>>()?,
        };
        let Some(peers) = &self.peers else { return Ok(results) };
        if peers.rank() > 0 {
            peers.give(&results.iter().map(R::numbers).collect::<Vec<_>>(), &[])?;
            return Ok(Vec::new());
        }
        for rank in 1..peers.n_ranks() {
            let (theirs, _) = peers.take(rank)?;
            if theirs.len() != own_of(rank).len() {
                return Err(broken().into());
            }
            for numbers in &theirs {
                results.push(R::from_numbers(numbers).ok_or_else(broken)?);
            }
        }
        Ok(results)
    }

    /// `PanFoMa::pretrain_step` over the lanes.
    pub fn pretrain_step(
        &mut self,
        b: &B,
        model: &PanFoMa<B>,
        batch: &PretrainBatch,
        brought: &Brought<Hidden<B>, B>,
        scale: f64,
        grad: &mut PanFoMa<B>,
    ) -> Result<PretrainSums, ModelError> {
        let step = |cells: Range<usize>, grad: &mut PanFoMa<B>| {
            let bring = |cells| Hidden::new(&model.config, b, &batch.slice(cells), true);
            model.pretrain(b, &brought.take(b, cells, bring)?, scale, Some(grad))
        };
        let sums = self.accumulate(b, batch.cells.n_cells, grad, step, |losses| losses.fetch(b))?;
        Ok(sums.into_iter().sum())
    }

    /// `PanFoMa::pretrain_eval` over the lanes.
    pub fn pretrain_eval(
        &self,
        b: &B,
        model: &PanFoMa<B>,
        batch: &PretrainBatch,
    ) -> Result<PretrainSums, ModelError> {
        let ask = |cells| {
            let hidden = Hidden::new(&model.config, b, &batch.slice(cells), false)?;
            model.pretrain(b, &hidden, 0.0, None)
        };
        Ok(self.map(batch.cells.n_cells, ask, |losses| losses.fetch(b))?.into_iter().sum())
    }

    /// `PanFoMa::embed` over the lanes.
    pub fn embed(
        &self,
        b: &B,
        model: &PanFoMa<B>,
        cells: &CellBatch,
        brought: &Brought<Tokens<B>, B>,
    ) -> Result<CellEmbeddings, ModelError> {
        let ask = |range| {
            let bring = |range| Tokens::new(&model.config, b, &cells.slice(range), false);
            model.embedded(b, &brought.take(b, range, bring)?)
        };
        let parts = self.map(cells.n_cells, ask, |embedded| embedded.fetch(b))?;
        let mut all = CellEmbeddings::default();
        for part in parts {
            all.cell.extend(part.cell);
            all.cls_mean.extend(part.cls_mean);
            if let Some(logits) = part.class_logits {
                all.class_logits.get_or_insert_default().extend(logits);
            }
        }
        Ok(all)
    }

    /// `PanFoMa::class_step` over the lanes.
    pub fn class_step(
        &mut self,
        b: &B,
        model: &PanFoMa<B>,
        cells: &CellBatch,
        brought: &Brought<Tokens<B>, B>,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
        grad: &mut PanFoMa<B>,
    ) -> Result<ClassSums, ModelError> {
        let trains = scope == TrainScope::Full;
        let step = |range: Range<usize>, grad: &mut PanFoMa<B>| {
            let bring = |range| Tokens::new(&model.config, b, &cells.slice(range), trains);
            let labels = &labels[range.clone()];
            let tokens = brought.take(b, range, bring)?;
            model.class(b, &tokens, labels, class_weights, scale, scope, grad)
        };
        let sums = self.accumulate(b, cells.n_cells, grad, step, |loss| loss.fetch(b))?;
        Ok(sums.into_iter().sum())
    }
}

/// Adds lanes that stand `apart` and more from each other, as a tree, into the first.
fn sum_branches<B: Backend>(b: &B, lanes: &mut [PanFoMa<B>], mut apart: usize) -> Result<(), ModelError> {
    while apart < lanes.len() {
        lanes.par_chunks_mut(2 * apart).try_for_each(|pair| match pair.split_at_mut_checked(apart) {
            Some((left, [right, ..])) => add(b, &mut left[0], right),
            _ => Ok(()),
        })?;
        apart *= 2;
    }
    Ok(())
}

/// Every tensor on the host, in order.
fn tensors<B: Backend>(b: &B, model: &PanFoMa<B>) -> Result<Vec<Vec<f32>>, ModelError> {
    model.params().into_iter().map(|(_, tensor)| Ok(b.download(tensor)?)).collect()
}

/// Sets every tensor, in order.
fn fill<B: Backend>(b: &B, model: &mut PanFoMa<B>, values: &[Vec<f32>]) -> Result<(), ModelError> {
    let tensors = model.params_mut();
    let fits = tensors.iter().zip(values).all(|((_, tensor), values)| tensor.n_elements() == values.len());
    if tensors.len() != values.len() || !fits {
        return Err(broken().into());
    }
    for ((_, tensor), values) in tensors.into_iter().zip(values) {
        *tensor = b.upload(tensor.shape(), values)?;
    }
    Ok(())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "another rank sent what belongs to another step")
}

/// to += from
fn add<B: Backend>(b: &B, to: &mut PanFoMa<B>, from: &PanFoMa<B>) -> Result<(), ModelError> {
    for ((_, to), (_, from)) in to.params_mut().into_iter().zip(from.params()) {
        b.add_assign(to, from)?;
    }
    Ok(())
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
