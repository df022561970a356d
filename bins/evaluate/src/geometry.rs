//! What the embedding looks like in two dimensions.

use crate::cells::{Cells, gather};
use crate::umap;
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::Context;

/// Cells in two dimensions.
pub struct Map {
    /// Their rows.
    pub rows: Vec<usize>,
    /// [cells × 2].
    pub positions: Vec<f64>,
    /// Which cells these are, for people.
    pub about: String,
}

/// The cells of the test split, or all of them if it is empty, and the words for that.
pub fn candidates(cells: &Cells, keep: impl Fn(usize) -> bool) -> (Vec<usize>, &'static str) {
    let of_split = |wanted: Option<Split>| -> Vec<usize> {
        (0..cells.len())
            .filter(|&row| keep(row) && wanted.is_none_or(|split| cells.split[row] == split))
            .collect()
    };
    match of_split(Some(Split::Test)) {
        rows if rows.is_empty() => (of_split(None), "all"),
        rows => (rows, "test"),
    }
}

/// The map of at most `max` cells.
pub fn map(reader: &Reader, cells: &Cells, max: usize, context: &Context) -> anyhow::Result<Map> {
    let (rows, split) = candidates(cells, |_| true);
    let n_candidates = rows.len();
    let rows = cells.sample(rows, max, context.seed);
    let points = gather(reader, &rows, context)?;
    let positions = umap::layout(&points, reader.metadata.dim, context.seed);
    let which = if split == "test" { "cells of the test split" } else { "cells" };
    let about = match rows.len() < n_candidates {
        true => format!("{} of {n_candidates} {which}, sampled", rows.len()),
        false => format!("{n_candidates} {which}"),
    };
    Ok(Map { rows, positions, about })
}
