//! Maps of the cells.

use super::scatter;
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::report::figure::Figures;

/// The map twice: by label and by another column.
pub fn section(outcome: &Outcome, figures: &Figures) -> Markup {
    let cells = &outcome.inputs.cells;
    html! {
        h2 { "The embedding" }
        div.maps {
            @if let Some((name, label)) = &outcome.inputs.label { (figures.show(scatter::figure(&outcome.map, label, name, true))) }
            @if let Some((name, factor)) = outcome.second_colour.as_deref().and_then(|name| Some((name, cells.column(name)?))) {
                (figures.show(scatter::figure(&outcome.map, factor, name, false)))
            }
        }
        p.caption { "UMAP of the embedding (15 neighbours, min_dist 0.5): near cells are alike; distances between groups and their sizes mean little." }
    }
}
