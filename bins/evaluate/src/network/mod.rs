//! Ranked edges, and how they stand against a reference network.

pub mod alone;
mod reference;
mod rows;

use crate::args::UniverseFlag;
use crate::metrics::network::{Reference, Scored, Universe};
use panfoma_core::artifact::edges::{Edge, Reader};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::stage::Context;
use reference::Known;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Edges kept for tables and drawings.
pub const TOP: usize = 60;
/// Points of a drawn curve.
const CURVE_POINTS: usize = 400;
/// Method of the metrics that describe the reference itself.
pub const REFERENCE: &str = "reference";
/// Method of the control that ranks by chance.
pub const RANDOM: &str = "random";
/// Method of the control that ranks by the reference's own hubs.
pub const REGULATOR_DEGREE: &str = "regulator_degree";

/// What the report says of a network.
pub struct Network {
    /// Metrics by group and method, the controls' among them.
    pub metrics: Vec<Metric>,
    /// One of each (group, method).
    pub rankings: Vec<Ranking>,
    /// What it was compared with.
    pub reference: Option<Compared>,
}

/// The edges of one group and method.
pub struct Ranking {
    /// `all`, a label, or two labels.
    pub group: String,
    /// What made it.
    pub method: String,
    /// Edges it has.
    pub n_edges: usize,
    /// The first of them, and whether the reference has each.
    pub top: Vec<(Edge, Option<bool>)>,
    /// Recall and precision down the ranking; empty without a reference.
    pub curve: Vec<(f64, f64)>,
}

/// The reference and its candidate pairs.
pub struct Compared {
    /// Genes of the reference.
    pub n_genes: usize,
    /// Those of them that any ranking names.
    pub n_named: usize,
    /// Its edges, k.
    pub n_true: u64,
    /// Candidate pairs.
    pub n_pairs: u64,
    /// Which pairs are candidates.
    pub pairs: &'static str,
}

impl Compared {
    /// Precision of a random ranking.
    pub fn random_precision(&self) -> f64 {
        self.n_true as f64 / self.n_pairs as f64
    }
}

/// Reads the edges and, with a reference, scores every (group, method) beside the controls.
pub fn evaluate(
    reader: &Reader,
    reference: Option<&Path>,
    candidates: UniverseFlag,
    context: &Context,
) -> anyhow::Result<Network> {
    let universe = Universe::from(candidates);
    let mut known = reference.map(reference::read).transpose()?;
    let mut edges: BTreeMap<(String, String), Vec<Edge>> = BTreeMap::new();
    for block in reader.blocks()? {
        context.interrupt.check()?;
        for edge in block? {
            edges.entry((edge.group.clone(), edge.method.clone())).or_default().push(edge);
        }
    }
    if candidates == UniverseFlag::Named {
        known.iter_mut().for_each(|known| keep_named(known, &edges));
    }
    let truth = known.as_ref().map(|edges| {
        Reference::new(edges.iter().map(|edge| (edge.regulator.as_str(), edge.target.as_str(), edge.sign)))
    });
    let compared = truth.as_ref().map(|truth| compared(truth, candidates, edges.values().flatten()));
    let mut metrics = Vec::new();
    metrics.extend(compared.iter().flat_map(rows::about));
    let mut rankings = Vec::new();
    for ((group, method), edges) in edges {
        context.interrupt.check()?;
        let mut ranking = Ranking {
            group,
            method,
            n_edges: edges.len(),
            top: top(&edges, truth.as_ref()),
            curve: Vec::new(),
        };
        if let (Some(truth), Some(compared)) = (&truth, &compared) {
            let list: Vec<Scored> =
                edges.iter().map(|edge| (&*edge.regulator, &*edge.target, f64::from(edge.score))).collect();
            let scores = truth.score(universe, &list);
            metrics.extend(rows::scored(&scores, compared, &ranking));
            ranking.curve = thinned(scores.steps.curve(scores.n_true));
        }
        rankings.push(ranking);
    }
    if let (Some(truth), Some(compared)) = (&truth, &compared) {
        metrics.extend(rows::controls(truth, universe, compared, context.seed));
    }
    Ok(Network { metrics, rankings, reference: compared })
}

/// Leaves out edges whose regulator no ranking has as one, or whose target no ranking names.
fn keep_named(known: &mut Vec<Known>, edges: &BTreeMap<(String, String), Vec<Edge>>) {
    let all = || edges.values().flatten();
    let regulators: BTreeSet<&str> = all().map(|edge| edge.regulator.as_str()).collect();
    let targets: BTreeSet<&str> = all().map(|edge| edge.target.as_str()).collect();
    known.retain(|edge| regulators.contains(&*edge.regulator) && targets.contains(&*edge.target));
}

/// The first edges of a ranking, and whether the reference has each.
fn top(edges: &[Edge], truth: Option<&Reference>) -> Vec<(Edge, Option<bool>)> {
    let mut edges: Vec<&Edge> = edges.iter().collect();
    edges.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.score.total_cmp(&a.score)));
    edges.truncate(TOP);
    let known = |edge: &Edge| truth.map(|truth| truth.has(&edge.regulator, &edge.target));
    edges.into_iter().map(|edge| (edge.clone(), known(edge))).collect()
}

/// Enough points to draw the curve, the last among them.
fn thinned(curve: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let curve: Vec<(f64, f64)> = curve.collect();
    let step = curve.len().div_ceil(CURVE_POINTS).max(1);
    let last = curve.last().copied().filter(|_| !(curve.len() - 1).is_multiple_of(step));
    curve.iter().copied().step_by(step).chain(last).collect()
}

fn compared<'e>(
    truth: &Reference,
    candidates: UniverseFlag,
    edges: impl Iterator<Item = &'e Edge>,
) -> Compared {
    let named: BTreeSet<&str> =
        edges.flat_map(|edge| [edge.regulator.as_str(), edge.target.as_str()]).collect();
    Compared {
        n_genes: truth.genes().len(),
        n_named: truth.genes().iter().filter(|gene| named.contains(**gene)).count(),
        n_true: truth.n_edges(),
        n_pairs: truth.n_pairs(candidates.into()),
        pairs: match candidates {
            UniverseFlag::All => "all ordered pairs of two reference genes",
            UniverseFlag::Tf => "all pairs from a regulator of the reference to another of its genes",
            UniverseFlag::Named => {
                "all pairs from a regulator of the reference to another of its genes, both named by a ranking"
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::artifact::edges::ALL_CELLS;

    #[test]
    fn a_reference_is_kept_where_rankings_name_the_regulator_as_one_and_the_target() {
        let edge = |regulator: &str, target: &str| Edge {
            regulator: regulator.to_owned(),
            target: target.to_owned(),
            score: 1.0,
            rank: 1,
            group: ALL_CELLS.to_owned(),
            method: "trees".to_owned(),
        };
        let edges =
            BTreeMap::from([(("all".to_owned(), "trees".to_owned()), vec![edge("A", "B"), edge("C", "D")])]);
        let known = |regulator: &str, target: &str| Known {
            regulator: regulator.to_owned(),
            target: target.to_owned(),
            sign: None,
        };
        // B is no regulator of any ranking, E is not named, A is no target.
        let mut all = ["AD", "BD", "AE", "CA"].map(|pair| known(&pair[..1], &pair[1..])).to_vec();
        keep_named(&mut all, &edges);
        assert_eq!(all, [known("A", "D")]);
    }
}
