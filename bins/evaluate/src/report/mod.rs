//! `report.html`: one file, nothing loaded from anywhere.

mod curves;
mod heatmap;
mod scatter;

use crate::classify::SplitScores;
use crate::outcome::Outcome;
use curves::{Line, Whisker};
use maud::{Markup, html};
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::checkpoint::History;
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::artifact::tokens::Split;
use serde_json::Value;
use std::collections::BTreeMap;

/// The whole page.
pub fn page(outcome: &Outcome) -> String {
    let body = html! {
        h1 { "PanFoMa evaluation" @if let Some((label, _)) = &outcome.inputs.label { ": " (label) } }
        p.headline { (outcome.headline) }
        @for warning in &outcome.warnings { p.warning { (warning) } }
        (cells(outcome))
        @for split in &outcome.splits { (classification(outcome, split)) }
        (confounding(outcome))
        (embedding(outcome))
        (training(outcome))
        (network(outcome))
        @if let Some(qc) = &outcome.inputs.qc { (quality(qc)) }
        @if !outcome.notes.is_empty() {
            h2 { "Notes" }
            @for note in &outcome.notes { p { (note) } }
        }
        (provenance(outcome))
        (definitions(outcome))
    };
    panfoma_core::report::page("PanFoMa evaluation", &body)
}

fn cells(outcome: &Outcome) -> Markup {
    let cells = &outcome.inputs.cells;
    let count = |split: Split| cells.split.iter().filter(|&&s| s == split).count();
    let distinct = |split: Split, name: &str| -> Option<usize> {
        let factor = cells.column(name)?;
        let codes = (0..cells.len()).filter(|&row| cells.split[row] == split).map(|row| factor.codes[row]);
        let mut codes: Vec<u32> = codes.filter(|&code| code != crate::factor::MISSING).collect();
        codes.sort_unstable();
        codes.dedup();
        Some(codes.len())
    };
    let columns: Vec<&str> =
        ["patient", "sample", "study"].into_iter().filter(|name| cells.column(name).is_some()).collect();
    html! {
        h2 { "Cells and split" }
        p { "Split " strong { (outcome.inputs.split.name) } "." }
        div.scroll { table {
            tr { th { "split" } th.n { "cells" } @if outcome.inputs.label.is_some() { th.n { "with a label" } }
                @for name in &columns { th.n { (plural(name)) } } }
            @for split in Split::ALL {
                tr {
                    td { (split.name()) } td.n { (count(split)) }
                    @if let Some((_, label)) = &outcome.inputs.label { td.n { (cells.labelled(split, label).len()) } }
                    @for name in &columns { td.n { (distinct(split, name).unwrap_or(0)) } }
                }
            }
        } }
    }
}

fn plural(name: &str) -> String {
    name.strip_suffix('y').map_or_else(|| format!("{name}s"), |stem| format!("{stem}ies"))
}

