//! The labels of the nearest training cells.

use panfoma_core::neighbors::nearest;

/// Training cells asked.
pub const NEIGHBORS: usize = 15;

/// The training cells in a space.
pub struct Knn {
    base: Vec<f64>,
    dim: usize,
    labels: Vec<u32>,
    n_classes: usize,
}

impl Knn {
    /// base: [n × dim]   labels: [n] codes below `n_classes`.
    pub fn new(base: Vec<f64>, labels: &[u32], n_classes: usize) -> Self {
        Self { dim: base.len() / labels.len(), base, labels: labels.to_vec(), n_classes }
    }

    /// Shares of the neighbours' votes, [n × classes].
    pub fn probabilities(&self, queries: &[f64]) -> Vec<f32> {
        let found = nearest(queries, &self.base, self.dim, NEIGHBORS);
        let mut votes = vec![0.0; found.len() * self.n_classes];
        for (votes, neighbors) in votes.chunks_exact_mut(self.n_classes).zip(&found) {
            let share = 1.0 / neighbors.len() as f32;
            neighbors.iter().for_each(|neighbor| votes[self.labels[neighbor.0 as usize] as usize] += share);
        }
        votes
    }
}
