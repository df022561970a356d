//! kBET within each label, on neighbours by diffusion, so that a type need not be alike in all batches to be mixed.

use super::groups::{count, members, sizes};
use super::kbet;
use super::sparse::Sparse;
use super::spectrum::largest;
use crate::metrics::Undefined;
use panfoma_core::graph::components::connected;
use panfoma_core::graph::{Graph, Knn};
use rayon::prelude::*;

/// Diffusion components at most.
const COMPONENTS: usize = 100;
/// Fewer cells of a label cannot be tested.
const MIN_CELLS: usize = 10;
/// More would need too much memory for their diffusion components.
const MAX_CELLS: usize = 100_000;

/// One label's result.
pub struct OfLabel {
    /// Its code.
    pub label: u32,
    /// Its cells.
    pub n_cells: usize,
    /// Share of its cells whose neighbourhood is accepted, or why there is none.
    pub acceptance: Result<f64, Undefined>,
}

/// What is done with a label's cells.
enum Plan {
    Undefined(&'static str),
    /// Too much of it lies in small components: scib counts it as rejected altogether.
    Scattered,
    Diffuse {
        cells: Vec<u32>,
        k: usize,
        n_components: usize,
    },
}

/// Acceptance rate for every label that occurs. graph: UMAP's weights of 50 neighbours.
///
/// For a label: k is a quarter of its mean batch, 10 to 70; neighbours by distance in the diffusion map of its part of the
/// graph, or of its components of at least 3 k cells if they hold three quarters of it, else 0. Source: scib-metrics 0.6,
/// `kbet_per_label`, with its rule that a label has no more diffusion components than the labels before it had: one
/// small label coarsens all that follow it.
pub fn of_labels(graph: &Graph, labels: &[u32], batches: &[u32]) -> Vec<OfLabel> {
    let mut most = COMPONENTS;
    let plans: Vec<(Vec<usize>, Plan)> = members(labels)
        .into_iter()
        .map(|cells| {
            let plan = plan(graph, &cells, batches, &mut most);
            (cells, plan)
        })
        .collect();
    let result = |(cells, plan): &(Vec<usize>, Plan)| {
        let acceptance = match plan {
            Plan::Undefined(reason) => Err(Undefined(reason)),
            Plan::Scattered => Ok(0.0),
            Plan::Diffuse { cells, k, n_components } => {
                let knn = diffusion_neighbors(&graph.subgraph(cells), *k, *n_components);
                let batches: Vec<u32> = cells.iter().map(|&cell| batches[cell as usize]).collect();
                // Of one batch only once small components are left out: nothing is tested, as in scib-metrics.
                kbet::test(&knn, &batches).map(|found| found.acceptance).or(Ok(0.0))
            }
        };
        OfLabel { label: labels[cells[0]], n_cells: cells.len(), acceptance }
    };
    plans.par_iter().map(result).collect()
}

fn plan(graph: &Graph, cells: &[usize], batches: &[u32], most: &mut usize) -> Plan {
    let of_cells: Vec<u32> = cells.iter().map(|&cell| batches[cell]).collect();
    let n_batches = count(&of_cells);
    if cells.len() < MIN_CELLS {
        return Plan::Undefined("fewer than ten cells");
    }
    if n_batches < 2 {
        return Plan::Undefined("all cells are of one batch");
    }
    if cells.len() > MAX_CELLS {
        return Plan::Undefined("more than 100,000 cells of one label");
    }
    let k = (cells.len() / (4 * n_batches)).clamp(10, 70);
    let nodes: Vec<u32> = cells.iter().map(|&cell| cell as u32).collect();
    let components = connected(&graph.subgraph(&nodes).links);
    let sizes = sizes(&components);
    let kept: Vec<u32> = match sizes.len() {
        1 => nodes,
        _ => {
            let is_large = |&(_, component): &(u32, u32)| sizes[component as usize] >= (3 * k) as f64;
            nodes.into_iter().zip(components).filter(is_large).map(|(node, _)| node).collect()
        }
    };
    if (kept.len() as f64) < 0.75 * cells.len() as f64 {
        return Plan::Scattered;
    }
    *most = (*most).min(kept.len() - 1);
    Plan::Diffuse { cells: kept, k, n_components: *most }
}

/// The k + 1 nearest by distance in the diffusion map, the cell itself included.
fn diffusion_neighbors(graph: &Graph, k: usize, n_components: usize) -> Knn {
    let (values, vectors) = largest(&transitions(graph), n_components);
    // In f32 as in scib-metrics: the first eigenvalue is 1 exactly and keeps its vector's length.
    let scale = |&value: &f64| match value as f32 + 1e-8 {
        1.0 => 1.0,
        value => value / (1.0 - value),
    };
    let scales: Vec<f32> = values.iter().map(scale).collect();
    let scaled =
        |row: &[f64]| row.iter().zip(&scales).map(|(&x, scale)| x as f32 * scale).collect::<Vec<f32>>();
    let embedding: Vec<f32> = vectors.chunks_exact(scales.len()).flat_map(scaled).collect();
    Knn::exact(&embedding, scales.len(), k + 1)
}

/// The symmetric transition matrix, freed from the density of cells (Coifman et al. 2005).
fn transitions(graph: &Graph) -> Sparse {
    let density: Vec<f64> = (0..graph.n_nodes()).map(|node| graph.strength(node)).collect();
    let even = scaled(graph, &graph.weights, &density);
    let sums =
        |node: usize| even[graph.links.offsets[node]..graph.links.offsets[node + 1]].iter().sum::<f64>();
    let roots: Vec<f64> = (0..graph.n_nodes()).map(|node| sums(node).sqrt()).collect();
    Sparse { values: scaled(graph, &even, &roots), links: graph.links.clone() }
}

/// Each link's value divided by what belongs to its two ends.
fn scaled(graph: &Graph, values: &[f64], ends: &[f64]) -> Vec<f64> {
    let row = |node: usize| {
        let range = graph.links.offsets[node]..graph.links.offsets[node + 1];
        let to = range.clone().map(|at| graph.links.targets[at] as usize);
        range.zip(to).map(move |(at, to)| values[at] / (ends[node] * ends[to]))
    };
    (0..graph.n_nodes()).flat_map(row).collect()
}

/// Mean over the labels that could be tested.
pub fn mean(of_labels: &[OfLabel]) -> Result<f64, Undefined> {
    let defined: Vec<f64> = of_labels.iter().filter_map(|of| of.acceptance.as_ref().ok().copied()).collect();
    match defined.len() {
        0 => Err(Undefined("no label has ten cells of two batches")),
        n => Ok(defined.iter().sum::<f64>() / n as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, levels, pbmc_cells};
    use panfoma_core::graph::fuzzy;

    #[test]
    fn acceptance_of_each_label_is_that_of_scib_metrics() {
        let (points, labels, batches) = pbmc_cells();
        let graph = fuzzy::simplicial_set(&Knn::exact(&points, 50, kbet::NEIGHBORS));
        let found = of_labels(&graph, &labels, &batches);
        let expected = json("integration_pbmc.json");
        for (of_label, name) in found.iter().zip(levels(1)) {
            match (&of_label.acceptance, &expected["kbet_per_label_df"][&name]) {
                (Err(_), expected) => assert!(expected.is_null(), "{name}"),
                (Ok(found), expected) => close(*found, expected, 1e-6),
            }
        }
        close(mean(&found).unwrap(), &expected["kbet_per_label"], 1e-6);
    }

    /// scib-metrics 0.6.1 gives 0.98988 if `CD34+`, of 13 cells, is called `zCD34+` and comes last.
    #[test]
    fn a_small_label_coarsens_those_after_it_as_in_scib_metrics() {
        let (points, mut labels, batches) = pbmc_cells();
        labels.iter_mut().filter(|label| **label == 2).for_each(|label| *label = 10);
        let graph = fuzzy::simplicial_set(&Knn::exact(&points, 50, kbet::NEIGHBORS));
        let found = mean(&of_labels(&graph, &labels, &batches)).unwrap();
        assert!((found - 0.98988).abs() < 5e-6, "{found}");
    }

    #[test]
    fn few_cells_and_one_batch_give_reasons_and_scattered_cells_none() {
        // Label 0: five cells. Label 1: one batch. Label 2: pairs of cells, each pair far from all others.
        let coordinates = |i: usize| match i {
            0..5 => i as f32,
            5..40 => 1e3 + i as f32,
            _ => 1e4 + (i / 2) as f32 * 1e3 + (i % 2) as f32,
        };
        let points: Vec<f32> = (0..100).map(coordinates).collect();
        let labels: Vec<u32> = (0..100).map(|i| if i < 5 { 0 } else { 1 + u32::from(i >= 40) }).collect();
        let batches: Vec<u32> = (0..100).map(|i| if i < 40 { 0 } else { i % 2 }).collect();
        let graph = fuzzy::simplicial_set(&Knn::exact(&points, 1, 2));
        let found = of_labels(&graph, &labels, &batches);
        assert!(found[0].acceptance.is_err() && found[1].acceptance.is_err());
        assert_eq!(found[2].acceptance, Ok(0.0));
    }
}
