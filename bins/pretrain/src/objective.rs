//! Masked expression: hidden bins are predicted from a gene's state and from the cell embedding.

use panfoma_core::artifact::tokens::{CellRows, Split, Tokens};
use panfoma_core::data::FIXED_EPOCH;
use panfoma_core::data::draw::Drawer;
use panfoma_core::data::frequency::BinFrequencies;
use panfoma_core::data::mask::Masker;
use panfoma_core::engine::{Engine, Learner, Staged};
use panfoma_core::model::{PretrainBatch, PretrainSums};
use panfoma_core::stage::Interrupt;
use panfoma_core::train::{Feed, Measured, NextStep, Objective, Validation, feed};

/// Cells of a validation batch: between two of them the stage can stop.
const VALIDATION_BATCH: usize = 64;

/// The objective of pretraining.
///
/// Losses are nats a hidden gene. `loss` sums both heads, as the reference does; `baseline` is the same sum for a
/// predictor that knows how often each gene falls into each bin and nothing of the cell.
pub struct MaskedExpression<'a> {
    feed: Feed<'a>,
    next: NextStep<Hidden>,
    hiding: Hiding<'a>,
}

/// How cells become batches, whatever the model.
struct Hiding<'a> {
    tokens: &'a Tokens,
    frequencies: BinFrequencies,
    settings: Settings,
}

/// A batch, and what the predictor without context loses on it.
struct Hidden {
    batch: Staged<PretrainBatch>,
    baseline: f64,
}

/// What the objective needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of order, draws and masks.
    pub seed: u64,
    /// Genes the model sees of a cell.
    pub seq_len: usize,
    /// Part of the genes that is hidden.
    pub mask_ratio: f64,
    /// Most validation cells used.
    pub max_valid_cells: usize,
    /// Steps of the run.
    pub steps: u64,
}

impl<'a> MaskedExpression<'a> {
    /// `frequencies`: fitted on the training split.
    pub fn new(tokens: &'a Tokens, feed: Feed<'a>, frequencies: BinFrequencies, settings: Settings) -> Self {
        let next = NextStep::new(settings.steps);
        Self { feed, next, hiding: Hiding { tokens, frequencies, settings } }
    }
}

impl Hiding<'_> {
    fn hide(&self, rows: &CellRows, epoch: u32) -> PretrainBatch {
        let Settings { seed, seq_len, mask_ratio, .. } = self.settings;
        let n_bins = self.tokens.index().n_bins;
        let drawer = Drawer::new(seed, epoch, self.tokens.panels(), n_bins);
        let (mut cells, filled) = feed::sequences(&drawer, rows, seq_len);
        let masker = Masker::new(seed, epoch, mask_ratio, n_bins);
        let (mut target, mut masked) = (vec![0; cells.values.len()], vec![false; cells.values.len()]);
        for (cell, n_genes) in filled.into_iter().enumerate() {
            let place = cell * seq_len..(cell + 1) * seq_len;
            let values = &mut cells.values[place.clone()];
            masker.hide(rows.hashes[cell], n_genes, values, &mut target[place.clone()], &mut masked[place]);
        }
        PretrainBatch { cells, target, masked }
    }

    fn baseline(&self, batch: &PretrainBatch) -> f64 {
        self.frequencies.mean_nll(&batch.cells.genes, &batch.target, &batch.masked).unwrap_or(0.0)
    }
}

impl Objective for MaskedExpression<'_> {
    fn step(&mut self, learner: &mut dyn Learner, step: u64) -> anyhow::Result<Measured> {
        let Self { feed, next, hiding } = self;
        let stager = learner.engine().stager();
        let make = |step: u64| {
            let (epoch, cells) = feed.cells(step)?;
            let batch = hiding.hide(&cells.rows, epoch);
            let baseline = hiding.baseline(&batch);
            Ok(Hidden { batch: stager.hidden(batch)?, baseline })
        };
        next.compute(step, make, |Hidden { batch, baseline }| {
            let scale = 1.0 / batch.batch.n_masked() as f64;
            let sums = learner.pretrain_step(&batch, scale)?;
            Ok(Measured { means: means(sums, baseline), weight: sums.n_masked as f64 })
        })?
    }

    fn validate(&mut self, engine: &dyn Engine, interrupt: &Interrupt) -> anyhow::Result<Validation> {
        let hiding = &self.hiding;
        let Settings { seed, max_valid_cells, .. } = hiding.settings;
        let mut sums = PretrainSums::default();
        let (mut baseline, mut left) = (0.0, max_valid_cells);
        for batch in feed::fixed(hiding.tokens, Split::Valid, seed, max_valid_cells, VALIDATION_BATCH) {
            if left == 0 {
                break;
            }
            if interrupt.reason().is_some() {
                return Ok(Validation::Interrupted);
            }
            let batch = hiding.hide(&batch?.rows, FIXED_EPOCH);
            let n_cells = batch.cells.n_cells.min(left);
            let batch = batch.slice(0..n_cells);
            left -= n_cells;
            sums = [sums, engine.pretrain_eval(&batch)?].into_iter().sum();
            baseline += hiding.baseline(&batch) * batch.n_masked() as f64;
        }
        if sums.n_masked == 0 {
            return Ok(Validation::NoCells);
        }
        let metrics = means(sums, baseline / sums.n_masked as f64);
        Ok(Validation::Done { score: metrics[0].1, metrics })
    }

    fn trains(&self, _parameter: &str) -> bool {
        true
    }
}

fn means(sums: PretrainSums, baseline: f64) -> Vec<(&'static str, f64)> {
    let n = sums.n_masked as f64;
    let (expression, cell_expression) = (sums.expression_nll / n, sums.cell_expression_nll / n);
    vec![
        ("loss", expression + cell_expression),
        ("baseline", 2.0 * baseline),
        ("expression", expression),
        ("cell_expression", cell_expression),
    ]
}
