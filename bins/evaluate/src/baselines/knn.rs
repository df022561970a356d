//! The labels of the nearest training cells in a space of principal components.

use crate::pca::Pca;
use panfoma_core::neighbors::nearest;

/// Training cells asked.
pub const NEIGHBORS: usize = 15;
/// Principal components of the space.
pub const COMPONENTS: usize = 50;

/// PCA and the training cells in it.
pub struct PcaKnn {
    pca: Pca,
    base: Vec<f64>,
    labels: Vec<u32>,
    n_classes: usize,
}

impl PcaKnn {
    /// x: [n × features]   y: [n] codes below `n_classes`.
    pub fn fit(x: &[f32], y: &[u32], n_classes: usize, seed: u64) -> Self {
        let pca = Pca::fit(x, x.len() / y.len(), COMPONENTS, seed);
        let base = pca.scores(x);
        Self { pca, base, labels: y.to_vec(), n_classes }
    }

    /// Shares of the neighbours' votes, [n × classes].
    pub fn probabilities(&self, x: &[f32]) -> Vec<f32> {
        let queries = self.pca.scores(x);
        let found = nearest(&queries, &self.base, self.pca.n_components, NEIGHBORS);
        let mut votes = vec![0.0; found.len() * self.n_classes];
        for (votes, neighbors) in votes.chunks_exact_mut(self.n_classes).zip(&found) {
            let share = 1.0 / neighbors.len() as f32;
            neighbors.iter().for_each(|neighbor| votes[self.labels[neighbor.0 as usize] as usize] += share);
        }
        votes
    }
}
