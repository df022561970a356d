//! k-means with k-means++ seeding; every random choice is a Philox draw.

use panfoma_core::dense::{squared_distances, squared_norms};
use panfoma_core::rng::{Philox, Stream};
use rayon::prelude::*;

/// Names this use of the seed.
const PURPOSE: u32 = 0x6B6D_6E73;
const MAX_ITERATIONS: usize = 300;
const BLOCK: usize = 256;

/// The clustering with the least sum of squared distances among `restarts`.
///
/// points: [n × dim]   returns the cluster of each point, below `k`.
pub fn cluster(points: &[f32], dim: usize, k: usize, restarts: u64, seed: u64) -> Vec<u32> {
    let n = points.len() / dim;
    assert!((1..=n).contains(&k), "{k} clusters of {n} cells");
    let mut best: Option<(f64, Vec<u32>)> = None;
    for restart in 0..restarts {
        let mut stream = Philox::new(seed).stream(restart, PURPOSE);
        let (inertia, assigned) = lloyd(points, dim, seeds(points, dim, k, &mut stream));
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, assigned));
        }
    }
    best.expect("at least one restart").1
}

/// k-means++: each next centre is a point drawn with probability proportional to its squared distance to those chosen;
/// the best of 2 + ln k draws is kept (Arthur & Vassilvitskii 2007, greedy).
fn seeds(points: &[f32], dim: usize, k: usize, stream: &mut Stream) -> Vec<f64> {
    let n = points.len() / dim;
    let point = |i: usize| wide(&points[i * dim..(i + 1) * dim]);
    let nearest = |chosen: usize, nearest: &[f64]| -> Vec<f64> {
        let to_chosen = distances_to(points, dim, &point(chosen));
        to_chosen.iter().zip(nearest).map(|(a, b)| a.min(*b)).collect()
    };
    let trials = 2 + (k as f64).ln() as usize;
    let first = stream.below(n as u32) as usize;
    let mut centres = point(first);
    let mut distances = nearest(first, &vec![f64::INFINITY; n]);
    while centres.len() < k * dim {
        let total: f64 = distances.iter().sum();
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..trials {
            let candidate = weighted_index(&distances, stream.uniform() * total);
            let after = nearest(candidate, &distances);
            let potential = after.iter().sum();
            if best.as_ref().is_none_or(|(least, ..)| potential < *least) {
                best = Some((potential, candidate, after));
            }
        }
        let (_, chosen, after) = best.expect("at least two trials");
        centres.extend(point(chosen));
        distances = after;
    }
    centres
}

fn wide(points: &[f32]) -> Vec<f64> {
    points.iter().map(|&x| f64::from(x)).collect()
}

/// Squared distance of every point to one.
fn distances_to(points: &[f32], dim: usize, centre: &[f64]) -> Vec<f64> {
    let norm = squared_norms(centre, dim);
    let blocks: Vec<Vec<f64>> = points
        .par_chunks(BLOCK * dim)
        .map(|block| squared_distances(&wide(block), centre, &norm, dim))
        .collect();
    blocks.concat()
}

fn weighted_index(weights: &[f64], mut at: f64) -> usize {
    for (i, weight) in weights.iter().enumerate() {
        if at < *weight {
            return i;
        }
        at -= weight;
    }
    weights.len() - 1
}

fn lloyd(points: &[f32], dim: usize, mut centres: Vec<f64>) -> (f64, Vec<u32>) {
    let k = centres.len() / dim;
    let mut assigned = Vec::new();
    for _ in 0..MAX_ITERATIONS {
        let (inertia, next) = assign(points, dim, &centres);
        if next == assigned {
            return (inertia, assigned);
        }
        assigned = next;
        let mut sums = vec![0.0; k * dim];
        let mut sizes = vec![0.0; k];
        for (point, &cluster) in points.chunks_exact(dim).zip(&assigned) {
            let cluster = cluster as usize;
            sizes[cluster] += 1.0;
            sums[cluster * dim..(cluster + 1) * dim]
                .iter_mut()
                .zip(point)
                .for_each(|(sum, &x)| *sum += f64::from(x));
        }
        for cluster in (0..k).filter(|&cluster| sizes[cluster] > 0.0) {
            let range = cluster * dim..(cluster + 1) * dim;
            centres[range.clone()]
                .iter_mut()
                .zip(&sums[range])
                .for_each(|(c, sum)| *c = sum / sizes[cluster]);
        }
    }
    (assign(points, dim, &centres).0, assigned)
}

/// The nearest centre of each point, the first of equals, and the sum of squared distances.
fn assign(points: &[f32], dim: usize, centres: &[f64]) -> (f64, Vec<u32>) {
    let norms = squared_norms(centres, dim);
    let blocks: Vec<(f64, Vec<u32>)> = points
        .par_chunks(BLOCK * dim)
        .map(|block| {
            let distances = squared_distances(&wide(block), centres, &norms, dim);
            let mut sum = 0.0;
            let nearest = distances.chunks_exact(norms.len()).map(|row| {
                let best = (1..row.len()).fold(0, |best, i| if row[i] < row[best] { i } else { best });
                sum += row[best];
                best as u32
            });
            let nearest = nearest.collect();
            (sum, nearest)
        })
        .collect();
    (blocks.iter().map(|block| block.0).sum(), blocks.into_iter().flat_map(|block| block.1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::agreement::{adjusted_rand_index, normalized_mutual_information};
    use crate::metrics::goldens::pbmc_cells;

    /// scikit-learn 1.9.1, `KMeans(10, n_init=10)`, seeds 0 to 9, on the same cells: the range of its results,
    /// widened by 0.02 because ten seeds do not show the ends of it.
    #[test]
    fn clusters_agree_with_labels_as_well_as_those_of_scikit_learn() {
        let (points, labels, _) = pbmc_cells();
        let found = cluster(&points, 50, 10, 10, 0);
        let (nmi, ari) =
            (normalized_mutual_information(&labels, &found), adjusted_rand_index(&labels, &found));
        assert!((SKLEARN_NMI.0 - 0.02..SKLEARN_NMI.1 + 0.02).contains(&nmi), "NMI {nmi}");
        assert!((SKLEARN_ARI.0 - 0.02..SKLEARN_ARI.1 + 0.02).contains(&ari), "ARI {ari}");
    }

    const SKLEARN_NMI: (f64, f64) = (0.6500, 0.6632);
    const SKLEARN_ARI: (f64, f64) = (0.5002, 0.5937);

    #[test]
    fn well_separated_points_are_found_and_duplicates_do_no_harm() {
        let points: Vec<f32> = (0..30).flat_map(|i| [(i % 3) as f32 * 100.0, 0.0]).collect();
        let found = cluster(&points, 2, 3, 1, 5);
        let expected: Vec<u32> = (0..30).map(|i| i % 3).collect();
        assert_eq!(adjusted_rand_index(&found, &expected), 1.0);
        assert_eq!(cluster(&[1.0; 8], 2, 4, 2, 0).len(), 4);
    }
}
