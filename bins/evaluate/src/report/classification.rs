//! Every method on the same held-out cells, and each class of the first.

use super::curves::{self, Whisker};
use super::{heatmap, value};
use crate::classify::SplitScores;
use crate::method::Role;
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::tokens::Split;
use panfoma_core::report::figure::Figures;

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

/// One split.
pub fn section(outcome: &Outcome, split: &SplitScores, figures: &Figures) -> Markup {
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
            let metric = split.get("macro_f1", &method.name);
            Whisker {
                name: short_title(&method.name).to_owned(),
                value: f1(which),
                interval: metric.and_then(|m| m.interval.as_ref()).map(|i| (i.low, i.high)),
                is_model: method.role == Role::Model,
            }
        })
        .collect();
    let has_unassigned = outcome.methods.iter().any(|method| method.abstained.contains(&true));
    html! {
        h2 { "Classification on the " (split.split.name()) " split" @if split.split == Split::Valid { " (the model was chosen by these cells)" } }
        p.caption { (split.n_cells) " cells" @if let Some(n) = split.patients.as_ref().map(Vec::len) { " of " (n) " patients" }
            ". Best macro-F1 first; intervals are 95 % bootstraps over " (split.over) ", the same resamples for every method." }
        (figures.show(curves::whiskers(&format!("macro_f1_{}", split.split.name()), &whiskers, "macro-F1", &format!("Macro-F1 of every method on the {} split with 95 % intervals.", split.split.name()))))
        div.scroll { table.methods {
            tr { th { "method" } @for (_, head) in SHOWN { th.n { (head) } } @if has_unassigned { th.n { "unassigned" } th.n { "accuracy where assigned" } } }
            @for &which in &order {
                @let method = &outcome.methods[which];
                tr.model[method.role == Role::Model] {
                    td { (method.title) }
                    @for (metric, _) in SHOWN { td.n { (value(split.get(metric, &method.name))) } }
                    @if has_unassigned {
                        td.n { (value(split.get("unassigned", &method.name))) }
                        td.n { (value(split.get("selective_accuracy", &method.name))) }
                    }
                }
            }
        } }
        @if is_primary {
            @let best = &outcome.methods[0];
            (figures.show(heatmap::figure("confusion", &split.confusions[0], &label.levels, &format!("Confusion matrix of {} on the {} split", best.title, split.split.name()))))
            (per_class(outcome, split, &label.levels))
        }
    }
}

fn short_title(name: &str) -> &str {
    match name {
        "panfoma" => "PanFoMa",
        "embedding_logistic" => "logistic regression, embedding",
        "logistic" => "logistic regression, counts",
        "logistic_l1" => "sparse logistic regression, counts",
        "pca_logistic" => "PCA + logistic regression",
        "shuffled_labels" => "control: shuffled labels",
        "study_only" => "study alone",
        "total_counts_only" => "number of counts alone",
        "n_genes_only" => "number of genes alone",
        "pca_knn" => "PCA + nearest neighbours",
        "majority" => "most frequent label",
        other => other,
    }
}

fn per_class(outcome: &Outcome, split: &SplitScores, classes: &[String]) -> Markup {
    let rival = split.best(&outcome.methods, |method| method.role == Role::Rival);
    let rival = rival.filter(|&which| which != 0).map(|which| (which, split.confusions[which].per_class()));
    html! {
        h3 { "Each class: " (outcome.methods[0].title) }
        div.scroll { table {
            tr { th { "class" } th.n { "cells" } th.n { "precision" } th.n { "recall" } th.n { "F1" }
                @if let Some((which, _)) = &rival { th.n { "F1, " (short_title(&outcome.methods[*which].name)) } } }
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
