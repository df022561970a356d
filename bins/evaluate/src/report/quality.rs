//! What `panfoma-qc` removed.

use maud::{Markup, html};
use serde_json::Value;

/// The report of `panfoma-qc`: studies with the cells read, passed and removed.
pub fn section(qc: &Value) -> Markup {
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
