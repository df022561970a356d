//! Ranked edges against a reference network, as BEELINE 1.1 scores them (Pratapa et al., Nat Methods 2020).

use super::Undefined;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Which ordered pairs of genes are candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Universe {
    /// Every ordered pair of two genes of the reference.
    #[default]
    All,
    /// Pairs from a regulator of the reference to another of its genes.
    Regulators,
}

/// A reference network without self-loops and duplicates.
#[derive(Clone, Debug, Default)]
pub struct Reference<'a> {
    genes: BTreeSet<&'a str>,
    regulators: BTreeSet<&'a str>,
    edges: BTreeSet<(&'a str, &'a str)>,
}

/// An edge with its score; the sign of the score is ignored.
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
    /// Area under the ROC curve, ties as one step.
    pub auroc: Result<f64, Undefined>,
    /// Area under the precision-recall curve, trapezoids.
    pub auprc: Result<f64, Undefined>,
    /// AUPRC / (k / pairs).
    pub auprc_ratio: Result<f64, Undefined>,
    /// Precision of the top k, ties at the k-th score included.
    pub early_precision: Result<f64, Undefined>,
    /// Early precision / (k / pairs).
    pub early_precision_ratio: Result<f64, Undefined>,
}

impl<'a> Reference<'a> {
    /// From (regulator, target) pairs.
    pub fn new(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut reference = Self::default();
        for (regulator, target) in pairs {
            // A gene known by a self-loop only is still a gene of the network.
            reference.genes.extend([regulator, target]);
            if regulator != target {
                reference.regulators.insert(regulator);
                reference.edges.insert((regulator, target));
            }
        }
        reference
    }

