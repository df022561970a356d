//! Ranked edges beside a reference and beside what knows nothing.

use super::{network_drawing, value};
use crate::network::{Compared, Network, RANDOM, REFERENCE, REGULATOR_DEGREE, Ranking};
use crate::report::curves::{self, Line};
use maud::{Markup, html};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::report::figure::Figures;
use panfoma_core::report::palette::look;
use std::collections::BTreeMap;

/// Edges in a table.
const SHOWN: usize = 20;
/// Curves in one frame.
const CURVES: usize = 8;

/// The metrics of a ranking's row, with their heads.
const HEADS: [(&str, &str); 9] = [
    ("auprc_ratio", "AUPRC / random"),
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("average_precision", "average precision"),
    ("early_precision", "early precision"),
    ("early_precision_ratio", "EPR"),
    ("epr_activation", "EPR, activation"),
    ("epr_inhibition", "EPR, inhibition"),
    ("sign_accuracy", "right sign"),
];

/// Scores of every ranking, a drawing and the first edges of each.
pub fn section(network: &Network, figures: &Figures) -> Markup {
    html! {
        h2 { "Regulatory network" }
        @match &network.reference {
            Some(reference) => { (compared(reference)) (scores(network)) (precision_recall(network, reference, figures)) }
            None => p { "No reference network was given, so these edges are not scored: they are what the methods suggest, unchecked." }
        }
        @for ranking in &network.rankings { (edges(ranking, network.reference.is_some(), figures)) }
    }
}

fn compared(reference: &Compared) -> Markup {
    html! {
        p { "The reference has " (reference.n_genes) " genes, of which the rankings name " (reference.n_named) ", and k = "
            (reference.n_true) " edges. Candidates are " (reference.pairs) ": " (reference.n_pairs)
            ". A random ranking reaches a precision of k / candidates = " (format!("{:.4}", reference.random_precision()))
            "; ratios divide by it, so they can be compared only over the same candidates." }
        @if reference.n_named < reference.n_genes {
            p.warning { "Pairs of genes that no ranking names score 0: part of every score is then the choice of genes, not of edges. `--universe named` compares among named genes only." }
        }
    }
}

/// What a row is called, whether it is a control, and whether it looks at the reference.
fn title(method: &str) -> (&str, bool) {
    match method {
        RANDOM => ("control: random ranking", true),
        REGULATOR_DEGREE => ("control: the regulator's degree in the reference (reads the answer)", true),
        other => (other, false),
    }
}

/// The best AUPRC first; what stands below a control has found less than it.
fn scores(network: &Network) -> Markup {
    let mut rows: BTreeMap<(&str, &str), BTreeMap<&str, &Metric>> = BTreeMap::new();
    for metric in network.metrics.iter().filter(|metric| metric.method != REFERENCE) {
        rows.entry((&metric.group, &metric.method)).or_default().insert(&metric.metric, metric);
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    let area = |row: &BTreeMap<&str, &Metric>| row.get("auprc").and_then(|m| m.value).unwrap_or(0.0);
    rows.sort_by(|a, b| area(&b.1).total_cmp(&area(&a.1)));
    // Where the reference has no signs, nobody has a value: a column of reasons would say it once a row.
    let heads: Vec<_> = HEADS
        .into_iter()
        .filter(|(name, _)| {
            rows.iter().any(|(_, row)| row.get(name).is_some_and(|metric| metric.value.is_some()))
        })
        .collect();
    html! {
        div.scroll { table.methods {
            tr { th { "method" } th { "group" } @for (_, head) in &heads { th.n { (head) } } }
            @for ((group, method), metrics) in &rows {
                @let (title, is_control) = title(method);
                tr { td { @if is_control { em { (title) } } @else { (title) } } td { (group) }
                    @for (name, _) in &heads { td.n { (value(metrics.get(name).copied())) } } }
            }
        } }
        p.caption { "Highest AUPRC first. The interval of the random ranking is what chance alone reaches in 95 % of rankings; a method inside it has shown nothing." }
    }
}

fn precision_recall(network: &Network, reference: &Compared, figures: &Figures) -> Markup {
    let chance = reference.random_precision();
    let mut lines: Vec<Line> = network
        .rankings
        .iter()
        .take(CURVES)
        .enumerate()
        .map(|(at, ranking)| Line {
            name: format!("{}, {}", ranking.method, ranking.group),
            colour: look(at).0,
            dashed: false,
            points: ranking.curve.clone(),
        })
        .collect();
    lines.push(Line {
        name: "random ranking".to_owned(),
        colour: "#57606a",
        dashed: true,
        points: vec![(0.0, chance), (1.0, chance)],
    });
    let left_out = network.rankings.len().saturating_sub(CURVES);
    html! {
        h3 { "Precision and recall" }
        (figures.show(curves::figure("network_precision_recall", &lines, "recall", "precision", "Down each ranking: the share of the reference found, and the share of what was named that is in the reference.")))
        @if left_out > 0 { p.caption { (left_out) " more rankings are not drawn." } }
    }
}

fn edges(ranking: &Ranking, has_reference: bool, figures: &Figures) -> Markup {
    html! {
        h3 { "Top edges: " (title(&ranking.method).0) ", " (ranking.group) }
        @match network_drawing::figure(ranking, has_reference) {
            Some(figure) => (figures.show(figure)),
            None => p { "There is no edge to draw." }
        }
        div.scroll { table {
            tr { th.n { "rank" } th { "regulator" } th { "target" } th.n { "score" } @if has_reference { th { "in the reference" } } }
            @for (edge, known) in ranking.top.iter().take(SHOWN) {
                tr { td.n { (edge.rank) } td { (edge.regulator) } td { (edge.target) } td.n { (format!("{:.4}", edge.score)) }
                    @if let Some(known) = known { td { (if *known { "yes" } else { "no" }) } } }
            }
        } }
        @if ranking.n_edges > SHOWN { p.caption { "The first " (SHOWN) " of " (ranking.n_edges) " edges." } }
    }
}
