//! Figures of a network as rows of the artifact, each with its definition.

use super::{Compared, RANDOM, REFERENCE, REGULATOR_DEGREE, Ranking};
use crate::metrics::Undefined;
use crate::metrics::network::{RANDOM_RANKINGS, Reference, Scores, Universe};
use panfoma_core::artifact::edges::ALL_CELLS;
use panfoma_core::artifact::metrics::{Interval, Metric};

/// What every score depends on: EPR differs tenfold between universes of the same network.
pub fn about(compared: &Compared) -> Vec<Metric> {
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

/// One row a figure of a ranking.
pub fn scored(scores: &Scores, compared: &Compared, ranking: &Ranking) -> Vec<Metric> {
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
pub fn controls(truth: &Reference, universe: Universe, compared: &Compared, seed: u64) -> Vec<Metric> {
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
