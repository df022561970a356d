//! Exact nearest neighbours by blocks of distances.

use crate::matrix::{squared_distances, squared_norms};
use rayon::prelude::*;

const BLOCK: usize = 64;

/// The `k` nearest of each query: (index, distance), nearest first, ties by index.
///
/// queries: [m × dim]   base: [n × dim]   returns m lists of min(k, n).
pub fn nearest(queries: &[f64], base: &[f64], dim: usize, k: usize) -> Vec<Vec<(u32, f64)>> {
    let norms = squared_norms(base, dim);
    let blocks: Vec<Vec<Vec<(u32, f64)>>> = queries
        .par_chunks(BLOCK * dim)
        .map(|block| {
            let distances = squared_distances(block, base, &norms, dim);
            distances.chunks_exact(norms.len()).map(|row| smallest(row, k)).collect()
        })
        .collect();
    blocks.concat()
}

fn smallest(squared: &[f64], k: usize) -> Vec<(u32, f64)> {
    let mut order: Vec<u32> = (0..squared.len() as u32).collect();
    let by_distance = |a: &u32, b: &u32| squared[*a as usize].total_cmp(&squared[*b as usize]).then(a.cmp(b));
    if k < order.len() {
        order.select_nth_unstable_by(k, by_distance);
        order.truncate(k);
    }
    order.sort_unstable_by(by_distance);
    order.into_iter().map(|i| (i, squared[i as usize].sqrt())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_come_nearest_first_and_ties_by_index() {
        let base = [0.0, 1.0, 1.0, 3.0];
        let found = nearest(&[0.9], &base, 1, 3);
        assert_eq!(found[0].iter().map(|n| n.0).collect::<Vec<_>>(), [1, 2, 0]);
        assert!((found[0][0].1 - 0.1).abs() < 1e-12);
        assert_eq!(nearest(&[0.0], &base, 1, 9)[0].len(), 4);
    }
}
