//! Graph connectivity: do the cells of a label hang together among their nearest neighbours?

use super::groups::sizes;
use panfoma_core::graph::components::{connected, strong};
use panfoma_core::graph::{Graph, Knn};

/// Mean over labels of the share of cells in the largest strong component of the directed graph of neighbours.
///
/// Source: scib-metrics 0.6, `graph_connectivity`.
pub fn directed(knn: &Knn, labels: &[u32]) -> f64 {
    mean_share_of_largest(&strong(&knn.links().within(labels)), labels)
}

/// The same with UMAP's weights, whose links have no direction: always at least the directed one.
///
/// Source: scib 1.1, `graph_connectivity`, which scGPT's tables use.
pub fn undirected(graph: &Graph, labels: &[u32]) -> f64 {
    mean_share_of_largest(&connected(&graph.links.within(labels)), labels)
}

/// components: [n], each within one label.
fn mean_share_of_largest(components: &[u32], labels: &[u32]) -> f64 {
    let mut largest = vec![0.0f64; sizes(labels).len()];
    let of_component = sizes(components);
    for (&component, &label) in components.iter().zip(labels) {
        let largest = &mut largest[label as usize];
        *largest = largest.max(of_component[component as usize]);
    }
    let shares =
        largest.iter().zip(sizes(labels)).filter(|&(_, size)| size > 0.0).map(|(most, size)| most / size);
    let (sum, n) = shares.fold((0.0, 0.0), |(sum, n), share| (sum + share, n + 1.0));
    sum / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, pbmc_cells};
    use panfoma_core::graph::fuzzy;

    #[test]
    fn connectivity_is_that_of_scib_metrics_with_and_of_scib_without_direction() {
        let (points, labels, _) = pbmc_cells();
        let expected = json("integration_pbmc.json");
        for (k, name) in [(15, "graph_connectivity_k15"), (50, "graph_connectivity_k50")] {
            close(directed(&Knn::exact(&points, 50, k), &labels), &expected[name], 1e-12);
        }
        let knn = Knn::exact(&points, 50, 15);
        close(directed(&knn, &[0; 700]), &expected["edge"]["gc_one_label"], 1e-12);
        // scib 1.1.7.
        let found = undirected(&fuzzy::simplicial_set(&knn), &labels);
        assert!((found - 0.929_509_528_332_375_5).abs() < 1e-12, "{found}");
    }
}
