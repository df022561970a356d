//! A map of cells in two dimensions: UMAP (McInnes, Healy & Melville 2018), the same bytes for any number of threads.
//!
//! The graph is that of umap-learn: 15 nearest cells (itself among them), exact; fuzzy union. The layout begins at two
//! principal components and descends edge after edge in one fixed order, negatives drawn by Philox.

use crate::pca::Pca;
use panfoma_core::graph::{Knn, fuzzy};
use panfoma_core::neighbors::nearest;
use panfoma_core::rng::Philox;

/// Neighbours of each cell, itself included.
pub const NEIGHBORS: usize = 15;
/// Shape of 1 / (1 + a d^2b) for min_dist 0.5 and spread 1, umap-learn's fit.
const A: f64 = 0.583_030_02;
const B: f64 = 1.334_166_99;
const NEGATIVES: usize = 5;
/// Names this use of the seed.
const PURPOSE: u32 = 0x756D_6170;

/// Positions of the points, [n × 2]. points: [n × dim].
pub fn layout(points: &[f32], dim: usize, seed: u64) -> Vec<f64> {
    let n = points.len() / dim;
    if n < 3 {
        return (0..n).flat_map(|i| [i as f64, 0.0]).collect();
    }
    let mut positions = initial(points, dim, seed);
    let edges = fuzzy_graph(points, dim);
    // umap-learn's rule: small sets need more rounds.
    let epochs = if n <= 10_000 { 500 } else { 200 };
    descend(&mut positions, &edges, epochs, seed);
    positions
}

/// Two principal components stretched to ±10, with a little noise that parts duplicates.
fn initial(points: &[f32], dim: usize, seed: u64) -> Vec<f64> {
    let n = points.len() / dim;
    let pca = Pca::fit(points, dim, 2, seed);
    let scores = pca.scores(points);
    let mut stream = Philox::new(seed).stream(0, PURPOSE);
    let largest = scores.iter().fold(0.0f64, |max, x| max.max(x.abs())).max(1e-12);
    (0..n * 2)
        .map(|at| {
            let score =
                if at % 2 < pca.n_components { scores[at / 2 * pca.n_components + at % 2] } else { 0.0 };
            score * 10.0 / largest + 1e-4 * stream.normal()
        })
        .collect()
}

/// Edges (i, j, weight) in order of (i, j), both directions.
fn fuzzy_graph(points: &[f32], dim: usize) -> Vec<(u32, u32, f64)> {
    let graph = fuzzy::simplicial_set(&Knn::exact(points, dim, NEIGHBORS));
    let of = |node: usize| graph.neighbors(node).map(move |(other, weight)| (node as u32, other, weight));
    (0..graph.n_nodes()).flat_map(of).collect()
}

/// Stochastic gradient descent over edges in their order: an edge takes part in proportion to its weight.
fn descend(positions: &mut [f64], edges: &[(u32, u32, f64)], epochs: usize, seed: u64) {
    let n = (positions.len() / 2) as u32;
    let heaviest = edges.iter().fold(0.0f64, |max, edge| max.max(edge.2));
    let kept: Vec<_> = edges.iter().filter(|edge| edge.2 >= heaviest / epochs as f64).collect();
    let every: Vec<f64> = kept.iter().map(|edge| heaviest / edge.2).collect();
    let mut next = every.clone();
    for epoch in 1..=epochs {
        let rate = 1.0 - (epoch - 1) as f64 / epochs as f64;
        let mut stream = Philox::new(seed).stream(epoch as u64, PURPOSE);
        for (at, &&(i, j, _)) in kept.iter().enumerate() {
            if next[at] > epoch as f64 {
                continue;
            }
            next[at] += every[at];
            attract(positions, i as usize, j as usize, rate);
            for _ in 0..NEGATIVES {
                let other = stream.below(n) as usize;
                if other != i as usize {
                    repel(positions, i as usize, other, rate);
                }
            }
        }
    }
}

fn attract(positions: &mut [f64], i: usize, j: usize, rate: f64) {
    let (dx, dy) = difference(positions, i, j);
    let squared = dx * dx + dy * dy;
    if squared == 0.0 {
        return;
    }
    let power = libm::pow(squared, B);
    let pull = -2.0 * A * B * (power / squared) / (A * power + 1.0);
    for (axis, d) in [dx, dy].into_iter().enumerate() {
        let step = rate * (pull * d).clamp(-4.0, 4.0);
        positions[2 * i + axis] += step;
        positions[2 * j + axis] -= step;
    }
}

fn repel(positions: &mut [f64], i: usize, other: usize, rate: f64) {
    let (dx, dy) = difference(positions, i, other);
    let squared = dx * dx + dy * dy;
    if squared == 0.0 {
        return;
    }
    let push = 2.0 * B / ((0.001 + squared) * (A * libm::pow(squared, B) + 1.0));
    for (axis, d) in [dx, dy].into_iter().enumerate() {
        positions[2 * i + axis] += rate * (push * d).clamp(-4.0, 4.0);
    }
}

fn difference(positions: &[f64], i: usize, j: usize) -> (f64, f64) {
    (positions[2 * i] - positions[2 * j], positions[2 * i + 1] - positions[2 * j + 1])
}

/// How far the map's neighbours are neighbours in truth, 0 to 1 (Venna & Kaski 2001).
///
/// Source: `sklearn.manifold.trustworthiness`.
pub fn trustworthiness(points: &[f64], dim: usize, map: &[f64], k: usize) -> f64 {
    let n = map.len() / 2;
    let in_truth = nearest(points, points, dim, n);
    let in_map = nearest(map, map, 2, k + 1);
    let mut penalty = 0.0;
    for i in 0..n {
        let mut rank = vec![0usize; n];
        let others = in_truth[i].iter().filter(|neighbor| neighbor.0 as usize != i);
        others.zip(1..).for_each(|(neighbor, at)| rank[neighbor.0 as usize] = at);
        for neighbor in in_map[i].iter().filter(|neighbor| neighbor.0 as usize != i).take(k) {
            penalty += rank[neighbor.0 as usize].saturating_sub(k) as f64;
        }
    }
    let (n, k) = (n as f64, k as f64);
    1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * penalty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, pbmc};

    /// `sklearn.manifold.trustworthiness(n_neighbors=15)` of ten maps of umap-learn 0.5.12 (min_dist 0.5) and of two
    /// principal components of the same 700 cells (`tests/python/make_umap_goldens.py`).
    #[test]
    fn the_map_is_as_trustworthy_as_those_of_umap_learn_to_two_hundredths() {
        let (points, ..) = pbmc();
        let expected = json("umap_learn.json");
        let of_umap: Vec<f64> =
            expected["umap"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
        let best = of_umap.iter().fold(0.0f64, |best, &trust| best.max(trust));
        let narrow: Vec<f32> = points.iter().map(|&x| x as f32).collect();
        let trust = trustworthiness(&points, 50, &layout(&narrow, 50, 0), 15);
        assert!(trust > best - 0.02, "trustworthiness {trust}, of umap-learn's best map {best}");
        let pca = Pca::fit(&narrow, 50, 2, 0).scores(&narrow);
        close(trustworthiness(&points, 50, &pca, 15), &expected["pca"], 1e-4);
    }

    #[test]
    fn duplicates_and_few_points_are_no_trouble() {
        assert!(layout(&[1.0; 40], 2, 0).iter().all(|x| x.is_finite()));
        assert_eq!(layout(&[1.0, 2.0], 1, 0).len(), 4);
    }
}
