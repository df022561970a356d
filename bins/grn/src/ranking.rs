//! From scores to ranked edges.

use panfoma_core::artifact::edges::Edge;
use panfoma_core::artifact::vocabulary::Vocabulary;

/// The `top` highest scores as edges, ranked from 1; ties stand in the order of regulator and target ids.
///
/// scores: row of the regulator, gene id of the target, score   regulators: gene ids
pub fn rank(
    scores: impl IntoIterator<Item = (u32, u32, f32)>,
    top: usize,
    regulators: &[u32],
    vocabulary: &Vocabulary,
    group: &str,
    method: &str,
) -> Vec<Edge> {
    let mut scores: Vec<(u32, u32, f32)> = scores.into_iter().collect();
    let order =
        |a: &(u32, u32, f32), b: &(u32, u32, f32)| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1)));
    if top < scores.len() {
        scores.select_nth_unstable_by(top, order);
        scores.truncate(top);
    }
    scores.sort_unstable_by(order);
    let symbol = |id: u32| vocabulary.gene(id).map_or_else(String::new, |gene| gene.symbol.clone());
    let edges = scores.into_iter().zip(1..).map(|((row, target, score), rank)| Edge {
        regulator: symbol(regulators[row as usize]),
        target: symbol(target),
        score,
        rank,
        group: group.to_owned(),
        method: method.to_owned(),
    });
    edges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::artifact::vocabulary::Gene;

    #[test]
    fn the_highest_come_first_and_ties_keep_the_order_of_ids() {
        let gene = |name: &str| Gene { ensembl_id: name.into(), symbol: name.into(), n_cells: 1, mean: 1.0 };
        let vocabulary = Vocabulary::new(["A", "B", "C"].map(gene).to_vec()).unwrap();
        let scores = [(1, 3, 0.5), (0, 3, 0.5), (0, 2, 0.9), (1, 1, 0.1)];
        let edges = rank(scores, 3, &[1, 2], &vocabulary, "all", "attention");
        let named: Vec<_> = edges.iter().map(|e| (e.rank, e.regulator.as_str(), e.target.as_str())).collect();
        assert_eq!(named, [(1, "A", "B"), (2, "A", "C"), (3, "B", "C")]);
    }
}
