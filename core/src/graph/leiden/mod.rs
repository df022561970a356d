//! Communities by the Leiden algorithm (Traag, Waltman & van Eck 2019, Scientific Reports 9:5233) on modularity with a
//! resolution. One thread, every random choice a Philox draw: the same graph and seed give the same communities.

mod moves;
mod refine;

use super::Graph;
use crate::rng::Philox;
use moves::move_nodes;
use refine::refine;
use std::borrow::Cow;

/// Names this use of the seed.
const PURPOSE: u32 = 0x6C64_6E21;

/// What to look for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Leiden {
    /// Larger finds more and smaller communities; 1 is Newman's modularity.
    pub resolution: f64,
    /// Rounds over the whole graph at most; it ends sooner when a round changes nothing.
    pub rounds: usize,
    /// Of the order of visits and of merges.
    pub seed: u64,
}

impl Default for Leiden {
    fn default() -> Self {
        Self { resolution: 1.0, rounds: 10, seed: 0 }
    }
}

/// A graph whose nodes may be communities of a finer one.
struct Level<'a> {
    graph: Cow<'a, Graph>,
    /// Strength of each node, edges inside it included.
    strength: Vec<f64>,
    /// Resolution over twice the weight of all edges: what a pair of strengths costs.
    cost: f64,
}

impl<'a> Level<'a> {
    fn new(graph: &'a Graph, resolution: f64) -> Self {
        let strength: Vec<f64> = (0..graph.n_nodes()).map(|node| graph.strength(node)).collect();
        let total: f64 = strength.iter().sum();
        Self {
            graph: Cow::Borrowed(graph),
            strength,
            cost: if total > 0.0 { resolution / total } else { 0.0 },
        }
    }

    fn n_nodes(&self) -> usize {
        self.strength.len()
    }

    /// Communities become nodes. communities: [n] codes without gaps.
    fn aggregate(&self, communities: &[u32]) -> Level<'static> {
        let n = count(communities);
        let mut strength = vec![0.0; n];
        self.strength.iter().zip(communities).for_each(|(s, &c)| strength[c as usize] += s);
        let edges = (0..self.n_nodes()).flat_map(|node| {
            let own = communities[node];
            let later = self.graph.neighbors(node).filter(move |&(other, _)| other as usize > node);
            later.map(move |(other, weight)| (own, communities[other as usize], weight))
        });
        Level { graph: Cow::Owned(Graph::from_edges(n, edges)), strength, cost: self.cost }
    }
}

/// The community of each node: 0 is the largest, of equals the one with the earlier first node.
pub fn communities(graph: &Graph, options: &Leiden) -> Vec<u32> {
    let base = Level::new(graph, options.resolution);
    let philox = Philox::new(options.seed);
    let mut found: Vec<u32> = (0..graph.n_nodes() as u32).collect();
    for round in 0..options.rounds {
        let mut stream = philox.stream(round as u64, PURPOSE);
        let before = found.clone();
        // Which node of the current level holds each node of the graph.
        let mut holder: Vec<u32> = (0..graph.n_nodes() as u32).collect();
        let mut level: Option<Level> = None;
        let mut coarse = found.clone();
        loop {
            let current = level.as_ref().unwrap_or(&base);
            move_nodes(current, &mut coarse, &mut stream);
            compact(&mut coarse);
            found.iter_mut().zip(&holder).for_each(|(found, &at)| *found = coarse[at as usize]);
            if count(&coarse) == current.n_nodes() {
                break;
            }
            let mut refined = refine(current, &coarse, &mut stream);
            if count(&refined) == current.n_nodes() {
                // Nothing merged: go on with the communities themselves.
                refined.clone_from(&coarse);
            }
            let mut of_refined = vec![0; count(&refined)];
            refined.iter().zip(&coarse).for_each(|(&fine, &whole)| of_refined[fine as usize] = whole);
            let next = current.aggregate(&refined);
            holder.iter_mut().for_each(|at| *at = refined[*at as usize]);
            (coarse, level) = (of_refined, Some(next));
        }
        if found == before {
            break;
        }
    }
    by_size(&found)
}

/// Modularity of a partition: the share of weight inside communities less what strengths alone would put there.
///
/// communities: [n] codes. 0 without edges. Source: Reichardt & Bornholdt 2006, configuration model.
pub fn modularity(graph: &Graph, communities: &[u32], resolution: f64) -> f64 {
    let n = count(communities);
    let (mut inside, mut strength) = (vec![0.0; n], vec![0.0; n]);
    for node in 0..graph.n_nodes() {
        let own = communities[node];
        for (other, weight) in graph.neighbors(node) {
            strength[own as usize] += weight;
            if communities[other as usize] == own {
                inside[own as usize] += weight;
            }
        }
    }
    let total: f64 = strength.iter().sum();
    if total == 0.0 {
        return 0.0;
    }
    let of = |(inside, strength): (&f64, &f64)| inside / total - resolution * (strength / total).powi(2);
    inside.iter().zip(&strength).map(of).sum()
}

fn count(communities: &[u32]) -> usize {
    communities.iter().max().map_or(0, |&max| max as usize + 1)
}

/// Renumbers without gaps, in the order of first nodes.
fn compact(communities: &mut Vec<u32>) {
    *communities = super::components::numbered_by_first_node(std::mem::take(communities));
}

fn by_size(communities: &[u32]) -> Vec<u32> {
    let mut sizes = vec![0usize; count(communities)];
    communities.iter().for_each(|&c| sizes[c as usize] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&c| (std::cmp::Reverse(sizes[c]), c));
    let mut rank = vec![0; sizes.len()];
    order.iter().zip(0..).for_each(|(&c, at)| rank[c] = at);
    communities.iter().map(|&c| rank[c as usize]).collect()
}

#[cfg(test)]
mod tests;
