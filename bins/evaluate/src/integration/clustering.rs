//! Leiden clusters at the resolution that agrees best with the labels.

use crate::metrics::agreement;
use panfoma_core::graph::Graph;
use panfoma_core::graph::leiden::{Leiden, communities};
use rayon::prelude::*;

/// Neighbours of the graph that is clustered, the cell itself included.
pub const NEIGHBORS: usize = 15;

/// Clusters and where they were found.
pub struct Clustering {
    /// Of Leiden.
    pub resolution: f64,
    /// Code of each cell.
    pub clusters: Vec<u32>,
}

/// Of the resolutions 0.2, 0.4 … 2.0 the first whose clusters have the largest NMI with the labels.
pub fn best_leiden(graph: &Graph, labels: &[u32], seed: u64) -> Clustering {
    let resolutions: Vec<f64> = (1..=10).map(|step| f64::from(2 * step) / 10.0).collect();
    let at = |&resolution: &f64| {
        let clusters = communities(graph, &Leiden { resolution, seed, ..Leiden::default() });
        (agreement::normalized_mutual_information(labels, &clusters), Clustering { resolution, clusters })
    };
    // A few at a time: each holds a graph of its own.
    let few = |some: &[f64]| some.par_iter().map(at).collect::<Vec<(f64, Clustering)>>();
    let found = resolutions.chunks(4).flat_map(few);
    let best = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.expect("ten resolutions").1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{json, pbmc_cells};
    use panfoma_core::graph::{Knn, fuzzy};
    use serde_json::Value;

    /// Of seeds 0 to 19 and of scib-metrics' own, 42.
    fn spread(goldens: &Value, name: &str) -> (f64, f64) {
        let rows =
            goldens["leiden_best_seeds0_19"].as_array().unwrap().iter().chain([&goldens["leiden_best"]]);
        let values = rows.map(|row| row[name].as_f64().unwrap());
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    }

    /// Of igraph's Leiden as scib-metrics 0.6.1 calls it.
    #[test]
    fn agreement_of_leiden_clusters_lies_within_the_spread_of_seeds() {
        let (points, labels, _) = pbmc_cells();
        let graph = fuzzy::simplicial_set(&Knn::exact(&points, 50, NEIGHBORS));
        let goldens = json("integration_pbmc.json");
        for seed in 0..3 {
            let found = best_leiden(&graph, &labels, seed).clusters;
            let nmi = agreement::normalized_mutual_information(&labels, &found);
            let ari = agreement::adjusted_rand_index(&labels, &found);
            for (name, found) in [("nmi", nmi), ("ari", ari)] {
                let (low, high) = spread(&goldens, name);
                assert!((low - 1e-9..=high + 1e-9).contains(&found), "{name} {found} of {low} to {high}");
            }
        }
    }
}
