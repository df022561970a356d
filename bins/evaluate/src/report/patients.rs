//! Does a method work for every patient?

use super::value;
use crate::classify::SplitScores;
use crate::outcome::Outcome;
use maud::{Markup, html};

/// Rows at most: the worst.
const SHOWN: usize = 60;

/// One line a patient, the worst for the first method first. shown: (name, place among the methods).
pub fn section(outcome: &Outcome, split: &SplitScores, shown: &[(&str, usize)]) -> Markup {
    let (Some(patients), Some((first, model))) = (&split.patients, shown.first()) else { return html! {} };
    let of = |metric: &str, patient: &str, which: usize| {
        split.of_group(metric, patient, &outcome.methods[which].name)
    };
    let accuracy =
        |patient: &str| of("patient_accuracy", patient, *model).and_then(|m| m.value).unwrap_or(0.0);
    let mut order: Vec<(f64, &String, u64)> =
        patients.iter().map(|(patient, n)| (accuracy(patient), patient, *n)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let (median, worst) = (order[order.len() / 2].0, order[0].0);
    html! {
        h3 { "Each patient" }
        p { "Accuracy of " (first) " over the cells of one patient: median " (format!("{median:.3}")) ", worst " (format!("{worst:.3}")) "." }
        div.scroll.tall { table {
            thead { tr { th { "patient" } th.n { "cells" }
                @for (name, _) in shown { th.n { "accuracy, " (name) } th.n { "macro-F1, " (name) } } } }
            tbody { @for (_, patient, n) in order.iter().take(SHOWN) {
                tr {
                    td { (patient) } td.n { (n) }
                    @for (_, which) in shown {
                        td.n { (value(of("patient_accuracy", patient, *which))) }
                        td.n { (value(of("patient_macro_f1", patient, *which))) }
                    }
                }
            } }
        } }
        @if order.len() > SHOWN { p.caption { "The " (SHOWN) " worst of " (order.len()) " patients; the others are in the table of metrics." } }
    }
}
