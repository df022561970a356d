//! Ranked edges against a reference network, as BEELINE 1.1 scores them (Pratapa et al., Nat Methods 2020).

mod controls;
mod early;
mod steps;

pub use controls::{RANDOM_RANKINGS, Random};
pub use steps::Steps;

use super::Undefined;
use early::Candidates;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Which ordered pairs of genes are candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Universe {
    /// Every ordered pair of two genes of the reference.
    #[default]
    All,
    /// Pairs from a regulator of the reference to another of its genes.
    Regulators,
}

/// What a regulator does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// More of one, more of the other.
    Activation,
    /// More of one, less of the other.
    Inhibition,
}

/// A reference network without self-loops and duplicates.
#[derive(Clone, Debug, Default)]
pub struct Reference<'a> {
    genes: BTreeSet<&'a str>,
    regulators: BTreeSet<&'a str>,
    /// `None`: not known, or said to be both.
    edges: BTreeMap<(&'a str, &'a str), Option<Sign>>,
}

/// An edge with its score: its magnitude ranks, its sign is what the regulator does.
pub type Scored<'a> = (&'a str, &'a str, f64);

/// How well the ranking finds the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Candidate pairs.
    pub n_pairs: u64,
    /// Those of the reference: k.
    pub n_true: u64,
    /// Candidate pairs that the ranking scores at all.
    pub n_scored: u64,
    /// The ranking.
    pub steps: Steps,
    /// Area under the ROC curve, ties as one step.
    pub auroc: Result<f64, Undefined>,
    /// Area under the precision-recall curve, trapezoids.
    pub auprc: Result<f64, Undefined>,
    /// AUPRC / (k / pairs).
    pub auprc_ratio: Result<f64, Undefined>,
    /// Area under the precision-recall curve as BEELINE 1.0 interpolates it.
    pub auprc_davis_goadrich: Result<f64, Undefined>,
    /// scikit-learn's average precision.
    pub average_precision: Result<f64, Undefined>,
    /// Precision of the top k, ties at the k-th score included.
    pub early_precision: Result<f64, Undefined>,
    /// Early precision / (k / pairs).
    pub early_precision_ratio: Result<f64, Undefined>,
    /// The same for the activating edges alone.
    pub epr_activation: Result<f64, Undefined>,
    /// The same for the inhibiting edges alone.
    pub epr_inhibition: Result<f64, Undefined>,
    /// Of the true edges of known sign that have a score, the share whose score has that sign.
    pub sign_accuracy: Result<f64, Undefined>,
}

impl<'a> Reference<'a> {
    /// From (regulator, target, sign).
    pub fn new(edges: impl IntoIterator<Item = (&'a str, &'a str, Option<Sign>)>) -> Self {
        let mut reference = Self::default();
        for (regulator, target, sign) in edges {
            // A gene known by a self-loop only is still a gene of the network.
            reference.genes.extend([regulator, target]);
            if regulator != target {
                reference.regulators.insert(regulator);
                let known = reference.edges.entry((regulator, target)).or_insert(sign);
                if *known != sign {
                    *known = None;
                }
            }
        }
        reference
    }

