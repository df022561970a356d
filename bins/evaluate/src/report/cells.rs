//! How many cells, patients and labels each split has.

use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::tokens::Split;

/// Cells of each split, and groups among them.
pub fn section(outcome: &Outcome) -> Markup {
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
