//! Integration: do types stay apart and do batches mix, beside principal components of the counts?

use super::{neighborhoods, value};
use crate::integration::{CONTROL, EMBEDDING, LABELS};
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::report::figure::Figures;

/// Heads of the groups of rows, and the metrics of each with their names for people.
const GROUPS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Are labels kept apart?",
        &[
            ("silhouette_label", "silhouette of labels"),
            ("isolated_labels", "isolated labels"),
            ("nmi_kmeans", "NMI, k-means"),
            ("ari_kmeans", "ARI, k-means"),
            ("nmi_leiden", "NMI, Leiden"),
            ("ari_leiden", "ARI, Leiden"),
            ("clisi", "cLISI"),
            ("graph_connectivity", "graph connectivity, directed"),
            ("graph_connectivity_undirected", "graph connectivity, undirected"),
        ],
    ),
    (
        "Do batches mix?",
        &[
            ("bras", "BRAS"),
            ("silhouette_batch", "silhouette of batches"),
            ("ilisi", "iLISI"),
            ("cilisi", "CiLISI"),
            ("kbet", "kBET"),
            ("kbet_effect_size", "kBET, effect size (0 is best)"),
            ("kbet_per_label", "kBET within labels"),
            ("pcr_comparison", "PCR comparison"),
        ],
    ),
    (
        "Averages",
        &[
            ("avg_bio", "AvgBIO"),
            ("avg_batch", "AvgBATCH"),
            ("scib_bio_conservation", "scib-metrics, bio conservation"),
            ("scib_batch_correction", "scib-metrics, batch correction"),
            ("scib_total", "scib-metrics, total"),
        ],
    ),
];

/// One table for both, and kBET of each label.
pub fn section(outcome: &Outcome, figures: &Figures) -> Markup {
    let metrics = &outcome.clustering;
    if metrics.is_empty() {
        return html! {};
    }
    let find = |name: &str, method: &str| {
        metrics.iter().find(|row| row.metric == name && row.method == method && row.group == "all")
    };
    let has_control = metrics.iter().any(|row| row.method == CONTROL);
    html! {
        h2 { "Integration" }
        p.caption {
            "From 0, bad, to 1, good, unless said otherwise. "
            @if has_control { "Beside the embedding: 50 principal components of the log counts of the same cells, which nothing integrated. What does not exceed them was not learnt. " }
            "The last column is a control, the true labels as an embedding: what it reaches needs no biology beyond them, and what exceeds it knows more than labels. "
            "Single numbers mislead: a map of one point mixes batches perfectly, and cells sorted by batch keep types apart where each batch has its own."
        }
        div.scroll { table {
            tr { th { "metric" } th.n { "embedding" } @if has_control { th.n { "PCA of counts" } } th.n { "labels, jittered" } th.n { "cells" } th { "definition" } }
            @for (head, names) in GROUPS {
                @if names.iter().any(|(name, _)| find(name, EMBEDDING).is_some()) { tr { th colspan="6" { (head) } } }
                @for (name, title) in names {
                    @if let Some(metric) = find(name, EMBEDDING) {
                        tr {
                            td { (title) } td.n { (value(Some(metric))) }
                            @if has_control { td.n { (value(find(name, CONTROL))) } }
                            td.n { (value(find(name, LABELS))) }
                            td.n { (metric.n) } td { (metric.definition) }
                        }
                    }
                }
            }
        } }
        @if let Some(of_cells) = &outcome.of_cells { (neighborhoods::figures(of_cells, figures)) }
        (of_labels(metrics, has_control))
    }
}

fn of_labels(metrics: &[Metric], has_control: bool) -> Markup {
    let of_labels = |method: &str| -> Vec<&Metric> {
        let rows = metrics.iter().filter(|row| row.metric == "kbet_per_label" && row.group != "all");
        rows.filter(|row| row.method == method).collect()
    };
    let (embedding, control) = (of_labels(EMBEDDING), of_labels(CONTROL));
    html! {
        @if !embedding.is_empty() {
            details {
                summary { "kBET within each label" }
                div.scroll { table {
                    tr { th { "label" } th.n { "cells" } th.n { "embedding" } @if has_control { th.n { "PCA of counts" } } }
                    @for metric in embedding {
                        tr {
                            td { (metric.group) } td.n { (metric.n) } td.n { (value(Some(metric))) }
                            @if has_control { td.n { (value(control.iter().copied().find(|row| row.group == metric.group))) } }
                        }
                    }
                } }
            }
        }
    }
}
