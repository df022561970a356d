//! What a network must beat: a ranking by chance, and one that knows no pair but how many targets a regulator has.

use super::{Reference, Steps, Universe};
use crate::metrics::Undefined;
use panfoma_core::rng::Philox;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Rankings drawn for the random control.
pub const RANDOM_RANKINGS: u64 = 200;
/// Purpose of their streams.
const DRAW: u32 = u32::from_be_bytes(*b"grnr");

/// One metric over the random rankings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Random {
    /// Mean.
    pub mean: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Random {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let at = |share: f64| values[((n - 1) as f64 * share).round() as usize];
        Self { mean: values.iter().sum::<f64>() / n as f64, low: at(0.025), high: at(0.975) }
    }
}

/// AUROC, AUPRC and early precision of rankings that know nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomScores {
    /// Area under the ROC curve.
    pub auroc: Random,
    /// Area under the precision-recall curve.
    pub auprc: Random,
    /// scikit-learn's average precision.
    pub average_precision: Random,
    /// Precision of the top k.
    pub early_precision: Random,
}

impl Reference<'_> {
    /// Every candidate pair in random order, without ties, `RANDOM_RANKINGS` times.
    pub fn random(&self, universe: Universe, seed: u64) -> Result<RandomScores, Undefined> {
        let (n_pairs, n_true) = (self.n_pairs(universe), self.n_edges());
        // Fails as the areas of any ranking would.
        let mut all = Steps::default();
        all.push(n_true, n_pairs - n_true);
        all.auroc()?;
        let draws: Vec<[f64; 4]> = (0..RANDOM_RANKINGS)
            .into_par_iter()
            .map(|draw| {
                let places = places(n_true, n_pairs, seed, draw);
                let early = places.range(..n_true).count() as f64 / n_true as f64;
                let steps = steps(&places, n_pairs);
                let area = |area: Result<f64, Undefined>| area.expect("checked above");
                [area(steps.auroc()), area(steps.auprc()), area(steps.average_precision()), early]
            })
            .collect();
        let column = |at: usize| Random::of(draws.iter().map(|draw| draw[at]).collect());
        Ok(RandomScores {
            auroc: column(0),
            auprc: column(1),
            average_precision: column(2),
            early_precision: column(3),
        })
    }

    /// Pairs ranked by how many targets their regulator has in the reference itself: what can be had by knowing hubs
    /// and not a single edge. It reads the answer, so no method could know it; a method below it has found less than
    /// the hubs.
    pub fn by_regulator_degree(&self, universe: Universe) -> Steps {
        let mut degrees: BTreeMap<&str, u64> = BTreeMap::new();
        for (regulator, _) in self.edges.keys() {
            *degrees.entry(regulator).or_default() += 1;
        }
        let mut regulators: BTreeMap<u64, u64> = BTreeMap::new();
        for &degree in degrees.values() {
            *regulators.entry(degree).or_default() += 1;
        }
        let targets = self.genes.len() as u64 - 1;
        let mut steps = Steps::default();
        for (&degree, &n) in regulators.iter().rev() {
            steps.push(degree * n, (targets - degree) * n);
        }
        let (hits, misses) = steps.totals();
        // Genes that regulate nothing.
        steps.push(0, self.n_pairs(universe) - hits - misses);
        steps
    }
}

impl Steps {
    /// Precision of the first `k` pairs, ties at the k-th included; the last step, which scores 0, never is.
    pub fn early_precision(&self, k: u64) -> f64 {
        let (mut hits, mut all) = (0, 0);
        for &(new_hits, new_misses) in self.iter().take_while(|step| step.0 > 0) {
            if all >= k {
                break;
            }
            hits += new_hits;
            all += new_hits + new_misses;
        }
        if all == 0 { 0.0 } else { hits as f64 / all as f64 }
    }
}

/// Places of the true pairs among all, from 0: a uniform choice without replacement (Floyd's algorithm).
fn places(n_true: u64, n_pairs: u64, seed: u64, draw: u64) -> BTreeSet<u64> {
    let mut stream = Philox::new(seed).stream(draw, DRAW);
    let mut chosen = BTreeSet::new();
    for last in n_pairs - n_true..n_pairs {
        let place = (stream.uniform() * (last + 1) as f64) as u64;
        if !chosen.insert(place) {
            chosen.insert(last);
        }
    }
    chosen
}

/// The ranking in which the true pairs stand at these places.
fn steps(places: &BTreeSet<u64>, n_pairs: u64) -> Steps {
    let mut steps = Steps::default();
    let mut next = 0;
    for &place in places {
        // Misses between two hits change no area: they are one step.
        steps.push(0, place - next);
        steps.push(1, 0);
        next = place + 1;
    }
    steps.push(0, n_pairs - next);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A -> B, A -> C, A -> D; B -> C.
    fn reference() -> Reference<'static> {
        Reference::new([("A", "B"), ("A", "C"), ("A", "D"), ("B", "C")].map(|(a, b)| (a, b, None)))
    }

    /// By hand: A's three pairs are all true; of B's three one is; C and D regulate nothing.
    #[test]
    fn ranking_by_degree_finds_the_hub_first() {
        let steps = reference().by_regulator_degree(Universe::All);
        assert_eq!(steps.curve(4).collect::<Vec<_>>(), [(0.75, 1.0), (1.0, 4.0 / 6.0), (1.0, 4.0 / 12.0)]);
        // k = 4 reaches into B's ties: 4 true of 6.
        assert_eq!(steps.early_precision(4), 4.0 / 6.0);
        // The same ranking, spelt out.
        let list: Vec<(&str, &str, f64)> = [("A", 3.0), ("B", 1.0)]
            .iter()
            .flat_map(|&(a, score)| ["A", "B", "C", "D"].map(|b| (a, b, score)))
            .filter(|edge| edge.0 != edge.1)
            .collect();
        let scores = reference().score(Universe::All, &list);
        assert_eq!((scores.auroc, scores.auprc), (steps.auroc(), steps.auprc()));
        assert_eq!(scores.early_precision, Ok(steps.early_precision(4)));
    }

    #[test]
    fn random_rankings_centre_on_chance_and_repeat() {
        let genes: Vec<String> = (0..40).map(|gene| format!("g{gene}")).collect();
        let edges = (0..40).flat_map(|a| (1..4).map(move |step| (a, (a + step * 7) % 40)));
        let reference = Reference::new(edges.map(|(a, b)| (&*genes[a], &*genes[b], None)));
        let random = reference.random(Universe::All, 3).unwrap();
        assert_eq!(random, reference.random(Universe::All, 3).unwrap());
        assert_ne!(random, reference.random(Universe::All, 4).unwrap());
        // 120 true of 1,560. The standard deviation of one AUROC is 0.027, of a mean of 200 0.002; of an early
        // precision 0.023 and 0.0017; five of them.
        assert!((random.auroc.mean - 0.5).abs() < 0.01, "{random:?}");
        assert!((random.early_precision.mean - 120.0 / 1560.0).abs() < 0.009, "{random:?}");
        // Its interval has some four standard deviations.
        assert!((0.07..0.15).contains(&(random.auroc.high - random.auroc.low)), "{random:?}");
        assert!(Reference::new([("A", "A", None)]).random(Universe::All, 0).is_err());
    }
}
