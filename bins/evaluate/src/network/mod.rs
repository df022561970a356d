//! Ranked edges, and how they stand against a reference network.

pub mod alone;
mod reference;

use crate::args::UniverseFlag;
use crate::metrics::Undefined;
use crate::metrics::network::{RANDOM_RANKINGS, Reference, Scored, Scores, Universe};
use panfoma_core::artifact::edges::{ALL_CELLS, Edge, Reader};
use panfoma_core::artifact::metrics::{Interval, Metric};
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
    metrics.extend(compared.iter().flat_map(about));
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
            metrics.extend(scored(&scores, compared, &ranking));
            ranking.curve = thinned(scores.steps.curve(scores.n_true));
        }
        rankings.push(ranking);
    }
    if let (Some(truth), Some(compared)) = (&truth, &compared) {
        metrics.extend(controls(truth, universe, compared, context.seed));
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

/// What every score depends on: EPR differs tenfold between universes of the same network.
fn about(compared: &Compared) -> Vec<Metric> {
    [
        (
            "n_true_edges",
            compared.n_true as f64,
            "Edges of the reference, k, without self-loops and duplicates",
        ),
        ("n_candidate_pairs", compared.n_pairs as f64, "Candidate pairs"),
        (
            "random_precision",
            compared.random_precision(),
            "k / candidate pairs: the precision of a random ranking",
        ),
    ]
    .map(|(name, value, what)| Metric {
        value: Some(value).filter(|value| value.is_finite()),
        reason: (!value.is_finite()).then(|| "there is no candidate pair".to_owned()),
        definition: format!("{what}; candidates: {}", compared.pairs),
        ..blank(name, REFERENCE, compared)
    })
    .to_vec()
}

fn blank(name: &str, method: &str, compared: &Compared) -> Metric {
    Metric {
        metric: name.to_owned(),
        value: None,
        reason: None,
        interval: None,
        n: compared.n_pairs,
        split: "all".to_owned(),
        group: ALL_CELLS.to_owned(),
        method: method.to_owned(),
        definition: String::new(),
    }
}

/// Name and definition of each metric; `about` names the candidates.
fn definition(name: &str, compared: &Compared) -> String {
    let what = match name {
        "auroc" => "Area under the ROC curve (BEELINE 1.1) over",
        "auprc" => "Area under the precision-recall curve (trapezoids, BEELINE 1.1) over",
        "auprc_ratio" => "AUPRC divided by k / candidate pairs, over",
        "auprc_davis_goadrich" => "Area under the precision-recall curve (interpolated, BEELINE 1.0) over",
        "average_precision" => "Average precision (scikit-learn) over",
        "early_precision" => "Precision of the top k, ties at rank k included, over",
        "early_precision_ratio" => "EPR: early precision divided by k / candidate pairs, over",
        "epr_activation" => "EPR of the activating edges, the other true edges left out, over",
        "epr_inhibition" => "EPR of the inhibiting edges, the other true edges left out, over",
        _ => "Of the true edges of known sign with a score, the share whose score has that sign, over",
    };
    format!(
        "{what} {}; k = {} true edges of {} candidates",
        compared.pairs, compared.n_true, compared.n_pairs
    )
}

fn scored(scores: &Scores, compared: &Compared, ranking: &Ranking) -> Vec<Metric> {
    let rows = [
        ("auroc", &scores.auroc),
        ("auprc", &scores.auprc),
        ("auprc_ratio", &scores.auprc_ratio),
        ("auprc_davis_goadrich", &scores.auprc_davis_goadrich),
        ("average_precision", &scores.average_precision),
        ("early_precision", &scores.early_precision),
        ("early_precision_ratio", &scores.early_precision_ratio),
        ("epr_activation", &scores.epr_activation),
        ("epr_inhibition", &scores.epr_inhibition),
        ("sign_accuracy", &scores.sign_accuracy),
    ];
    let metric = |(name, value): (&str, &Result<f64, Undefined>)| Metric {
        value: value.as_ref().ok().copied(),
        reason: value.as_ref().err().map(|Undefined(reason)| (*reason).to_owned()),
        group: ranking.group.clone(),
        definition: definition(name, compared),
        ..blank(name, &ranking.method, compared)
    };
    rows.map(metric).to_vec()
}

/// The same figures for rankings that know nothing, and for one that knows the reference's hubs.
fn controls(truth: &Reference, universe: Universe, compared: &Compared, seed: u64) -> Vec<Metric> {
    let Ok(random) = truth.random(universe, seed) else { return Vec::new() };
    let chance = compared.random_precision();
    let drawn = [
        ("auroc", random.auroc, 1.0),
        ("auprc", random.auprc, 1.0),
        ("auprc_ratio", random.auprc, chance),
        ("average_precision", random.average_precision, 1.0),
        ("early_precision", random.early_precision, 1.0),
        ("early_precision_ratio", random.early_precision, chance),
    ]
    .map(|(name, found, by)| Metric {
        value: Some(found.mean / by),
        interval: Some(Interval { low: found.low / by, high: found.high / by, over: "rankings".into() }),
        definition: format!("{}; mean of {RANDOM_RANKINGS} random rankings", definition(name, compared)),
        ..blank(name, RANDOM, compared)
    });
    let steps = truth.by_regulator_degree(universe);
    let early = steps.early_precision(compared.n_true);
    let area = steps.auprc().unwrap_or(f64::NAN);
    let hubs = [
        ("auroc", steps.auroc().unwrap_or(f64::NAN)),
        ("auprc", area),
        ("auprc_ratio", area / chance),
        ("average_precision", steps.average_precision().unwrap_or(f64::NAN)),
        ("early_precision", early),
        ("early_precision_ratio", early / chance),
    ]
    .map(|(name, value)| Metric {
        value: Some(value),
        definition: format!(
            "{}; pairs ranked by their regulator's number of targets in the reference: it reads the answer",
            definition(name, compared)
        ),
        ..blank(name, REGULATOR_DEGREE, compared)
    });
    drawn.into_iter().chain(hubs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
