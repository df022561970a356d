//! Ranked edges beside a reference.

use super::value;
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::metrics::Metric;
use std::collections::BTreeMap;

/// Scores of every ranking, and its first edges.
pub fn section(outcome: &Outcome) -> Markup {
    let Some(network) = &outcome.network else { return html! {} };
    let mut rows: BTreeMap<(&str, &str), BTreeMap<&str, &Metric>> = BTreeMap::new();
    for metric in &network.metrics {
        rows.entry((&metric.group, &metric.method)).or_default().insert(&metric.metric, metric);
    }
    const HEADS: [(&str, &str); 5] = [
        ("auroc", "AUROC"),
        ("auprc", "AUPRC"),
        ("auprc_ratio", "AUPRC / random"),
        ("early_precision", "early precision"),
        ("early_precision_ratio", "EPR"),
    ];
    html! {
        h2 { "Regulatory network" }
        @if let Some(coverage) = &network.coverage {
            p { (coverage) " A ratio of 1 is what a random ranking reaches." }
            div.scroll { table {
                tr { th { "group" } th { "method" } @for (_, head) in HEADS { th.n { (head) } } th.n { "candidate pairs" } }
                @for ((group, method), metrics) in &rows {
                    tr { td { (group) } td { (method) } @for (name, _) in HEADS { td.n { (value(metrics.get(name).copied())) } }
                        td.n { (metrics.values().next().map_or(0, |metric| metric.n)) } }
                }
            } }
        } @else {
            p { "No reference network was given, so these edges are not scored: they are what the model suggests, unchecked." }
        }
        @for ((group, method), edges) in &network.top {
            h3 { "Top edges: " (group) ", " (method) }
            div.scroll { table {
                tr { th.n { "rank" } th { "regulator" } th { "target" } th.n { "score" } @if network.coverage.is_some() { th { "in the reference" } } }
                @for (edge, known) in edges {
                    tr { td.n { (edge.rank) } td { (edge.regulator) } td { (edge.target) } td.n { (format!("{:.4}", edge.score)) }
                        @if let Some(known) = known { td { (if *known { "yes" } else { "no" }) } } }
                }
            } }
        }
    }
}
