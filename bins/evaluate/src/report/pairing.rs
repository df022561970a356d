//! Do cells find themselves in the embedding of another modality?

use super::value;
use crate::outcome::Outcome;
use maud::{Markup, html};

/// A line for each number of each paired embedding.
pub fn section(outcome: &Outcome) -> Markup {
    if outcome.pairing.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Other modalities" }
        div.scroll { table {
            thead { tr { th { "paired with" } th { "metric" } th.n { "value" } th.n { "cells" } th { "definition" } } }
            tbody { @for metric in &outcome.pairing {
                tr { td { (metric.method) } td { (metric.metric) } td.n { (value(Some(metric))) } td.n { (metric.n) } td { (metric.definition) } }
            } }
        } }
    }
}
