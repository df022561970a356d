//! The embedding as a space: do labels cluster, do batches mix, what does it look like?

use crate::cells::{Cells, gather};
use crate::factor::{Factor, MISSING};
use crate::metrics::integration::silhouette;
use crate::metrics::{Undefined, agreement, kmeans};
use crate::umap;
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::Context;

/// Restarts of k-means; the best is kept.
const RESTARTS: u64 = 10;

/// Cells in two dimensions.
pub struct Map {
    /// Their rows.
    pub rows: Vec<usize>,
    /// [cells × 2].
    pub positions: Vec<f64>,
    /// Which cells these are, for people.
    pub about: String,
}

/// The cells of the test split, or all of them if it is empty, and the words for that.
fn candidates(cells: &Cells, keep: impl Fn(usize) -> bool) -> (Vec<usize>, &'static str) {
    let of_split = |wanted: Option<Split>| -> Vec<usize> {
        (0..cells.len())
            .filter(|&row| keep(row) && wanted.is_none_or(|split| cells.split[row] == split))
            .collect()
    };
    match of_split(Some(Split::Test)) {
        rows if rows.is_empty() => (of_split(None), "all"),
        rows => (rows, "test"),
    }
}

/// NMI and ARI of k-means clusters with the labels, and silhouettes of labels and batches.
pub fn clustering(
    reader: &Reader,
    cells: &Cells,
    label: &Factor,
    batch: Option<(&str, &Factor)>,
    max: usize,
    context: &Context,
) -> anyhow::Result<Vec<Metric>> {
    let (rows, split) = candidates(cells, |row| label.codes[row] != MISSING);
    let n_candidates = rows.len();
    let rows = cells.sample(rows, max, context.seed);
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let dim = reader.metadata.dim;
    let narrow = gather(reader, &rows, context)?;
    let points: Vec<f64> = narrow.iter().copied().map(f64::from).collect();
    let labels = compact(rows.iter().map(|&row| label.codes[row]));
    let k = labels.iter().max().map_or(1, |&max| max as usize + 1);
    let sampled = match rows.len() < n_candidates {
        true => format!("; {} of {n_candidates} cells, sampled", rows.len()),
        false => String::new(),
    };
    let row = |metric: &str, value: Result<f64, Undefined>, definition: String| {
        let (value, reason) = match value {
            Ok(value) => (Some(value), None),
            Err(Undefined(reason)) => (None, Some(reason.to_owned())),
        };
        Metric {
            metric: metric.to_owned(),
            value,
            reason,
            interval: None,
            n: rows.len() as u64,
            split: split.to_owned(),
            group: "all".to_owned(),
            method: "embedding".to_owned(),
            definition: format!("{definition}{sampled}"),
        }
    };
    let clusters = kmeans::cluster(&points, dim, k, RESTARTS, context.seed);
    context.interrupt.check()?;
    let how = format!(
        "labels and k-means clusters (k = {k}, the number of labels: that peeks; {RESTARTS} restarts)"
    );
    let mut metrics = vec![
        row(
            "nmi",
            Ok(agreement::normalized_mutual_information(&labels, &clusters)),
            format!("Normalised mutual information (arithmetic mean) of {how}"),
        ),
        row(
            "ari",
            Ok(agreement::adjusted_rand_index(&labels, &clusters)),
            format!("Adjusted Rand index of {how}"),
        ),
        row(
            "silhouette_label",
            silhouette::samples(&narrow, dim, &labels).map(|widths| silhouette::label_score(&widths)),
            "Mean Euclidean silhouette of the labels, (s + 1) / 2".to_owned(),
        ),
    ];
    if let Some((name, factor)) = batch {
        let known: Vec<usize> = (0..rows.len()).filter(|&i| factor.codes[rows[i]] != MISSING).collect();
        let points: Vec<f32> = known.iter().flat_map(|&i| &narrow[i * dim..(i + 1) * dim]).copied().collect();
        let batches = compact(known.iter().map(|&i| factor.codes[rows[i]]));
        let labels: Vec<u32> = known.iter().map(|&i| labels[i]).collect();
        metrics.push(row(
            "silhouette_batch",
            silhouette::batch_score(&points, dim, &labels, &batches),
            format!(
                "Mean over labels of 1 - |silhouette of `{name}`|, 1 = well mixed; it can mislead (Rautenstrauch & Ohler 2025)"
            ),
        ));
    }
    Ok(metrics)
}

/// Codes renumbered from 0 without gaps, in their order.
fn compact(codes: impl Iterator<Item = u32> + Clone) -> Vec<u32> {
    let mut used: Vec<u32> = codes.clone().collect();
    used.sort_unstable();
    used.dedup();
    codes.map(|code| used.binary_search(&code).expect("every code was collected") as u32).collect()
}

/// The map of at most `max` cells.
pub fn map(reader: &Reader, cells: &Cells, max: usize, context: &Context) -> anyhow::Result<Map> {
    let (rows, split) = candidates(cells, |_| true);
    let n_candidates = rows.len();
    let rows = cells.sample(rows, max, context.seed);
    let points = gather(reader, &rows, context)?;
    let positions = umap::layout(&points, reader.metadata.dim, context.seed);
    let which = if split == "test" { "cells of the test split" } else { "cells" };
    let about = match rows.len() < n_candidates {
        true => format!("{} of {n_candidates} {which}, sampled", rows.len()),
        false => format!("{n_candidates} {which}"),
    };
    Ok(Map { rows, positions, about })
}