/// The metrics that a method's row shows, with their heads.
const SHOWN: [(&str, &str); 7] = [
    ("macro_f1", "macro-F1"),
    ("accuracy", "accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("weighted_f1", "weighted F1"),
    ("kappa", "kappa"),
    ("mcc", "MCC"),
    ("log_loss", "log loss"),
];

fn classification(outcome: &Outcome, split: &SplitScores) -> Markup {
    let label = outcome.inputs.label.as_ref().map(|(_, label)| label);
    let Some(label) = label.filter(|_| !outcome.methods.is_empty()) else { return html! {} };
    let is_primary = outcome.splits.first().is_some_and(|first| first.split == split.split);
    let mut order: Vec<usize> = (0..outcome.methods.len()).collect();
    let f1 = |which: usize| split.confusions[which].macro_f1().unwrap_or(0.0);
    order.sort_by(|&a, &b| f1(b).total_cmp(&f1(a)).then(a.cmp(&b)));
    let whiskers: Vec<Whisker> = order
        .iter()
        .map(|&which| {
            let method = &outcome.methods[which];
            let metric = split.get("macro_f1", method.name);
            Whisker {
                name: short_title(method.name).to_owned(),
                value: f1(which),
                interval: metric.and_then(|m| m.interval.as_ref()).map(|i| (i.low, i.high)),
                is_model: method.name == "panfoma",
            }
        })
        .collect();
    let has_unassigned = outcome.methods.iter().any(|method| method.abstained.contains(&true));
    html! {
        h2 { "Classification on the " (split.split.name()) " split" @if split.split == Split::Valid { " (the model was chosen by these cells)" } }
        p.caption { (split.n_cells) " cells" @if let Some(n) = split.n_patients { " of " (n) " patients" }
            ". Best macro-F1 first; intervals are 95 % bootstraps over " (split.over()) ", the same resamples for every method." }
        (curves::whiskers(&whiskers, "macro-F1", &format!("Macro-F1 of every method on the {} split with 95 % intervals.", split.split.name())))
        div.scroll { table.methods {
            tr { th { "method" } @for (_, head) in SHOWN { th.n { (head) } } @if has_unassigned { th.n { "unassigned" } th.n { "accuracy where assigned" } } }
            @for &which in &order {
                @let method = &outcome.methods[which];
                tr.model[method.name == "panfoma"] {
                    td { (method.title) }
                    @for (metric, _) in SHOWN { td.n { (value(split.get(metric, method.name))) } }
                    @if has_unassigned {
                        td.n { (value(split.get("unassigned", method.name))) }
                        td.n { (value(split.get("selective_accuracy", method.name))) }
                    }
                }
            }
        } }
        @if is_primary {
            @let best = &outcome.methods[0];
            (heatmap::figure(&split.confusions[0], &label.levels, &format!("Confusion matrix of {} on the {} split", best.title, split.split.name())))
            (per_class(outcome, split, &label.levels))
        }
    }
}

fn short_title(name: &str) -> &str {
    match name {
        "panfoma" => "PanFoMa",
        "embedding_logistic" => "logistic regression, embedding",
        "logistic" => "logistic regression, counts",
        "pca_knn" => "PCA + nearest neighbours",
        "majority" => "most frequent label",
        other => other,
    }
}

fn per_class(outcome: &Outcome, split: &SplitScores, classes: &[String]) -> Markup {
    let rival =
        split.best(&outcome.methods, |method| matches!(method.name, "logistic" | "pca_knn" | "majority"));
    let rival = rival.filter(|&which| which != 0).map(|which| (which, split.confusions[which].per_class()));
    html! {
        h3 { "Each class: " (outcome.methods[0].title) }
        div.scroll { table {
            tr { th { "class" } th.n { "cells" } th.n { "precision" } th.n { "recall" } th.n { "F1" }
                @if let Some((which, _)) = &rival { th.n { "F1, " (short_title(outcome.methods[*which].name)) } } }
            @for (class, score) in split.confusions[0].per_class().iter().enumerate().filter(|(_, s)| s.support + s.predicted > 0) {
                tr {
                    td { (classes[class]) } td.n { (score.support) }
                    @for number in [score.precision, score.recall, score.f1] { td.n { (format!("{number:.3}")) } }
                    @if let Some((_, scores)) = &rival { td.n { (format!("{:.3}", scores[class].f1)) } }
                }
            }
        } }
    }
}

/// A number with its interval, or the reason for its absence.
fn value(metric: Option<&Metric>) -> Markup {
    let Some(metric) = metric else { return html! { "–" } };
    match (&metric.value, &metric.interval) {
        (Some(value), Some(i)) => {
            html! { (format!("{value:.3}")) " " span.ci.interval { "[" (format!("{:.3}", i.low)) ", " (format!("{:.3}", i.high)) "]" } }
        }
        (Some(value), None) => html! { (format!("{value:.3}")) },
        (None, _) => {
            html! { span.ci title=(metric.reason.as_deref().unwrap_or_default()) { "– (" (metric.reason.as_deref().unwrap_or("undefined")) ")" } }
        }
    }
}

fn confounding(outcome: &Outcome) -> Markup {
    if outcome.confounding.is_empty() {
        return html! {};
    }
    html! {
        h2 { "What gives the label away?" }
        p { "How well the most frequent label of a cell's group predicts its label, without looking at a gene. A number near 1 means that a method may score by recognising the group." }
        div.scroll { table {
            tr { th { "column" } th.n { "groups" } th.n { "accuracy on held-out cells" } th.n { "cells that bear their group's most frequent label" } }
            @for found in &outcome.confounding {
                tr { td { (found.column) } td.n { (found.n_groups) }
                    td.n { @match found.held_out { Some(a) => (format!("{a:.3}")), None => "–" } }
                    td.n { (format!("{:.1} %", 100.0 * found.purity)) } }
            }
        } }
    }
}

fn embedding(outcome: &Outcome) -> Markup {
    let cells = &outcome.inputs.cells;
    html! {
        h2 { "The embedding" }
        @if !outcome.clustering.is_empty() {
            div.scroll { table {
                tr { th { "metric" } th.n { "value" } th.n { "cells" } th { "definition" } }
                @for metric in &outcome.clustering {
                    tr { td { (metric.metric) } td.n { (value(Some(metric))) } td.n { (metric.n) } td { (metric.definition) } }
                }
            } }
        }
        div.maps {
            @if let Some((name, label)) = &outcome.inputs.label { (scatter::figure(&outcome.map, label, name, true)) }
            @if let Some((name, factor)) = outcome.second_colour.as_deref().and_then(|name| Some((name, cells.column(name)?))) {
                (scatter::figure(&outcome.map, factor, name, false))
            }
        }
        p.caption { "UMAP of the embedding (15 neighbours, min_dist 0.5): near cells are alike; distances between groups and their sizes mean little." }
    }
}

fn training(outcome: &Outcome) -> Markup {
    let lines = |history: &History| -> Vec<Line> {
        let line = |name, split, metric, colour, dashed| Line {
            name,
            colour,
            dashed,
            points: history
                .values(split, metric)
                .into_iter()
                .map(|(step, value)| (step as f64, value))
                .collect(),
        };
        let lines = vec![
            line("train loss", "train", "loss", "#56b4e9", false),
            line("validation loss", "valid", "loss", "#d55e00", false),
            line("bin- or class-frequency baseline, validation", "valid", "baseline", "#57606a", true),
        ];
        let mut lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
        if !lines.iter().any(|line| line.dashed) {
            lines.push(line(
                "bin- or class-frequency baseline, training",
                "train",
                "baseline",
                "#57606a",
                true,
            ));
            lines.retain(|line| !line.points.is_empty());
        }
        lines
    };
    html! {
        @if !outcome.inputs.histories.is_empty() { h2 { "Training" } }
        @for (name, history) in &outcome.inputs.histories {
            @let lines = lines(history);
            h3 { (name) }
            @if lines.is_empty() { p { "The model's history holds no loss." } }
            @else { (curves::figure(&lines, "step", "loss (nats)", &format!("{name}: below the dashed line, the model knows more than the frequencies alone."))) }
        }
    }
}

fn network(outcome: &Outcome) -> Markup {
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

/// The report of `panfoma-qc`: studies with the cells read, passed and removed.
fn quality(qc: &Value) -> Markup {
    let number = |value: &Value| value.as_u64().map_or_else(|| "–".to_owned(), |n| n.to_string());
    let removed = |study: &Value| -> String {
        let rules = study["cells"]["removed"].as_object().into_iter().flatten();
        let rules: Vec<String> = rules.map(|(rule, n)| format!("{rule}: {}", number(n))).collect();
        if rules.is_empty() { "–".to_owned() } else { rules.join(", ") }
    };
    html! {
        h2 { "Quality control" }
        p { (number(&qc["n_cells"])) " cells and " (number(&qc["n_genes"])) " genes were kept." }
        div.scroll { table {
            tr { th { "study" } th.n { "cells read" } th.n { "cells passed" } th { "removed by rule" } }
            @for study in qc["studies"].as_array().into_iter().flatten() {
                tr { td { (study["study"].as_str().unwrap_or("–")) } td.n { (number(&study["cells"]["read"])) }
                    td.n { (number(&study["cells"]["passed"])) } td { (removed(study)) } }
            }
        } }
    }
}

fn provenance(outcome: &Outcome) -> Markup {
    let own = &outcome.header.provenance;
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
        pre { (outcome.command) }
        p.caption { (own.tool) " " (own.tool_version) ", commit " (own.commit) ", seed " (own.seed) }
        div.scroll { table {
            tr { th { "input" } th { "BLAKE3" } }
            @for input in &own.inputs { tr { td { (input.name) } td { span.hash { (input.blake3) } } } }
        } }
        details { summary { "How the inputs were made" }
            @for (name, provenance) in &outcome.inputs.origins { (chain(name, provenance)) } }
    }
}

fn definitions(outcome: &Outcome) -> Markup {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for metric in outcome.metrics().into_iter().filter(|metric| metric.method != "embedding") {
        known.entry(metric.metric).or_insert(metric.definition);
    }
    html! {
        h2 { "Definitions" }
        dl {
            @for (name, definition) in &known { dt { (name) } dd { (definition) } }
            dt { "95 % interval" }
            dd { "2.5th to 97.5th percentile of 1,000 bootstrap resamples, of patients where at least five are known, else of cells." }
            dt { "baselines" }
            dd { "Fitted on training cells only and scored on the same held-out cells. Counts: log1p of counts per 10,000, the 4,000 most variable genes, standardised and clipped at ±10; the strength of the L2 penalty is chosen on the validation cells." }
        }
    }
}
