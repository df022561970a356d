//! Silhouette widths (Rousseeuw 1987) without an n × n matrix.

use super::groups::{count, members, rows, sizes};
use crate::metrics::Undefined;
use panfoma_core::dense::{squared_distances, squared_norms};
use rayon::prelude::*;

/// Cells whose distances to `POINTS` others one thread holds at once.
const BLOCK: usize = 128;
const POINTS: usize = 1_024;

/// The silhouette width of each cell: (b − a) / max(a, b), a the mean distance to its own group, b to the nearest other.
///
/// points: [n × dim]   groups: [n] codes. 0 for the only cell of a group. Errors: fewer than two groups.
/// Source: `sklearn.metrics.silhouette_samples`, Euclidean.
pub fn samples(points: &[f32], dim: usize, groups: &[u32]) -> Result<Vec<f64>, Undefined> {
    assert_eq!(points.len(), groups.len() * dim, "cells × dimensions");
    let sizes = sizes(groups);
    if sizes.iter().filter(|&&size| size > 0.0).count() < 2 {
        return Err(Undefined("fewer than two groups of cells"));
    }
    // Group after group, so that distances to one group lie side by side.
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&cell| (groups[cell], cell));
    let sorted: Vec<f64> = rows(points, dim, &order).into_iter().map(f64::from).collect();
    let own: Vec<u32> = order.iter().map(|&cell| groups[cell]).collect();
    let norms = squared_norms(&sorted, dim);
    let blocks: Vec<Vec<f64>> = sorted
        .par_chunks(BLOCK * dim)
        .enumerate()
        .map(|(block, queries)| {
            let first = block * BLOCK;
            let n_queries = queries.len() / dim;
            let mut sums = vec![0.0; n_queries * sizes.len()];
            for (tile, others) in sorted.chunks(POINTS * dim).enumerate() {
                let start = tile * POINTS;
                let n_others = others.len() / dim;
                let squared = squared_distances(queries, others, &norms[start..start + n_others], dim);
                for (query, (squared, sums)) in
                    squared.chunks_exact(n_others).zip(sums.chunks_exact_mut(sizes.len())).enumerate()
                {
                    // Rounding would give a cell a small distance to itself.
                    let itself = (first + query).checked_sub(start).filter(|&at| at < n_others);
                    add_distances(squared, &own[start..start + n_others], itself, sums);
                }
            }
            let of_query = sums.chunks_exact(sizes.len()).zip(&own[first..]);
            of_query.map(|(sums, &own)| width(sums, &sizes, own as usize)).collect()
        })
        .collect();
    let mut widths = vec![0.0; groups.len()];
    order.iter().zip(blocks.into_iter().flatten()).for_each(|(&cell, width)| widths[cell] = width);
    Ok(widths)
}

/// Adds the roots of the squared distances to the sums of their groups, which ascend.
fn add_distances(squared: &[f64], groups: &[u32], itself: Option<usize>, sums: &mut [f64]) {
    let mut start = 0;
    while start < groups.len() {
        let group = groups[start];
        let end = start + groups[start..].partition_point(|&other| other == group);
        sums[group as usize] += sum_of_roots(&squared[start..end]);
        if let Some(at) = itself.filter(|at| (start..end).contains(at)) {
            sums[group as usize] -= squared[at].sqrt();
        }
        start = end;
    }
}

fn sum_of_roots(squared: &[f64]) -> f64 {
    // Eight sums side by side, in a fixed order: one sum would wait for each addition.
    let mut sums = [0.0; 8];
    let eights = squared.chunks_exact(8);
    let rest: f64 = eights.remainder().iter().map(|x| x.sqrt()).sum();
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, x)| *sum += x.sqrt());
    }
    sums.iter().sum::<f64>() + rest
}

fn width(sums: &[f64], sizes: &[f64], own: usize) -> f64 {
    if sizes[own] < 2.0 {
        return 0.0;
    }
    let within = sums[own] / (sizes[own] - 1.0);
    let between = (0..sizes.len())
        .filter(|&group| group != own && sizes[group] > 0.0)
        .map(|group| sums[group] / sizes[group])
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(between);
    if larger > 0.0 { (between - within) / larger } else { 0.0 }
}

/// Mean silhouette width of the labels, scaled to 0 … 1 by (s + 1) / 2. widths: of the labels.
pub fn label_score(widths: &[f64]) -> f64 {
    (widths.iter().sum::<f64>() / widths.len() as f64 + 1.0) / 2.0
}

/// ASW batch: within each label the mean of 1 − |silhouette of the batches|, averaged over labels; 1 is well mixed.
///
/// Labels with one batch, or as many batches as cells, do not count. Source: scib 1.1, `silhouette_batch`.
/// Errors: no label counts.
pub fn batch_score(points: &[f32], dim: usize, labels: &[u32], batches: &[u32]) -> Result<f64, Undefined> {
    mixing(labels, batches, |cells, batches| samples(&rows(points, dim, cells), dim, batches))
}

/// Within each label the mean of 1 − |width|, averaged over the labels that have two batches and fewer batches than
/// cells. widths: of the cells of one label by their batches. Errors: no label counts.
pub fn mixing(
    labels: &[u32],
    batches: &[u32],
    widths: impl Fn(&[usize], &[u32]) -> Result<Vec<f64>, Undefined>,
) -> Result<f64, Undefined> {
    let mut scores = Vec::new();
    for cells in members(labels) {
        let batches: Vec<u32> = cells.iter().map(|&cell| batches[cell]).collect();
        let n_batches = count(&batches);
        if n_batches < 2 || n_batches == cells.len() {
            continue;
        }
        let widths = widths(&cells, &batches)?;
        scores.push(widths.iter().map(|width| 1.0 - width.abs()).sum::<f64>() / widths.len() as f64);
    }
    match scores.len() {
        0 => Err(Undefined("no label has cells of two batches")),
        n => Ok(scores.iter().sum::<f64>() / n as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, numbers, pbmc_cells};

    #[test]
    fn silhouettes_are_those_of_scib_metrics_in_double_precision() {
        let expected = json("integration_pbmc.json");
        let (points, labels, batches) = pbmc_cells();
        let widths = samples(&points, 50, &labels).unwrap();
        close(label_score(&widths), &expected["silhouette_label"], 1e-6);
        close(batch_score(&points, 50, &labels, &batches).unwrap(), &expected["silhouette_batch"], 1e-6);
        for (found, expected) in widths.iter().zip(numbers("silhouette")) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn the_only_cell_of_a_label_counts_as_zero() {
        let (points, mut labels, _) = pbmc_cells();
        labels[0] = 10;
        let expected = &json("integration_pbmc.json")["edge"]["silhouette_singleton_label"];
        let widths = samples(&points, 50, &labels).unwrap();
        close(label_score(&widths), expected, 1e-6);
        assert_eq!(widths[0], 0.0);
    }

    #[test]
    fn one_label_or_one_batch_gives_a_reason() {
        let (points, labels, _) = pbmc_cells();
        assert!(samples(&points, 50, &[0; 700]).is_err());
        assert!(batch_score(&points, 50, &labels, &[0; 700]).is_err());
    }
}
