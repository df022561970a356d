//! Doublets, sample by sample, as scanpy runs Scrublet (Wolock, Lopez & Klein 2019, doi 10.1016/j.cels.2018.11.005;
//! scanpy 1.12.4, `pp.scrublet`).
//!
//! The variable genes of a sample's passing cells are standardised and projected on 30 principal components; two
//! simulated doublets a cell, each the sum of two random cells, are projected with them; a cell is scored by how many of
//! its nearest neighbours are simulated.
//!
//! A sample is held sparse, and beside it its variable genes; simulated doublets are never made as counts, see
//! [`simulate`]. Samples are read together up to a fixed number of counts, so memory depends on the largest sample,
//! not on the study.

mod components;
mod reading;
mod scores;
mod simulate;
#[cfg(test)]
mod tests;
mod threshold;
mod variable_genes;

use crate::Measured;
use crate::config::Config;
use crate::filters::Rule;
use anyhow::Result;
use panfoma_core::matrix::Rows;
use panfoma_core::rng::Philox;
use panfoma_core::stage::{Context, Progress};
use serde::Serialize;

/// Fewer cells than this tell nothing about neighbours: of 50, each looks at 12.
const MIN_CELLS: usize = 50;

/// How doublets are looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Share of the cells of a sample that are doublets, as far as the experiment tells; between 0 and 1, both excluded.
    pub expected_rate: f64,
    /// A score beyond it is called a doublet; `None`: each sample's own threshold.
    pub max_score: Option<f64>,
    /// Remove the called.
    pub remove: bool,
}

/// The doublets of one study.
#[derive(Clone, Debug)]
pub struct Doublets {
    /// Score of each cell; NaN where none was computed: removed before, or in a sample that cannot be judged.
    pub scores: Vec<f64>,
    /// Was it called? `None` where the sample has no threshold or the cell no score.
    pub called: Vec<Option<bool>>,
    /// One a sample, in the order of the study's samples.
    pub samples: Vec<SampleDoublets>,
}

/// What was found in one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SampleDoublets {
    /// Cells that got a score.
    pub scored: usize,
    /// Cells called doublets.
    pub called: usize,
    /// Scores beyond it are called.
    pub threshold: Option<f64>,
    /// Share of the simulated doublets that score beyond the threshold: the others look like single cells.
    pub detectable_share: Option<f64>,
    /// Called share over detectable share: an estimate of all doublets, to be compared with the expected rate.
    pub estimated_rate: Option<f64>,
    /// Why there is no score, or no call.
    pub reason: Option<String>,
}

/// Scores every cell that no other rule removes, and removes those called if asked to. One reading of the inputs.
pub fn find(studies: &mut [Measured], config: &Config, context: &Context) -> Result<()> {
    let Some(settings) = &config.doublets else { return Ok(()) };
    let passing = |study: &Measured| study.rules.iter().filter(|rule| rule.is_none()).count();
    let mut progress = Progress::new("cells scored", studies.iter().map(passing).sum::<usize>() as u64);
    for study in studies.iter_mut() {
        let scored =
            reading::each_sample(study, &context.interrupt, &mut progress, |name, counts, n_genes| {
                score(counts, n_genes, name, settings, context.seed)
            })?;
        let doublets = Doublets::new(study, scored);
        doublets.warn(study);
        study.doublets = Some(doublets);
        if settings.remove {
            remove_called(study);
        }
    }
    progress.finish();
    Ok(())
}

fn remove_called(study: &mut Measured) {
    let Some(doublets) = &study.doublets else { return };
    for (rule, called) in study.rules.iter_mut().zip(&doublets.called) {
        if *called == Some(true) {
            rule.get_or_insert(Rule::Doublet);
        }
    }
}

/// Scores and calls of the cells of one sample, in their order.
struct Scored {
    scores: Vec<f64>,
    summary: SampleDoublets,
}

