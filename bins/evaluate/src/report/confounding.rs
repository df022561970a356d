//! What gives the label away without a gene: to be read before any score.

use super::value;
use crate::confounders::CONFOUNDED;
use crate::method::Role;
use crate::outcome::Outcome;
use maud::{Markup, html};

/// A line for each column, and the model for comparison.
pub fn section(outcome: &Outcome) -> Markup {
    let Some(split) = outcome.splits.first().filter(|_| !outcome.confounding.is_empty()) else {
        return html! {};
    };
    let scores = |method: &str| {
        html! {
            td.n { (value(split.get("accuracy", method))) }
            td.n { (value(split.get("macro_f1", method))) }
        }
    };
    html! {
        h2 { "What gives the label away without a gene?" }
        p { "Each line knows one thing about a held-out cell and answers with the most frequent label of the training cells that share it (numbers in 20 bins of training cells). A score near the model's means that the model may have learnt no more." }
        div.scroll { table {
            thead { tr { th { "knows only" } th.n { "groups" } th.n { "accuracy" } th.n { "macro-F1" } th.n { "cells with their group's most frequent label" } th.n { "lambda" } } }
            tbody {
                @for found in &outcome.confounding {
                    tr { td { (found.column) @if found.unseen { " " span.ci { "(held-out groups were never seen)" } } } td.n { (found.n_groups) }
                        (scores(&found.method))
                        td.n { (format!("{:.1} %", 100.0 * found.purity)) } td.n { (format!("{:.3}", found.lambda)) } }
                }
                @for method in outcome.methods.iter().filter(|method| method.role == Role::Model) {
                    tr.model { td { (method.title) } td.n { "–" } (scores(&method.name)) td.n { "–" } td.n { "–" } }
                }
            }
        } }
        p.caption { "Lambda (Goodman and Kruskal): by which part knowing the group lessens the errors of guessing the most frequent label, over all labelled cells; from " (CONFOUNDED) " on, a label counts as confounded with its study." }
    }
}