    /// Its genes.
    pub fn genes(&self) -> &BTreeSet<&'a str> {
        &self.genes
    }

    /// Edges: k.
    pub fn n_edges(&self) -> u64 {
        self.edges.len() as u64
    }

    /// Is this pair one of its edges?
    pub fn has(&self, regulator: &str, target: &str) -> bool {
        self.edges.contains_key(&(regulator, target))
    }

    /// Candidate pairs.
    pub fn n_pairs(&self, universe: Universe) -> u64 {
        let sources = if universe == Universe::All { self.genes.len() } else { self.regulators.len() };
        sources as u64 * (self.genes.len() as u64).saturating_sub(1)
    }

    fn is_candidate(&self, universe: Universe, regulator: &str, target: &str) -> bool {
        let sources = if universe == Universe::All { &self.genes } else { &self.regulators };
        regulator != target && sources.contains(regulator) && self.genes.contains(target)
    }

    /// Scores a list of edges; a pair that is not listed scores 0, one listed twice its larger magnitude.
    pub fn score(&self, universe: Universe, edges: &[Scored]) -> Scores {
        let (n_pairs, n_true) = (self.n_pairs(universe), self.n_edges());
        let mut scores: HashMap<(&str, &str), f64> = HashMap::new();
        for &(regulator, target, score) in edges {
            if self.is_candidate(universe, regulator, target) {
                let known = scores.entry((regulator, target)).or_insert(0.0);
                *known = known.max(score.abs());
            }
        }
        let n_scored = scores.len() as u64;
        let ranked = scores.into_iter().map(|((a, b), score)| (score, self.has(a, b))).collect();
        let steps = steps(ranked, n_pairs, n_true);
        let random = n_true as f64 / n_pairs as f64;
        let auprc = steps.auprc();
        let early_precision = self.early_precision(universe, edges);
        let ratio = |value: &Result<f64, Undefined>| value.clone().map(|value| value / random);
        Scores {
            n_pairs,
            n_true,
            n_scored,
            auroc: steps.auroc(),
            auprc_ratio: ratio(&auprc),
            auprc,
            auprc_davis_goadrich: steps.auprc_davis_goadrich(),
            average_precision: steps.average_precision(),
            early_precision_ratio: ratio(&early_precision),
            early_precision,
            epr_activation: self.signed_epr(universe, edges, Sign::Activation),
            epr_inhibition: self.signed_epr(universe, edges, Sign::Inhibition),
            sign_accuracy: self.sign_accuracy(edges),
            steps,
        }
    }

    /// Candidates for early precision. Over all pairs, edges outside the reference's genes keep their places in the
    /// ranking; over the regulators' pairs, they are dropped first.
    fn may_be_early(&self, universe: Universe, regulator: &str, target: &str) -> bool {
        match universe {
            Universe::All => regulator != target,
            Universe::Regulators => self.is_candidate(universe, regulator, target),
        }
    }

    /// BEELINE's early precision.
    fn early_precision(&self, universe: Universe, edges: &[Scored]) -> Result<f64, Undefined> {
        if self.edges.is_empty() {
            return Err(Undefined("the reference has no edge"));
        }
        let list = edges.iter().filter(|edge| self.may_be_early(universe, edge.0, edge.1));
        let candidates: Candidates =
            list.map(|&(a, b, score)| ((a, b, score.to_bits()), score.abs())).collect();
        let chosen: BTreeSet<_> = early::selected(&candidates, self.edges.len()).into_iter().collect();
        let hits = chosen.iter().filter(|(a, b)| self.has(a, b)).count();
        Ok(if chosen.is_empty() { 0.0 } else { hits as f64 / chosen.len() as f64 })
    }

    /// BEELINE's early precision ratio of the edges of one sign: true edges of another sign or of none known leave
    /// the ranking, the sign of the prediction is not looked at, and an edge that is listed twice counts twice.
    fn signed_epr(&self, universe: Universe, edges: &[Scored], sign: Sign) -> Result<f64, Undefined> {
        let n_true = self.edges.values().filter(|&&known| known == Some(sign)).count();
        if n_true == 0 {
            return Err(match sign {
                Sign::Activation => Undefined("the reference names no activating edge"),
                Sign::Inhibition => Undefined("the reference names no inhibiting edge"),
            });
        }
        let other = |a, b| self.edges.get(&(a, b)).is_some_and(|&known| known != Some(sign));
        let list: Vec<&Scored> =
            edges.iter().filter(|&&(a, b, _)| self.may_be_early(universe, a, b) && !other(a, b)).collect();
        let magnitudes = list.iter().map(|edge| edge.2.abs()).collect();
        let Some(threshold) = early::threshold(magnitudes, n_true) else { return Ok(0.0) };
        let chosen = || list.iter().filter(|edge| edge.2.abs() >= threshold);
        let precision =
            chosen().filter(|edge| self.has(edge.0, edge.1)).count() as f64 / chosen().count() as f64;
        Ok(precision / (n_true as f64 / self.n_pairs(universe) as f64))
    }

    /// Does the score's sign say what the regulator does?
    fn sign_accuracy(&self, edges: &[Scored]) -> Result<f64, Undefined> {
        if !edges.iter().any(|edge| edge.2 < 0.0) {
            return Err(Undefined("no score is negative: the ranking has no signs"));
        }
        let mut seen = HashSet::new();
        let (mut right, mut n) = (0u64, 0u64);
        for &(regulator, target, score) in edges {
            let Some(&Some(sign)) = self.edges.get(&(regulator, target)) else { continue };
            if score != 0.0 && seen.insert((regulator, target)) {
                n += 1;
                right += u64::from((score > 0.0) == (sign == Sign::Activation));
            }
        }
        match n {
            0 => Err(Undefined("no true edge of known sign has a score")),
            n => Ok(right as f64 / n as f64),
        }
    }
}

/// Steps of ties from (magnitude, is it true?) of the scored pairs; the pairs that are missing tie at 0.
fn steps(mut ranked: Vec<(f64, bool)>, n_pairs: u64, n_true: u64) -> Steps {
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut steps = Steps::default();
    let mut found = 0;
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let hits = ties.iter().filter(|pair| pair.1).count() as u64;
        found += hits;
        steps.push(hits, ties.len() as u64 - hits);
    }
    let missing = (n_true - found, n_pairs - ranked.len() as u64 - (n_true - found));
    match ranked.last() {
        Some(&(0.0, _)) => steps.widen(missing.0, missing.1),
        _ => steps.push(missing.0, missing.1),
    }
    steps
}

#[cfg(test)]
mod tests;
