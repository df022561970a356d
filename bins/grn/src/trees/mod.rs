//! Edges from gradient-boosted trees: which regulators predict a target? The GRNBoost2 model (Moerman et al.,
//! Bioinformatics 2019), which BEELINE and the field measure against, with histograms instead of sorted values.
//!
//! For each target, trees of depth 3 are fitted one after another to what is left of its expression, each on a random
//! 9/10 of the cells and each cut among a random tenth of the regulators; a hundredth of each tree's prediction is
//! taken. The mean gain on the cells left out, over the last 25 trees, says when to stop. A regulator's importance is
//! its share of all reduction of squared error, times the number of trees: targets that can be predicted weigh more.

mod features;
mod tree;

use super::expression::Expression;
use super::ranking::{Score, Scores};
use features::Feature;
use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::rng::{Philox, name_hash};
use panfoma_core::stage::{Interrupt, Progress, UserError};
use rayon::prelude::*;
use tree::{Grower, MAX_CELLS, Scratch};

/// Share of each tree's prediction that is taken.
const LEARNING_RATE: f64 = 0.01;
/// Share of cells a tree is fitted to.
const SUBSAMPLE: f64 = 0.9;
/// Share of regulators looked at in each cut.
const FEATURES: f64 = 0.1;
/// Trees of a target at most.
const MAX_TREES: usize = 5_000;
/// Trees whose mean gain on left-out cells must not be negative.
const WINDOW: usize = 25;
/// Targets between two looks at the clock.
const BLOCK_TARGETS: usize = 64;
/// Purpose of the streams of a target.
const DRAWS: u32 = u32::from_be_bytes(*b"grnt");

/// Its name in the `method` column.
pub const NAME: &str = "trees";

/// Importance of every regulator that any tree of a target used.
///
/// Draws are keyed by seed and target, so they depend on no other target and no thread. regulators: gene ids
pub fn scores(
    expression: &Expression,
    regulators: &[u32],
    vocabulary: &Vocabulary,
    seed: u64,
    scores: &mut Scores,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let n_cells = expression.n_cells;
    if n_cells > MAX_CELLS {
        let message = format!("trees can be fitted to {MAX_CELLS} cells at most, found {n_cells}");
        return Err(UserError::usage(message).hint("lower `--max-cells-per-group`").into());
    }
    let used = expression.rows_of(regulators);
    let rows: Vec<&[f32]> = used.iter().map(|&(_, row)| expression.row(row)).collect();
    let features = features::features(&rows);
    let inverse: Vec<f64> = (0..=n_cells).map(|n| if n == 0 { 0.0 } else { 1.0 / n as f64 }).collect();
    let philox = Philox::new(seed);
    let boosted = |scratch: &mut Scratch, row: usize| -> Vec<Score> {
        let id = expression.genes[row];
        let name = vocabulary.gene(id).map_or("", |gene| gene.ensembl_id.as_str());
        let target = Target {
            values: expression.row(row),
            own: used.iter().position(|&(_, regulator)| regulator == row),
            features: &features,
            inverse: &inverse,
        };
        let importances = target.boost(philox, name_hash(name), scratch);
        let found = used.iter().zip(importances).filter(|(_, importance)| *importance > 0.0);
        found.map(|(&(regulator, _), importance)| (regulator, id, importance as f32)).collect()
    };
    let mut progress = Progress::new("targets", expression.genes.len() as u64);
    let targets: Vec<usize> = (0..expression.genes.len()).collect();
    for block in targets.chunks(BLOCK_TARGETS) {
        interrupt.check()?;
        let found: Vec<Vec<Score>> =
            block.par_iter().map_init(Scratch::default, |scratch, &row| boosted(scratch, row)).collect();
        found.into_iter().for_each(|found| scores.extend(found));
        progress.add(block.len() as u64);
    }
    progress.finish();
    Ok(())
}

/// One gene to predict.
struct Target<'a> {
    /// [cells]
    values: &'a [f32],
    /// Its own place among the regulators.
    own: Option<usize>,
    features: &'a [Feature],
    inverse: &'a [f64],
}

impl Target<'_> {
    /// Importance of each feature: its share of the reduction, times the number of trees.
    fn boost(&self, philox: Philox, name: u64, scratch: &mut Scratch) -> Vec<f64> {
        let n_cells = self.values.len();
        let n_features = self.features.len() - usize::from(self.own.is_some());
        let mut importances = vec![0.0; self.features.len()];
        let n_sample = (SUBSAMPLE * n_cells as f64) as usize;
        if n_features == 0 || n_sample < 2 {
            return importances;
        }
        let mean = self.values.iter().map(|&value| f64::from(value)).sum::<f64>() / n_cells as f64;
        let mut residuals: Vec<f64> = self.values.iter().map(|&value| f64::from(value) - mean).collect();
        let largest = residuals.iter().fold(0.0f64, |largest, residual| largest.max(residual.abs()));
        let n_tried = ((FEATURES * n_features as f64) as usize).max(1);
        let grower = Grower::new(self.features, self.own, n_tried, self.inverse, largest);
        let mut stream = philox.stream(name, DRAWS);
        let mut order: Vec<u32> = (0..n_cells as u32).collect();
        let mut is_out = vec![false; n_cells];
        let (mut sample, mut rest) = (Vec::with_capacity(n_sample), Vec::new());
        let mut gains = [0.0; WINDOW];
        let mut n_trees = 0;
        while n_trees < MAX_TREES {
            // The cells left out are drawn, being fewer; both sides in the order of cells, as memory likes it.
            let n_out = n_cells - n_sample;
            for at in 0..n_out {
                order.swap(at, at + stream.below((n_cells - at) as u32) as usize);
            }
            is_out.fill(false);
            order[..n_out].iter().for_each(|&cell| is_out[cell as usize] = true);
            sample.clear();
            sample.extend((0..n_cells as u32).filter(|&cell| !is_out[cell as usize]));
            rest.clear();
            rest.extend((0..n_cells as u32).filter(|&cell| is_out[cell as usize]));
            let before = squares(&residuals, &rest);
            grower.grow(
                &mut sample,
                &rest,
                &mut residuals,
                LEARNING_RATE,
                &mut stream,
                &mut importances,
                scratch,
            );
            gains[n_trees % WINDOW] = before - squares(&residuals, &rest);
            n_trees += 1;
            if n_trees >= WINDOW && gains.iter().sum::<f64>() < 0.0 {
                break;
            }
        }
        let total: f64 = importances.iter().sum();
        let scale = if total > 0.0 { n_trees as f64 / total } else { 0.0 };
        importances.iter_mut().for_each(|importance| *importance *= scale);
        importances
    }
}

fn squares(residuals: &[f64], cells: &[u32]) -> f64 {
    cells.iter().map(|&cell| residuals[cell as usize].powi(2)).sum()
}
