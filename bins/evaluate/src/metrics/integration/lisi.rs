//! Local inverse Simpson's index (Korsunsky et al. 2019): how many groups a cell's neighbourhood effectively holds.

use super::groups::{count, median, members, rows, sizes};
use crate::metrics::Undefined;
use panfoma_core::graph::Knn;
use rayon::prelude::*;

/// Neighbours, the cell itself included; the perplexity is a third of them.
pub const NEIGHBORS: usize = 90;
/// Bisection ends when the entropy is this near to ln(perplexity), or after so many rounds (scib-metrics 0.6).
const TOLERANCE: f64 = 1e-5;
const ROUNDS: usize = 50;

/// LISI of each cell, 1 to the number of groups, for every grouping. groupings: codes [n] each. NaN if every neighbour is
/// out of sight.
///
/// Weights exp(−β d) with β such that their perplexity is k / 3; the cell itself has none. Source: scib-metrics 0.6,
/// `lisi_knn`.
pub fn of_cells<const N: usize>(knn: &Knn, groupings: [&[u32]; N]) -> [Vec<f64>; N] {
    let n_groups = groupings.map(|groups| sizes(groups).len());
    let target = ((knn.k / 3) as f64).ln();
    let of_cell = |cell: usize| -> [f64; N] {
        let others =
            knn.of(cell).iter().zip(knn.distances_of(cell)).filter(|&(&other, _)| other as usize != cell);
        let (indices, distances): (Vec<u32>, Vec<f64>) =
            others.map(|(&other, &distance)| (other, distance)).unzip();
        let weights = weights(&distances, target);
        let total: f64 = weights.iter().sum();
        std::array::from_fn(|which| {
            let mut shares = vec![0.0; n_groups[which]];
            for (&other, weight) in indices.iter().zip(&weights) {
                shares[groupings[which][other as usize] as usize] += weight / total;
            }
            1.0 / shares.iter().map(|share| share * share).sum::<f64>()
        })
    };
    let found: Vec<[f64; N]> = (0..knn.n_points()).into_par_iter().map(of_cell).collect();
    std::array::from_fn(|which| found.iter().map(|of_cell| of_cell[which]).collect())
}

fn weights(distances: &[f64], target: f64) -> Vec<f64> {
    let at = |beta: f64| -> Vec<f64> { distances.iter().map(|d| (-d * beta).exp()).collect() };
    let (mut beta, mut low, mut high) = (1.0, f64::NEG_INFINITY, f64::INFINITY);
    let mut weights = at(beta);
    for _ in 0..ROUNDS {
        let excess = entropy(distances, &weights, beta) - target;
        if excess.abs() < TOLERANCE {
            break;
        }
        if excess > 0.0 {
            low = beta;
            beta = if high == f64::INFINITY { beta * 2.0 } else { (beta + high) / 2.0 };
        } else {
            high = beta;
            beta = if low == f64::NEG_INFINITY { beta / 2.0 } else { (beta + low) / 2.0 };
        }
        weights = at(beta);
    }
    weights
}

/// ln Σw + β Σ(d w) / Σw, and 0 if nothing is in sight.
fn entropy(distances: &[f64], weights: &[f64], beta: f64) -> f64 {
    let sum: f64 = weights.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    sum.ln() + beta * distances.iter().zip(weights).map(|(d, w)| d * w).sum::<f64>() / sum
}

/// iLISI: the median over cells for batches, from 0 (apart) to 1 (mixed).
pub fn mixing(of_cells: &[f64], batches: &[u32]) -> Result<f64, Undefined> {
    match count(batches) {
        0 | 1 => Err(Undefined("all cells are of one batch")),
        n => defined((median(of_cells) - 1.0) / (n - 1) as f64),
    }
}

/// cLISI: the median over cells for labels, from 0 (mixed) to 1 (apart).
pub fn purity(of_cells: &[f64], labels: &[u32]) -> Result<f64, Undefined> {
    match count(labels) {
        0 | 1 => Err(Undefined("all cells have one label")),
        n => defined((n as f64 - median(of_cells)) / (n - 1) as f64),
    }
}

