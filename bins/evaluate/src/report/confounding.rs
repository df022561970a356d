//! What predicts the label without a gene.

use super::value;
use crate::outcome::Outcome;
use maud::{Markup, html};

/// A line for each column.
pub fn section(outcome: &Outcome) -> Markup {
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
                    td.n { @if let Some(split) = outcome.splits.first() { (value(split.get("accuracy", &found.method))) } }
                    td.n { (format!("{:.1} %", 100.0 * found.purity)) } }
            }
        } }
    }
}
