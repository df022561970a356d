//! Graphs of cells or genes: nearest neighbours, exact or of very many points nearly all, UMAP's weights, components, and communities by Leiden.
//! Everything gives the same bytes for any number of threads.

mod approximate;
pub mod components;
pub mod fuzzy;
pub mod knn;
pub mod leiden;

pub use approximate::EXACT_UP_TO;
pub use knn::Knn;

/// Which nodes each node links to, compressed by rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Where each node's targets begin in `targets`; one more than there are nodes.
    pub offsets: Vec<usize>,
    /// Targets of all nodes, one node after the other.
    pub targets: Vec<u32>,
}

impl Links {
    /// Number of nodes.
    pub fn n_nodes(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Targets of one node.
    pub fn of(&self, node: usize) -> &[u32] {
        &self.targets[self.offsets[node]..self.offsets[node + 1]]
    }

    /// Only the links between nodes of one group. groups: [n] codes.
    pub fn within(&self, groups: &[u32]) -> Self {
        assert_eq!(groups.len(), self.n_nodes(), "a group for every node");
        let mut kept = Self { offsets: vec![0], targets: Vec::new() };
        for node in 0..self.n_nodes() {
            let same = self.of(node).iter().filter(|&&other| groups[other as usize] == groups[node]);
            kept.targets.extend(same);
            kept.offsets.push(kept.targets.len());
        }
        kept
    }
}

/// An undirected graph with a weight on each edge, stored in both directions; no edge from a node to itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Neighbours of each node, ascending.
    pub links: Links,
    /// Weight of each link.
    pub weights: Vec<f64>,
}

impl Graph {
    /// From edges in either direction; weights of one pair are added, edges from a node to itself are left out.
    pub fn from_edges(n_nodes: usize, edges: impl IntoIterator<Item = (u32, u32, f64)>) -> Self {
        let mut edges: Vec<(u32, u32, f64)> = edges.into_iter().filter(|&(a, b, _)| a != b).collect();
        let mut ends = vec![0usize; n_nodes + 1];
        for &(a, b, _) in &edges {
            assert!((a as usize) < n_nodes && (b as usize) < n_nodes, "edge {a}-{b} of {n_nodes} nodes");
            ends[a as usize] += 1;
            ends[b as usize] += 1;
        }
        // Every row's links in the order they came: counted, then put in their places.
        let mut begin = 0;
        ends.iter_mut().for_each(|end| begin += std::mem::replace(end, begin));
        let mut links = vec![(0u32, 0.0f64); 2 * edges.len()];
        for (a, b, weight) in edges.drain(..) {
            for (from, to) in [(a, b), (b, a)] {
                links[ends[from as usize]] = (to, weight);
                ends[from as usize] += 1;
            }
        }
        drop(edges);
        let mut graph = Self::with_capacity(n_nodes, links.len());
        let mut begin = 0;
        for &end in &ends[..n_nodes] {
            // Stable, so that weights of one pair are added in the order they came, in both directions alike.
            links[begin..end].sort_by_key(|&(to, _)| to);
            let first = graph.links.targets.len();
            for &(to, weight) in &links[begin..end] {
                match graph.links.targets[first..].last() {
                    Some(&last) if last == to => {
                        *graph.weights.last_mut().expect("an edge was just added") += weight;
                    }
                    _ => {
                        graph.links.targets.push(to);
                        graph.weights.push(weight);
                    }
                }
            }
            graph.links.offsets.push(graph.links.targets.len());
            begin = end;
        }
        graph
    }

    fn with_capacity(n_nodes: usize, n_links: usize) -> Self {
        let mut offsets = Vec::with_capacity(n_nodes + 1);
        offsets.push(0);
        Self {
            links: Links { offsets, targets: Vec::with_capacity(n_links) },
            weights: Vec::with_capacity(n_links),
        }
    }

    /// Ends the rows of all nodes before `node`.
    fn close_rows(&mut self, node: usize) {
        self.links.offsets.resize(node + 1, self.links.targets.len());
    }

    /// Number of nodes.
    pub fn n_nodes(&self) -> usize {
        self.links.n_nodes()
    }

    /// Number of edges, each counted once.
    pub fn n_edges(&self) -> usize {
        self.links.targets.len() / 2
    }

    /// Neighbours of a node with their weights, ascending by neighbour.
    pub fn neighbors(&self, node: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let row = self.links.offsets[node]..self.links.offsets[node + 1];
        self.links.targets[row.clone()].iter().copied().zip(self.weights[row].iter().copied())
    }

    /// Sum of the weights of a node's edges.
    pub fn strength(&self, node: usize) -> f64 {
        self.neighbors(node).map(|(_, weight)| weight).sum()
    }

    /// The same edges among some nodes only, renumbered in the order of `nodes`, which are distinct.
    pub fn subgraph(&self, nodes: &[u32]) -> Self {
        let mut position = vec![u32::MAX; self.n_nodes()];
        nodes.iter().zip(0..).for_each(|(&node, at)| position[node as usize] = at);
        let mut graph = Self::with_capacity(nodes.len(), 0);
        for (at, &node) in nodes.iter().enumerate() {
            let kept = self.neighbors(node as usize).map(|(to, w)| (position[to as usize], w));
            let mut kept: Vec<(u32, f64)> = kept.filter(|&(to, _)| to != u32::MAX).collect();
            kept.sort_unstable_by_key(|&(to, _)| to);
            graph.links.targets.extend(kept.iter().map(|&(to, _)| to));
            graph.weights.extend(kept.iter().map(|&(_, weight)| weight));
            graph.close_rows(at + 1);
        }
        graph
    }
}

#[cfg(test)]
mod goldens;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_kept_in_both_directions_and_equal_pairs_are_added() {
        let graph = Graph::from_edges(4, [(2, 0, 1.0), (0, 2, 0.5), (3, 3, 9.0), (0, 1, 2.0)]);
        assert_eq!(graph.neighbors(0).collect::<Vec<_>>(), [(1, 2.0), (2, 1.5)]);
        assert_eq!(graph.neighbors(2).collect::<Vec<_>>(), [(0, 1.5)]);
        assert_eq!((graph.n_nodes(), graph.n_edges(), graph.strength(3)), (4, 2, 0.0));
    }

    #[test]
    fn a_subgraph_keeps_the_edges_between_its_nodes() {
        let graph = Graph::from_edges(5, [(0, 1, 1.0), (1, 4, 2.0), (4, 0, 3.0), (2, 3, 4.0)]);
        let part = graph.subgraph(&[4, 0, 2]);
        assert_eq!(part, Graph::from_edges(3, [(0, 1, 3.0)]));
    }

    #[test]
    fn links_within_groups_leave_out_the_others() {
        let links = Links { offsets: vec![0, 2, 3, 3], targets: vec![1, 2, 0] };
        assert_eq!(links.within(&[0, 1, 0]), Links { offsets: vec![0, 1, 1, 1], targets: vec![2] });
    }
}
