//! Do labels cluster and do batches mix, in the embedding and, for comparison, in principal components of the counts?

mod clustering;
mod control;
mod embedded_labels;
mod of_cells;
mod summary;
mod table;

pub use of_cells::{Neighborhoods, OfCells};
pub use table::{Score, Space, table};

use crate::cells::{Cells, gather};
use crate::factor::{Factor, MISSING};
use crate::geometry::candidates;
use crate::inputs::Inputs;
use crate::metrics::Undefined;
use crate::metrics::integration::groups::compact;
use crate::metrics::integration::pcr;
use embedded_labels::embedded_labels;
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::stage::Context;

/// Cells that silhouettes are computed on at most: they need all distances.
const MAX_SILHOUETTE_CELLS: usize = 20_000;
/// Names the rows of the model's embedding.
pub const EMBEDDING: &str = "embedding";
/// Names the rows of the counts' principal components.
pub const CONTROL: &str = "pca_counts";
/// Names the rows of the labels themselves, with noise: they keep labels apart and know no batch.
pub const LABELS: &str = "embedded_labels";

/// The cells that are compared.
struct Chosen {
    rows: Vec<usize>,
    sampled: Vec<usize>,
    labels: Vec<u32>,
    /// Names of the labels by code.
    names: Vec<String>,
    batches: Option<Vec<u32>>,
    split: &'static str,
    /// How many there are, if these are a sample.
    about: String,
}

/// One row a metric and method, and what the neighbours of single cells hold. Cells without a label, or without a batch where there is a batch column, are left out.
///
/// max: cells at most. Errors: unreadable inputs, tokens of other cells.
pub fn evaluate<'a>(
    inputs: &Inputs,
    label: &'a Factor,
    batch: Option<&'a Factor>,
    max: usize,
    context: &Context,
) -> anyhow::Result<(Vec<Metric>, Option<OfCells<'a>>)> {
    let chosen = Chosen::new(&inputs.cells, label, batch, max, context.seed);
    if chosen.rows.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut of_cells = OfCells::new(&inputs.embeddings, &chosen.rows, label, batch, context)?;
    let control = match (&inputs.tokens, &chosen.batches) {
        (Some(tokens), _) => control::principal_components(tokens, &inputs.cells, &chosen.rows, context)?,
        (None, _) => None,
    };
    let before = match (&control, &chosen.batches) {
        (Some((points, dim)), Some(batches)) => pcr::explained_variance(points, *dim, batches),
        _ => Err(Undefined("no tokens were given, so there are no counts to compare with")),
    };
    let points = gather(&inputs.embeddings, &chosen.rows, context)?;
    let space = chosen.space(&points, inputs.embeddings.metadata.dim, before.clone());
    let (scores, neighborhoods) = table(&space, context)?;
    let mut metrics = chosen.metrics(EMBEDDING, scores);
    of_cells.spaces.push((EMBEDDING, neighborhoods));
    drop(points);
    if let Some((points, dim)) = &control {
        let (scores, neighborhoods) = table(&chosen.space(points, *dim, before.clone()), context)?;
        metrics.extend(chosen.metrics(CONTROL, scores));
        of_cells.spaces.push((CONTROL, neighborhoods));
    }
    let n_labels = chosen.names.len();
    let points = embedded_labels(&inputs.cells, &chosen.rows, &chosen.labels, n_labels, context.seed);
    let (scores, _) = table(&chosen.space(&points, n_labels, before), context)?;
    metrics.extend(chosen.metrics(LABELS, scores));
    Ok((metrics, Some(of_cells)))
}

impl Chosen {
    fn new(cells: &Cells, label: &Factor, batch: Option<&Factor>, max: usize, seed: u64) -> Self {
        let known = |row: usize| {
            label.codes[row] != MISSING && batch.is_none_or(|factor| factor.codes[row] != MISSING)
        };
        let (available, split) = candidates(cells, known);
        let n_available = available.len();
        let rows = cells.sample(available, max, seed);
        let of = |factor: &Factor| -> Vec<u32> { rows.iter().map(|&row| factor.codes[row]).collect() };
        let mut used = of(label);
        used.sort_unstable();
        used.dedup();
        let silhouette_rows = cells.sample(rows.clone(), MAX_SILHOUETTE_CELLS, seed);
        let position = |row: &usize| rows.binary_search(row).expect("sampled from these");
        let about = match rows.len() < n_available {
            true => format!("; {} of {n_available} cells, sampled", rows.len()),
            false => String::new(),
        };
        Self {
            sampled: silhouette_rows.iter().map(position).collect(),
            labels: compact(&of(label)),
            names: used.iter().map(|&code| label.levels[code as usize].clone()).collect(),
            batches: batch.map(|factor| compact(&of(factor))),
            split,
            about,
            rows,
        }
    }

    fn space<'a>(&'a self, points: &'a [f32], dim: usize, before: Result<f64, Undefined>) -> Space<'a> {
        let batches = self.batches.as_deref();
        Space { points, dim, labels: &self.labels, batches, sampled: &self.sampled, before }
    }

    fn metrics(&self, method: &str, scores: Vec<Score>) -> Vec<Metric> {
        let row = |score: Score| {
            let (value, reason) = match score.value {
                Ok(value) => (Some(value), None),
                Err(Undefined(reason)) => (None, Some(reason.to_owned())),
            };
            Metric {
                metric: score.metric.to_owned(),
                value,
                reason,
                interval: None,
                n: score.n as u64,
                split: self.split.to_owned(),
                group: score
                    .label
                    .map_or_else(|| "all".to_owned(), |label| self.names[label as usize].clone()),
                method: method.to_owned(),
                definition: format!("{}{}", score.definition, self.about),
            }
        };
        scores.into_iter().map(row).collect()
    }
}
