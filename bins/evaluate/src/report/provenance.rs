//! The command, its inputs, and what every word means.

use crate::integration;
use maud::{Markup, html};
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::metrics::Metric;
use std::collections::BTreeMap;

/// The command, the inputs with their digests, and how those were made.
pub fn section(own: &Provenance, command: &str, origins: &[(String, Provenance)]) -> Markup {
    let chain = |name: &str, p: &Provenance| {
        html! {
            h3 { (name) }
            p.caption { "by " (p.tool) " " (p.tool_version) ", commit " (p.commit) ", seed " (p.seed) "; from "
                @for (at, input) in p.inputs.iter().enumerate() { @if at > 0 { ", " } (input.name) }
                @if p.inputs.is_empty() { "nothing" } }
            pre { (p.config.to_string()) }
        }
    };
    html! {
        h2 { "How this was made" }
        pre { (command) }
        p.caption { (own.tool) " " (own.tool_version) ", commit " (own.commit) ", seed " (own.seed) }
        div.scroll { table {
            tr { th { "input" } th { "BLAKE3" } }
            @for input in &own.inputs { tr { td { (input.name) } td { span.hash { (input.blake3) } } } }
        } }
        details { summary { "How the inputs were made" }
            @for (name, provenance) in origins { (chain(name, provenance)) } }
    }
}

/// The metrics of this page.
pub fn definitions(metrics: Vec<Metric>) -> Markup {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for metric in metrics.into_iter().filter(|metric| {
        ![integration::EMBEDDING, integration::CONTROL, integration::LABELS].contains(&metric.method.as_str())
    }) {
        known.entry(metric.metric).or_insert(metric.definition);
    }
    html! {
        h2 { "Definitions" }
        dl {
            @for (name, definition) in &known { dt { (name) } dd { (definition) } }
            dt { "95 % interval" }
            dd { "2.5th to 97.5th percentile of 1,000 bootstrap resamples, of patients where at least five are known, else of cells." }
            dt { "baselines" }
            dd { "Fitted on training cells only and scored on the same held-out cells. Counts: log1p of counts per 10,000, the 4,000 most variable genes, standardised and clipped at ±10; the strength of each penalty is chosen on the validation cells. Principal components are those of the same matrix. `shuffled_labels` is a control: it learnt from labels dealt to other cells. What knows no gene answers with the shares of labels among the training cells of the same group." }
        }
    }
}