impl Doublets {
    /// `scored`: of each sample its cells with their scores.
    fn new(study: &Measured, scored: Vec<(Vec<usize>, Scored)>) -> Self {
        let n = study.metrics.len();
        let (mut scores, mut called) = (vec![f64::NAN; n], vec![None; n]);
        let mut samples = vec![SampleDoublets::default(); study.study.samples.names.len()];
        for (cells, found) in scored {
            let Some(&first) = cells.first() else { continue };
            for (&cell, &score) in cells.iter().zip(&found.scores) {
                scores[cell] = score;
                called[cell] = found.summary.threshold.filter(|_| !score.is_nan()).map(|limit| score > limit);
            }
            let sample = study.study.samples.codes[first] as usize;
            samples[sample] = found.summary;
        }
        for sample in samples.iter_mut().filter(|sample| sample.scored == 0 && sample.reason.is_none()) {
            sample.reason = Some("no cell passes the other rules".to_owned());
        }
        Self { scores, called, samples }
    }

    /// Warns of samples without calls: in one line, since there may be hundreds.
    fn warn(&self, study: &Measured) {
        let names = study.study.samples.names.iter().zip(&self.samples);
        let without: Vec<(&String, &String)> =
            names.filter_map(|(name, sample)| sample.reason.as_ref().map(|reason| (name, reason))).collect();
        if let Some((name, reason)) = without.first() {
            let (n, of) = (without.len(), self.samples.len());
            tracing::warn!(
                "no doublets are called in {n} of {of} samples of `{}`; `{name}`: {reason}",
                study.study.name
            );
        }
    }
}

/// Scores the cells of one sample. counts: its passing cells over the study's genes.
fn score(counts: &Rows, n_genes: usize, name: &str, settings: &Settings, seed: u64) -> Scored {
    let none = |reason: String| Scored {
        scores: vec![f64::NAN; counts.len()],
        summary: SampleDoublets { reason: Some(reason), ..SampleDoublets::default() },
    };
    if counts.len() < MIN_CELLS {
        return none(format!("{} cells are too few, {MIN_CELLS} are needed", counts.len()));
    }
    let genes = variable_genes::select(counts, n_genes);
    if genes.cells.len() < MIN_CELLS {
        let (n, least) = (genes.cells.len(), variable_genes::MIN_GENES);
        return none(format!("{n} cells show at least {least} genes, {MIN_CELLS} are needed"));
    }
    let sample = genes.subset(counts);
    let Some(space) = components::project(&sample, seed) else {
        return none(format!("{} variable genes are too few", genes.genes.len()));
    };
    let parents = simulate::pairs(genes.cells.len(), simulate::RATIO, &Philox::new(seed), name);
    let simulated = simulate::positions(&space.positions, space.n_components, &sample.totals, &parents);
    let found =
        scores::by_neighbours(&space.positions, &simulated, space.n_components, settings.expected_rate);
    let mut scores = vec![f64::NAN; counts.len()];
    genes.cells.iter().zip(&found.observed).for_each(|(&cell, &score)| scores[cell as usize] = score);
    Scored { scores, summary: summary(&found, settings) }
}

/// Calls by the threshold, if there is one that can be believed: scanpy would also call where a larger share of the cells
/// than of the simulated doublets lies beyond it.
fn summary(found: &scores::Scores, settings: &Settings) -> SampleDoublets {
    let none = |reason: String| SampleDoublets {
        scored: found.observed.len(),
        reason: Some(format!("{reason}; `--max-doublet-score` sets a threshold")),
        ..SampleDoublets::default()
    };
    let Some(threshold) = settings.max_score.or_else(|| threshold::between_two_modes(&found.simulated))
    else {
        return none("the scores of the simulated doublets have no two modes to divide".to_owned());
    };
    let beyond = |scores: &[f64]| scores.iter().filter(|&&score| score > threshold).count();
    let called = beyond(&found.observed);
    let share = called as f64 / found.observed.len() as f64;
    let detectable = beyond(&found.simulated) as f64 / found.simulated.len() as f64;
    if settings.max_score.is_none() && share > detectable {
        return none(format!(
            "at the threshold {threshold:.3} a larger share of the cells ({:.1} %) than of the simulated doublets ({:.1} %) would be called",
            100.0 * share,
            100.0 * detectable
        ));
    }
    SampleDoublets {
        scored: found.observed.len(),
        called,
        threshold: Some(threshold),
        detectable_share: Some(detectable),
        estimated_rate: (detectable > 0.0).then(|| share / detectable),
        reason: None,
    }
}
