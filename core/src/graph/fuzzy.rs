//! The fuzzy simplicial set of UMAP (McInnes, Healy & Melville 2018): the weighted graph of neighbours that
//! `scanpy.pp.neighbors` calls connectivities.

use super::{Graph, Knn};
use rayon::prelude::*;

/// Rounds of bisection, and how near the sum of memberships must come (umap-learn 0.5, `smooth_knn_dist`).
const ROUNDS: usize = 64;
const TOLERANCE: f64 = 1e-5;
/// The scale of a point's memberships is at least this share of its mean distance.
const LEAST_SCALE: f64 = 1e-3;

/// Memberships a + b - ab of both directions of every link; local connectivity 1, mix ratio 1.
///
/// Source: umap-learn 0.5, `fuzzy_simplicial_set`.
pub fn simplicial_set(knn: &Knn) -> Graph {
    let n = knn.n_points();
    if n == 0 {
        return Graph::default();
    }
    let mean_of_all = knn.distances.iter().sum::<f64>() / knn.distances.len() as f64;
    // Neighbours of each point ascending, so that a link's way back is found by bisection.
    let directed: Vec<Vec<(u32, f64)>> =
        (0..n).into_par_iter().map(|point| memberships(knn, point, mean_of_all)).collect();
    let back = |from: u32, to: u32| {
        let row = &directed[from as usize];
        row.binary_search_by_key(&to, |&(other, _)| other).ok().map(|at| row[at].1)
    };
    let mut edges = Vec::new();
    for (point, row) in directed.iter().enumerate() {
        let point = point as u32;
        for &(other, there) in row {
            match back(other, point) {
                // Met from both ends: taken once.
                Some(_) if other < point => {}
                Some(back) => edges.push((point, other, there + back - there * back)),
                None => edges.push((point, other, there)),
            }
        }
    }
    Graph::from_edges(n, edges.into_iter().filter(|&(.., weight)| weight > 0.0))
}

/// Membership of each neighbour of a point but itself, by neighbour.
fn memberships(knn: &Knn, point: usize, mean_of_all: f64) -> Vec<(u32, f64)> {
    let distances = knn.distances_of(point);
    let (nearest, scale) = smooth(distances, mean_of_all);
    let others = knn.of(point).iter().zip(distances).filter(|&(&other, _)| other as usize != point);
    let membership = |distance: f64| match distance - nearest {
        beyond if beyond <= 0.0 || scale == 0.0 => 1.0,
        beyond => (-beyond / scale).exp(),
    };
    let mut row: Vec<(u32, f64)> = others.map(|(&other, &distance)| (other, membership(distance))).collect();
    row.sort_unstable_by_key(|&(other, _)| other);
    row
}

/// Distance to the nearest other point, and the scale at which the memberships sum to log2 of the neighbours.
/// distances: ascending, that to the point itself first.
fn smooth(distances: &[f64], mean_of_all: f64) -> (f64, f64) {
    let target = (distances.len() as f64).log2();
    let nearest = distances.iter().copied().find(|&distance| distance > 0.0).unwrap_or(0.0);
    let (mut low, mut high, mut scale) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..ROUNDS {
        let beyond = distances[1..].iter().map(|distance| distance - nearest);
        let sum: f64 = beyond.map(|d| if d > 0.0 { (-d / scale).exp() } else { 1.0 }).sum();
        if (sum - target).abs() < TOLERANCE {
            break;
        }
        if sum > target {
            high = scale;
            scale = (low + high) / 2.0;
        } else {
            low = scale;
            scale = if high.is_finite() { (low + high) / 2.0 } else { scale * 2.0 };
        }
    }
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    (nearest, scale.max(LEAST_SCALE * if nearest > 0.0 { mean } else { mean_of_all }))
}