    /// Its genes.
    pub fn genes(&self) -> &BTreeSet<&'a str> {
        &self.genes
    }

    fn contains(&self, universe: Universe, regulator: &str, target: &str) -> bool {
        let sources = if universe == Universe::All { &self.genes } else { &self.regulators };
        regulator != target && sources.contains(regulator) && self.genes.contains(target)
    }

    /// Scores a list of edges; a pair that is not listed scores 0, one listed twice its larger score.
    pub fn score(&self, universe: Universe, edges: &[Scored]) -> Scores {
        let sources = if universe == Universe::All { self.genes.len() } else { self.regulators.len() } as u64;
        let n_pairs = sources * (self.genes.len() as u64).saturating_sub(1);
        let n_true = self.edges.len() as u64;
        let mut scores: HashMap<(&str, &str), f64> = HashMap::new();
        for &(regulator, target, score) in edges {
            if self.contains(universe, regulator, target) {
                let known = scores.entry((regulator, target)).or_insert(0.0);
                *known = known.max(score.abs());
            }
        }
        let n_scored = scores.len() as u64;
        let mut ranked: Vec<(f64, bool)> =
            scores.into_iter().map(|(pair, score)| (score, self.edges.contains(&pair))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (auroc, auprc) = self.areas(&ranked, n_pairs, n_true);
        let random = n_true as f64 / n_pairs as f64;
        let early_precision = self.early_precision(universe, edges);
        Scores {
            n_pairs,
            n_true,
            n_scored,
            auroc,
            auprc_ratio: auprc.clone().map(|area| area / random),
            auprc,
            early_precision_ratio: early_precision.clone().map(|precision| precision / random),
            early_precision,
        }
    }

    /// Areas under both curves. ranked: (score, is it true?) descending; the pairs that are missing tie at 0.
    fn areas(
        &self,
        ranked: &[(f64, bool)],
        n_pairs: u64,
        n_true: u64,
    ) -> (Result<f64, Undefined>, Result<f64, Undefined>) {
        if n_true == 0 {
            let none = Undefined("the reference has no edge");
            return (Err(none.clone()), Err(none));
        }
        let found = ranked.iter().filter(|pair| pair.1).count() as u64;
        // Score -> (true pairs, false pairs), from the largest down.
        let mut steps: Vec<(u64, u64)> = ranked
            .chunk_by(|a, b| a.0 == b.0)
            .map(|ties| {
                let hits = ties.iter().filter(|pair| pair.1).count();
                (hits as u64, (ties.len() - hits) as u64)
            })
            .collect();
        let missing = (n_true - found, n_pairs - ranked.len() as u64 - (n_true - found));
        match (ranked.last(), steps.last_mut()) {
            (Some(&(0.0, _)), Some(last)) => *last = (last.0 + missing.0, last.1 + missing.1),
            _ if missing != (0, 0) => steps.push(missing),
            _ => {}
        }
        let n_false = n_pairs - n_true;
        let (mut hits, mut misses) = (0u64, 0u64);
        let (mut roc, mut pr) = (0.0, 0.0);
        let mut last_precision = 1.0;
        for (new_hits, new_misses) in steps {
            // Trapezoids, exact in integers up to the final division.
            roc += new_misses as f64 * (hits as f64 + new_hits as f64 / 2.0);
            hits += new_hits;
            misses += new_misses;
            let precision = hits as f64 / (hits + misses) as f64;
            pr += new_hits as f64 / n_true as f64 * (precision + last_precision) / 2.0;
            last_precision = precision;
        }
        let auroc = match n_false {
            0 => Err(Undefined("every candidate pair is an edge of the reference")),
            _ => Ok(roc / (n_true as f64 * n_false as f64)),
        };
        (auroc, Ok(pr))
    }

    /// BEELINE's early precision. Over all pairs, edges outside the reference's genes keep their places in the ranking;
    /// over the regulators' pairs, they are dropped first.
    fn early_precision(&self, universe: Universe, edges: &[Scored]) -> Result<f64, Undefined> {
        if self.edges.is_empty() {
            return Err(Undefined("the reference has no edge"));
        }
        let mut candidates: BTreeMap<(&str, &str, u64), f64> = BTreeMap::new();
        for &(regulator, target, score) in edges {
            let counts = match universe {
                Universe::All => regulator != target,
                Universe::Regulators => self.contains(universe, regulator, target),
            };
            if counts {
                candidates.insert((regulator, target, score.to_bits()), score.abs());
            }
        }
        let mut ranked: Vec<f64> = candidates.values().copied().collect();
        ranked.sort_by(|a, b| b.total_cmp(a));
        let Some(at_k) = ranked.get(self.edges.len().min(ranked.len()).wrapping_sub(1)) else {
            return Ok(0.0);
        };
        let Some(least) = ranked.iter().rev().find(|&&score| score > 0.0) else { return Ok(0.0) };
        let threshold = at_k.max(*least);
        let chosen: BTreeSet<(&str, &str)> = candidates
            .into_iter()
            .filter(|&(_, score)| score >= threshold)
            .map(|((regulator, target, _), _)| (regulator, target))
            .collect();
        Ok(chosen.intersection(&self.edges).count() as f64 / chosen.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, path};

    fn rows(name: &str, separator: char) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(path("beeline").join(name)).unwrap();
        text.lines().skip(1).map(|line| line.split(separator).map(str::to_owned).collect()).collect()
    }

    #[test]
    fn scores_are_those_of_beeline_with_ties_gaps_duplicates_and_self_loops() {
        let goldens = json("beeline.json");
        for case in ["gsd_pearson", "gsd_ties", "gsd_partial", "gsd_selfloops_dups"] {
            let expected = &goldens[case];
            let truth = rows(&format!("{case}_gt.csv"), ',');
            let edges = rows(&format!("{case}_rankedEdges.csv"), '\t');
            let edges: Vec<Scored> = edges.iter().map(|e| (&*e[0], &*e[1], e[2].parse().unwrap())).collect();
            let reference = Reference::new(truth.iter().map(|pair| (&*pair[0], &*pair[1])));
            let all = reference.score(Universe::All, &edges);
            close(all.auroc.unwrap(), &expected["AUROC"], 1e-9);
            close(all.auprc.unwrap(), &expected["AUPRC"], 1e-9);
            close(all.auprc_ratio.unwrap(), &expected["AUPRC_ratio"], 1e-9);
            close(all.early_precision_ratio.unwrap(), &expected["EPR_tfFalse"], 1e-9);
            assert_eq!(
                (expected["n_true_tfFalse"].as_u64(), expected["n_possible_tfFalse"].as_u64()),
                (Some(all.n_true), Some(all.n_pairs))
            );
            let tf = reference.score(Universe::Regulators, &edges);
            close(tf.early_precision_ratio.unwrap(), &expected["EPR_tfTrue"], 1e-9);
            assert_eq!(expected["n_possible_tfTrue"], tf.n_pairs);
        }
    }

    #[test]
    fn no_edges_score_zero_and_no_reference_has_a_reason() {
        let reference = Reference::new([("A", "B"), ("B", "C")]);
        assert_eq!(reference.score(Universe::All, &[]).early_precision_ratio, Ok(0.0));
        assert_eq!(reference.score(Universe::All, &[]).auroc, Ok(0.5));
        assert!(Reference::new([("A", "A")]).score(Universe::All, &[]).auprc.is_err());
    }
}
