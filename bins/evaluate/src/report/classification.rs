//! Every method on the same held-out cells, and each class of the first.

use super::curves::{self, Whisker};
use super::{calibration, heatmap, patients, value};
use crate::classify::SplitScores;
use crate::method::{Role, short_title};
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::report::figure::Figures;

/// The metrics that a method's row shows, with their heads; the first few with their intervals.
const SHOWN: [(&str, &str); 11] = [
    ("macro_f1", "macro-F1"),
    ("accuracy", "accuracy"),
    ("auroc", "AUROC"),
    ("auprc", "AUPRC"),
    ("balanced_accuracy", "balanced accuracy"),
    ("weighted_f1", "weighted F1"),
    ("kappa", "kappa"),
    ("mcc", "MCC"),
    ("log_loss", "log loss"),
    ("brier", "Brier"),
    ("ece", "ECE"),
];
const WITH_INTERVAL: usize = 4;

/// One split.
pub fn section(outcome: &Outcome, split: &SplitScores, figures: &Figures) -> Markup {
    let label = outcome.inputs.label.as_ref().map(|(_, label)| label);
    let Some(label) = label.filter(|_| !outcome.methods.is_empty()) else { return html! {} };
    let is_primary = outcome.splits.first().is_some_and(|first| first.split == split.split);
    let mut order: Vec<usize> = (0..outcome.methods.len()).collect();
    let f1 = |which: usize| split.confusions[which].macro_f1().unwrap_or(0.0);
    let competes =
        |which: usize| matches!(outcome.methods[which].role, Role::Model | Role::Probe | Role::Rival);
    order.sort_by(|&a, &b| competes(b).cmp(&competes(a)).then(f1(b).total_cmp(&f1(a))).then(a.cmp(&b)));
    let rival = split.best(&outcome.methods, |method| method.role == Role::Rival).filter(|&which| which != 0);
    let shown: Vec<(&str, usize)> = std::iter::once(0)
        .chain(rival)
        .map(|which| (short_title(&outcome.methods[which].name), which))
        .collect();
    let whiskers: Vec<Whisker> = order
        .iter()
        .filter(|&&which| competes(which))
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
        div.scroll.narrow { table.methods {
            tr { th { "method" } @for (_, head) in SHOWN { th.n { (head) } } @if has_unassigned { th.n { "unassigned" } th.n { "accuracy where assigned" } } }
            @for &which in &order {
                @let method = &outcome.methods[which];
                tr.model[method.role == Role::Model] {
                    td { (method.title) }
                    @for (at, (metric, _)) in SHOWN.into_iter().enumerate() { td.n {
                        @if at < WITH_INTERVAL { (value(split.get(metric, &method.name))) } @else { (bare(split.get(metric, &method.name))) }
                    } }
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
            (calibration::section(outcome, split, &shown, figures))
            (per_class(outcome, split, &label.levels))
            (patients::section(outcome, split, &shown))
        }
    }
}

/// A number whose interval shows where the pointer rests.
fn bare(metric: Option<&Metric>) -> Markup {
    match metric.and_then(|metric| Some((metric.value?, metric.interval.as_ref()?))) {
        Some((value, i)) => {
            html! { span title=(format!("95 % interval {:.3} to {:.3}", i.low, i.high)) { (format!("{value:.3}")) } }
        }
        None => value(metric),
    }
}

fn per_class(outcome: &Outcome, split: &SplitScores, classes: &[String]) -> Markup {
    let rival = split.best(&outcome.methods, |method| method.role == Role::Rival);
    let rival = rival.filter(|&which| which != 0).map(|which| (which, split.confusions[which].per_class()));
    html! {
        h3 { "Each class: " (outcome.methods[0].title) }
        div.scroll { table {
            tr { th { "class" } th.n { "cells" } th.n { "precision" } th.n { "recall" } th.n { "F1" } th.n { "AUROC" } th.n { "AUPRC" }
                @if let Some((which, _)) = &rival { th.n { "F1, " (short_title(&outcome.methods[*which].name)) } } }
            @for (class, score) in split.confusions[0].per_class().iter().enumerate().filter(|(_, s)| s.support + s.predicted > 0) {
                tr {
                    td { (classes[class]) } td.n { (score.support) }
                    @for number in [score.precision, score.recall, score.f1] { td.n { (format!("{number:.3}")) } }
                    @for metric in ["class_auroc", "class_auprc"] { td.n { (value(split.of_group(metric, &classes[class], &outcome.methods[0].name))) } }
                    @if let Some((_, scores)) = &rival { td.n { (format!("{:.3}", scores[class].f1)) } }
                }
            }
        } }
    }
}