fn defined(value: f64) -> Result<f64, Undefined> {
    if value.is_nan() { Err(Undefined("no cell has a neighbour in sight")) } else { Ok(value) }
}

/// CiLISI (Andreatta et al. 2024): iLISI among the cells of one label only, so that mixing types cannot raise it; the
/// mean over cells of (LISI − 1) / (batches of the label − 1).
///
/// Exact neighbours within the label, [`NEIGHBORS`] or all; labels of one batch, or of fewer than ten cells, do not
/// count. Errors: no label counts.
pub fn mixing_within_labels(
    points: &[f32],
    dim: usize,
    labels: &[u32],
    batches: &[u32],
) -> Result<f64, Undefined> {
    let (mut sum, mut n) = (0.0, 0);
    for cells in members(labels) {
        let batches: Vec<u32> = cells.iter().map(|&cell| batches[cell]).collect();
        let n_batches = count(&batches);
        if n_batches < 2 || cells.len() < 10 {
            continue;
        }
        let knn = Knn::search(&rows(points, dim, &cells), dim, NEIGHBORS, 0);
        let [of_batches] = of_cells(&knn, [&batches]);
        let scaled = of_batches.into_iter().map(|lisi| (lisi - 1.0) / (n_batches - 1) as f64);
        let defined: Vec<f64> = scaled.filter(|lisi| !lisi.is_nan()).collect();
        sum += defined.iter().sum::<f64>();
        n += defined.len();
    }
    if n == 0 { Err(Undefined("no label has ten cells of two batches")) } else { Ok(sum / n as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, numbers, pbmc_cells};

    #[test]
    fn lisi_of_every_cell_is_that_of_scib_metrics() {
        let (points, labels, batches) = pbmc_cells();
        let expected = json("integration_pbmc.json");
        let knn = Knn::exact(&points, 50, NEIGHBORS);
        let [of_batches, of_labels] = of_cells(&knn, [&batches, &labels]);
        for (found, name) in [(&of_batches, "lisi_batch"), (&of_labels, "lisi_label")] {
            for (found, expected) in found.iter().zip(numbers(name)) {
                assert!((found - expected).abs() < 1e-9, "{name}: {found} {expected}");
            }
        }
        close(mixing(&of_batches, &batches).unwrap(), &expected["ilisi"], 1e-9);
        close(purity(&of_labels, &labels).unwrap(), &expected["clisi"], 1e-9);
    }

    #[test]
    fn one_batch_or_one_label_gives_a_reason_and_duplicates_do_no_harm() {
        let (_, _, batches) = pbmc_cells();
        assert!(mixing(&[1.0; 700], &[0; 700]).is_err() && purity(&[1.0; 700], &[0; 700]).is_err());
        let knn = Knn::exact(&[3.0; 700], 1, NEIGHBORS);
        assert!(of_cells(&knn, [&batches])[0].iter().all(|lisi| (1.0..=3.0).contains(lisi)));
    }

    /// With one label it is the mean instead of the median over the same cells.
    #[test]
    fn within_labels_is_the_mean_of_the_same_index_and_sees_no_other_label() {
        let (points, labels, batches) = pbmc_cells();
        let [of_batches] = of_cells(&Knn::exact(&points, 50, NEIGHBORS), [&batches]);
        let mean = of_batches.iter().map(|lisi| (lisi - 1.0) / 2.0).sum::<f64>() / 700.0;
        let found = mixing_within_labels(&points, 50, &[0; 700], &batches).unwrap();
        assert!((found - mean).abs() < 1e-12);
        // Moving a whole label away changes nothing within it, up to rounding of the moved coordinates.
        let before = mixing_within_labels(&points, 50, &labels, &batches).unwrap();
        let moved: Vec<f32> =
            points.iter().enumerate().map(|(at, x)| x + 64.0 * (labels[at / 50] % 2) as f32).collect();
        let after = mixing_within_labels(&moved, 50, &labels, &batches).unwrap();
        assert!((before - after).abs() < 1e-4, "{before} {after}");
        assert!(mixing_within_labels(&points, 50, &labels, &[0; 700]).is_err());
    }
}
