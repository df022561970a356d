//! One class against the rest, ranked by its probability: AUROC and average precision as scikit-learn defines them.

use super::Undefined;

/// Cells by descending score, with the places where the score changes.
pub struct Ranking {
    /// Cells, highest score first; equal scores by index.
    order: Vec<u32>,
    /// Is the cell at this place the last of its score?
    last: Vec<bool>,
    /// Is the cell at this place of the class?
    positive: Vec<bool>,
}

/// What a ranking is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Areas {
    /// Probability that a cell of the class outranks one of the others, ties counting half.
    pub auroc: f64,
    /// Precision averaged over the cells of the class, each at the threshold that finds it (no interpolation).
    pub auprc: f64,
}

impl Ranking {
    /// scores, positive: [n], every score finite.
    pub fn new(scores: &[f64], positive: impl Fn(usize) -> bool) -> Self {
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
        let score = |place: usize| scores[order[place] as usize];
        let last = (0..order.len()).map(|at| at + 1 == order.len() || score(at + 1) < score(at)).collect();
        let positive = order.iter().map(|&cell| positive(cell as usize)).collect();
        Self { order, last, positive }
    }

    /// The areas with every cell counted once.
    pub fn areas(&self) -> Result<Areas, Undefined> {
        self.weighted(|_| 1)
    }

    /// The areas with `weight(cell)` copies of each cell. Sums are whole numbers, so no order of cells changes them.
    pub fn weighted(&self, weight: impl Fn(usize) -> u32) -> Result<Areas, Undefined> {
        let (mut found, mut wrong) = (0u64, 0u64);
        let (mut found_here, mut wrong_here) = (0u64, 0u64);
        // Twice the number of (positive, negative) pairs in the wrong order, ties counting one.
        let mut misordered = 0u128;
        let mut precision = 0.0;
        for (place, &cell) in self.order.iter().enumerate() {
            let weight = u64::from(weight(cell as usize));
            match self.positive[place] {
                true => found_here += weight,
                false => wrong_here += weight,
            }
            if self.last[place] && found_here + wrong_here > 0 {
                misordered += u128::from(found_here) * u128::from(2 * wrong + wrong_here);
                found += found_here;
                wrong += wrong_here;
                precision += found_here as f64 * (found as f64 / (found + wrong) as f64);
                (found_here, wrong_here) = (0, 0);
            }
        }
        if found == 0 || wrong == 0 {
            return Err(Undefined("needs cells of the class and cells of others"));
        }
        let pairs = 2 * u128::from(found) * u128::from(wrong);
        Ok(Areas { auroc: (pairs - misordered) as f64 / pairs as f64, auprc: precision / found as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, codes, json, matrix};

    #[test]
    fn areas_are_those_of_scikit_learn() {
        let (goldens, more, inputs) = (json("cls.json"), json("cls_more.json"), json("cls_inputs.json"));
        let (truth, probabilities) = (codes(&inputs["y"]), matrix(&inputs["P"]));
        for (scores, expected) in [(1e9, &more["A"]), (10.0, &more["A_ties"])] {
            let of_class = |class: usize| {
                let scores: Vec<f64> =
                    probabilities.iter().map(|row| (row[class] * scores).round() / scores).collect();
                Ranking::new(&scores, |cell| truth[cell] == class as u32).areas().unwrap()
            };
            let areas: Vec<Areas> = (0..7).map(of_class).collect();
            for (class, areas) in areas.iter().enumerate() {
                close(areas.auroc, &expected["auroc_per_class"][class], 1e-12);
                close(areas.auprc, &expected["auprc_per_class"][class], 1e-12);
            }
        }
        let of_class = |class: usize| {
            let scores: Vec<f64> = probabilities.iter().map(|row| row[class]).collect();
            Ranking::new(&scores, |cell| truth[cell] == class as u32).areas().unwrap()
        };
        let areas: Vec<Areas> = (0..7).map(of_class).collect();
        close(areas.iter().map(|a| a.auroc).sum::<f64>() / 7.0, &goldens["A_prob"]["auroc_ovr_macro"], 1e-12);
        close(areas.iter().map(|a| a.auprc).sum::<f64>() / 7.0, &goldens["A_prob"]["auprc_macro"], 1e-12);
    }

    #[test]
    fn a_weight_of_two_is_the_cell_twice_and_zero_is_its_absence() {
        let (scores, weights) = ([0.9, 0.2, 0.2, 0.7, 0.4, 0.9], [2, 1, 0, 3, 1, 1]);
        let positive = [true, false, true, false, true, false];
        let repeated: Vec<usize> = (0..6).flat_map(|cell| vec![cell; weights[cell] as usize]).collect();
        let copies: Vec<f64> = repeated.iter().map(|&cell| scores[cell]).collect();
        let expected = Ranking::new(&copies, |at| positive[repeated[at]]).areas().unwrap();
        let found = Ranking::new(&scores, |cell| positive[cell]).weighted(|cell| weights[cell]).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn without_positives_or_negatives_there_is_a_reason() {
        assert!(Ranking::new(&[0.1, 0.2], |_| true).areas().is_err());
        assert!(Ranking::new(&[], |_| true).areas().is_err());
    }
}
