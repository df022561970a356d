//! Silhouette widths (Rousseeuw 1987) without an n × n matrix.

use super::Undefined;
use panfoma_core::dense::{squared_distances, squared_norms};
use rayon::prelude::*;

/// Cells whose distances to all others are held at once by one thread.
const BLOCK: usize = 64;

/// The silhouette width of each cell: (b − a) / max(a, b), a the mean distance to its own group, b to the nearest other.
///
/// points: [n × dim]   groups: [n] codes. 0 for the only cell of a group. Errors: fewer than two groups.
/// Source: `sklearn.metrics.silhouette_samples`, Euclidean.
pub fn samples(points: &[f64], dim: usize, groups: &[u32]) -> Result<Vec<f64>, Undefined> {
    assert_eq!(points.len(), groups.len() * dim, "cells × dimensions");
    let n_groups = groups.iter().max().map_or(0, |&max| max as usize + 1);
    let mut sizes = vec![0.0; n_groups];
    groups.iter().for_each(|&group| sizes[group as usize] += 1.0);
    if sizes.iter().filter(|&&size| size > 0.0).count() < 2 {
        return Err(Undefined("fewer than two groups of cells"));
    }
    let norms = squared_norms(points, dim);
    let widths: Vec<Vec<f64>> = points
        .par_chunks(BLOCK * dim)
        .enumerate()
        .map(|(block, rows)| {
            let distances = squared_distances(rows, points, &norms, dim);
            let own = groups[block * BLOCK..].iter();
            let rows = distances.chunks_exact(groups.len()).zip(own).enumerate();
            rows.map(|(row, (distances, &own))| {
                width(distances, groups, &sizes, own as usize, block * BLOCK + row)
            })
            .collect()
        })
        .collect();
    Ok(widths.concat())
}

fn width(squared: &[f64], groups: &[u32], sizes: &[f64], own: usize, cell: usize) -> f64 {
    let mut sums = vec![0.0; sizes.len()];
    for (other, (&squared, &group)) in squared.iter().zip(groups).enumerate() {
        // Rounding would give a cell a small distance to itself.
        if other != cell {
            sums[group as usize] += squared.sqrt();
        }
    }
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

/// Mean silhouette width of the labels, scaled to 0 … 1 by (s + 1) / 2.
pub fn label_score(points: &[f64], dim: usize, labels: &[u32]) -> Result<f64, Undefined> {
    let widths = samples(points, dim, labels)?;
    Ok((widths.iter().sum::<f64>() / widths.len() as f64 + 1.0) / 2.0)
}

/// ASW batch: within each label the mean of 1 − |silhouette of the batches|, averaged over labels; 1 is well mixed.
///
/// Labels with one batch, or as many batches as cells, do not count. Source: scib 1.1, `silhouette_batch`.
/// Errors: no label counts.
pub fn batch_score(points: &[f64], dim: usize, labels: &[u32], batches: &[u32]) -> Result<f64, Undefined> {
    let n_labels = labels.iter().max().map_or(0, |&max| max + 1);
    let mut scores = Vec::new();
    for label in 0..n_labels {
        let cells: Vec<usize> = (0..labels.len()).filter(|&cell| labels[cell] == label).collect();
        let batches: Vec<u32> = cells.iter().map(|&cell| batches[cell]).collect();
        let mut distinct = batches.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 || distinct.len() == cells.len() {
            continue;
        }
        let rows: Vec<f64> =
            cells.iter().flat_map(|&cell| &points[cell * dim..(cell + 1) * dim]).copied().collect();
        let widths = samples(&rows, dim, &batches)?;
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
    use crate::metrics::goldens::{close, json, pbmc};

    #[test]
    fn silhouettes_are_those_of_scib_metrics_in_double_precision() {
        let expected = json("scib_metrics_x64.json");
        let (points, labels, batches) = pbmc();
        close(label_score(&points, 50, &labels).unwrap(), &expected["silhouette_label"], 1e-6);
        close(batch_score(&points, 50, &labels, &batches).unwrap(), &expected["silhouette_batch"], 1e-6);
    }

    #[test]
    fn the_only_cell_of_a_label_counts_as_zero() {
        let (points, mut labels, _) = pbmc();
        labels[0] = 10;
        let expected = json("scib_metrics_x64.json");
        close(label_score(&points, 50, &labels).unwrap(), &expected["silhouette_singleton_label"], 1e-6);
        assert_eq!(samples(&points, 50, &labels).unwrap()[0], 0.0);
    }

    #[test]
    fn one_label_or_one_batch_gives_a_reason() {
        let (points, labels, _) = pbmc();
        assert!(label_score(&points, 50, &[0; 700]).is_err());
        assert!(batch_score(&points, 50, &labels, &[0; 700]).is_err());
    }
}
