//! The report of a comparison.

use super::{Comparison, Run};
use crate::method::short_title;
use crate::report::curves::{self, Whisker};
use crate::report::provenance;
use maud::{Markup, html};
use panfoma_core::report::figure::{Figures, file_name};

/// Tables of the classification: metric, head, whether more is better.
const CLASSIFICATION: [(&str, &str, bool); 4] = [
    ("macro_f1", "Macro-F1", true),
    ("accuracy", "Accuracy", true),
    ("auroc", "AUROC (macro, one against the rest)", true),
    ("log_loss", "Log loss", false),
];
/// Tables of the embedding.
const INTEGRATION: [(&str, &str, bool); 4] = [
    ("avg_bio", "AvgBIO", true),
    ("avg_batch", "AvgBATCH", true),
    ("scib_total", "scib-metrics, total", true),
    ("ilisi", "iLISI", true),
];
/// Tables of networks.
const NETWORK: [(&str, &str, bool); 3] = [
    ("auprc_ratio", "AUPRC over that of a random ranking", true),
    ("auroc", "AUROC", true),
    ("early_precision_ratio", "EPR", true),
];

/// The whole page.
pub fn page(comparison: &Comparison, figures: &Figures) -> String {
    let runs = &comparison.runs;
    let classify: Vec<&Run> = runs.iter().filter(|run| !run.methods("macro_f1").is_empty()).collect();
    let networks: Vec<&Run> = runs.iter().filter(|run| !run.methods("auprc_ratio").is_empty()).collect();
    let body = html! {
        h1 { "PanFoMa: " (runs.len()) " evaluations side by side" }
        (overview(runs))
        @if !classify.is_empty() {
            h2 { "Classification" }
            p.caption { "On the held-out cells of each run; 95 % bootstrap intervals. The best of each run in bold. Compare within a row: another run may hold other cells." }
            @for (metric, head, up) in CLASSIFICATION { (table(&classify, metric, head, up, Run::primary)) }
            @for run in &classify { (figures.show(whiskers(run))) }
        }
        @if runs.iter().any(|run| !run.methods("avg_bio").is_empty()) {
            h2 { "Embedding" }
            p.caption { "What does not exceed the principal components of the counts was not learnt." }
            @for (metric, head, up) in INTEGRATION {
                @let with: Vec<&Run> = runs.iter().filter(|run| !run.methods(metric).is_empty()).collect();
                @if !with.is_empty() { (table(&with, metric, head, up, |_| "all")) }
            }
        }
        @if !networks.is_empty() {
            h2 { "Regulatory networks" }
            @for (metric, head, up) in NETWORK { (table(&networks, metric, head, up, |_| "all")) }
        }
        (provenance::section(&comparison.header.provenance, &comparison.command, &[]))
    };
    panfoma_core::report::page("PanFoMa evaluations", &body)
}

fn overview(runs: &[Run]) -> Markup {
    html! {
        div.scroll { table {
            tr { th { "run" } th { "label" } th { "split" } th.n { "cells scored" } th { "cells" } th { "who wins" } }
            @for run in runs {
                @let scored = run.rows.iter().find(|row| row.metric == "macro_f1" && row.split == run.primary());
                tr { td { (run.name) } td { (run.label.as_deref().unwrap_or("–")) } td { (run.split) }
                    td.n { @match scored { Some(row) => (row.n), None => "–" } }
                    td { span.hash { (run.tokens.as_deref().map_or("–", |digest| &digest[..digest.len().min(8)])) } }
                    td { (run.headline) } }
            }
        } }
        p.caption { "Runs whose cells have the same digest were scored on the same tokens." }
        @for run in runs { @for warning in &run.warnings { p.warning { strong { (run.name) } ": " (warning) } } }
    }
}

/// Runs down, methods across.
fn table(
    runs: &[&Run],
    metric: &str,
    head: &str,
    more_is_better: bool,
    split: impl Fn(&Run) -> &str,
) -> Markup {
    let mut methods: Vec<&str> = Vec::new();
    for method in runs.iter().flat_map(|run| run.methods(metric)) {
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    // Networks have no split of cells: their rows are those of the metric.
    let find = |run: &Run, method: &str| run.get(metric, method, split(run)).cloned();
    methods.retain(|method| runs.iter().any(|run| find(run, method).is_some()));
    if methods.is_empty() {
        return html! {};
    }
    let best = |run: &Run| {
        let values = methods.iter().filter_map(|method| find(run, method)?.value);
        values.reduce(if more_is_better { f64::max } else { f64::min })
    };
    html! {
        h3 { (head) }
        div.scroll { table {
            tr { th { "run" } @for method in &methods { th.n { (short_title(method)) } } }
            @for run in runs {
                @let best = best(run);
                tr { td { (run.name) } @for method in &methods {
                    td.n { @match find(run, method) {
                        Some(row) => { (cell(row.value, row.value.is_some() && row.value == best))
                            @if let Some(i) = &row.interval { span.ci.interval { "[" (format!("{:.3}", i.low)) ", " (format!("{:.3}", i.high)) "]" } }
                            @if let Some(reason) = row.reason.as_ref().filter(|_| row.value.is_none()) { span.ci { "(" (reason) ")" } } }
                        None => "",
                    } }
                } }
            }
        } }
    }
}

fn cell(value: Option<f64>, best: bool) -> Markup {
    match value {
        None => html! { "–" },
        Some(value) if best => html! { strong { (format!("{value:.3}")) } " " },
        Some(value) => html! { (format!("{value:.3}")) " " },
    }
}

fn whiskers(run: &Run) -> panfoma_core::report::figure::Figure {
    let mut rows: Vec<Whisker> = run
        .methods("macro_f1")
        .into_iter()
        .filter_map(|method| {
            let row = run.get("macro_f1", method, run.primary())?;
            Some(Whisker {
                name: short_title(method).to_owned(),
                value: row.value?,
                interval: row.interval.as_ref().map(|i| (i.low, i.high)),
                is_model: method == "panfoma",
            })
        })
        .collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    let caption = format!("{}: macro-F1 of every method on the {} split.", run.name, run.primary());
    curves::whiskers(&format!("macro_f1_{}", file_name(&run.name)), &rows, "macro-F1", &caption)
}
