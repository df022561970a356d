//! Cells that stand in two splits.

use crate::leakage::{MIN_GENES, NEAR};
use crate::outcome::Outcome;
use maud::{Markup, html};

/// Pairs of studies shown at most.
const SHOWN: usize = 20;

/// How many there are, and from which studies.
pub fn section(outcome: &Outcome) -> Markup {
    let Some(twins) = &outcome.twins else { return html! {} };
    let n_near: u64 = twins.splits.iter().map(|of| of.near).sum();
    html! {
        h2 { "Does a cell stand in two splits?" }
        @if n_near == 0 {
            p { "No: no cell of " (twins.splits.iter().filter(|of| of.n_cells > 0).map(|of| of.split).collect::<Vec<_>>().join(" or "))
                " has a twin in an earlier split." }
        } @else {
            div.scroll { table {
                thead { tr { th { "split" } th.n { "cells compared" } th.n { "with a twin in an earlier split" } th.n { "of them identical" } } }
                tbody { @for of in &twins.splits { tr { td { (of.split) } td.n { (of.n_cells) } td.n { (of.near) } td.n { (of.identical) } } } }
            } }
        }
        @if !twins.studies.is_empty() {
            div.scroll { table {
                thead { tr { th { "study" } th { "study of the twin" } th.n { "cells" } } }
                tbody { @for pair in twins.studies.iter().take(SHOWN) { tr { td { (pair.held_out) } td { (pair.twin) } td.n { (pair.n) } } } }
            } }
        }
        p.caption { "Twins: log counts per 10,000 with a cosine above " (NEAR) ". Valid is compared with train, test with train and valid."
            @if twins.too_few_genes > 0 { " " (twins.too_few_genes) " cells with fewer than " (MIN_GENES) " genes are alike by chance and were not compared." } }
    }
}
