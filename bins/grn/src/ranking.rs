//! From scores to ranked edges.

use panfoma_core::artifact::edges::Edge;
use panfoma_core::artifact::vocabulary::Vocabulary;
use std::cmp::Ordering;

/// Row of the regulator in its list, gene id of the target, score.
pub type Score = (u32, u32, f32);

/// The scores of largest magnitude among those pushed, whatever their order.
pub struct Scores {
    top: usize,
    kept: Vec<Score>,
}

/// Larger magnitudes first; ties in the order of regulator and target ids.
fn order(a: &Score, b: &Score) -> Ordering {
    b.2.abs().total_cmp(&a.2.abs()).then((a.0, a.1).cmp(&(b.0, b.1)))
}

impl Scores {
    /// Keeps the `top` of them.
    pub fn new(top: usize) -> Self {
        Self { top, kept: Vec::new() }
    }

    /// Adds one.
    pub fn push(&mut self, regulator: u32, target: u32, score: f32) {
        self.kept.push((regulator, target, score));
        // Rarely, so that a push costs little; memory stays within twice the kept.
        if self.kept.len() >= 2 * self.top + 1024 {
            self.cut();
        }
    }

    /// Adds some.
    pub fn extend(&mut self, scores: impl IntoIterator<Item = Score>) {
        scores.into_iter().for_each(|(regulator, target, score)| self.push(regulator, target, score));
    }

    fn cut(&mut self) {
        if self.top < self.kept.len() {
            self.kept.select_nth_unstable_by(self.top, order);
            self.kept.truncate(self.top);
        }
    }

    /// The best first.
    pub fn sorted(mut self) -> Vec<Score> {
        self.cut();
        self.kept.sort_unstable_by(order);
        self.kept
    }

    /// As edges, ranked from 1. regulators: gene ids
    pub fn edges(self, regulators: &[u32], vocabulary: &Vocabulary, group: &str, method: &str) -> Vec<Edge> {
        let symbol = |id: u32| vocabulary.gene(id).map_or_else(String::new, |gene| gene.symbol.clone());
        let edges = self.sorted().into_iter().zip(1..).map(|((row, target, score), rank)| Edge {
            regulator: symbol(regulators[row as usize]),
            target: symbol(target),
            score,
            rank,
            group: group.to_owned(),
            method: method.to_owned(),
        });
        edges.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::artifact::vocabulary::Gene;

    #[test]
    fn the_highest_come_first_and_ties_keep_the_order_of_ids() {
        let gene = |name: &str| Gene { ensembl_id: name.into(), symbol: name.into(), n_cells: 1, mean: 1.0 };
        let vocabulary = Vocabulary::new(["A", "B", "C"].map(gene).to_vec()).unwrap();
        let mut scores = Scores::new(3);
        scores.extend([(1, 3, 0.5), (0, 3, -0.5), (0, 2, 0.9), (1, 1, 0.1)]);
        let edges = scores.edges(&[1, 2], &vocabulary, "all", "attention");
        let named: Vec<_> = edges.iter().map(|e| (e.rank, e.regulator.as_str(), e.target.as_str())).collect();
        assert_eq!(named, [(1, "A", "B"), (2, "A", "C"), (3, "B", "C")]);
        assert_eq!(edges[1].score, -0.5);
    }

    #[test]
    fn what_is_kept_does_not_depend_on_the_order_of_pushing() {
        let scores: Vec<Score> = (0..5_000).map(|i| (i % 7, i, ((i * 37) % 101) as f32)).collect();
        let kept = |scores: Vec<Score>| {
            let mut all = Scores::new(50);
            all.extend(scores);
            all.sorted()
        };
        assert_eq!(kept(scores.clone()), kept(scores.into_iter().rev().collect()));
    }
}
