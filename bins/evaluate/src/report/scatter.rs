//! Cells on the map, coloured by a column: one path a level, about nine bytes a cell.

use crate::factor::{Factor, MISSING};
use crate::geometry::Map;
use maud::html;
use panfoma_core::report::figure::{Data, Figure, Key, Mark, file_name};
use panfoma_core::report::palette::{LOOKS, look};
use panfoma_core::report::short;
use std::fmt::Write as _;

const SIZE: f64 = 640.0;
const MARGIN: f64 = 18.0;
/// With more levels than this, names on the map would hide it.
const NAMED: usize = 16;
/// Letters of a name.
pub const NAME: usize = 26;

/// The map coloured by `factor`, which is called `name`; `named` writes its levels on the map.
pub fn figure(map: &Map, factor: &Factor, name: &str, named: bool) -> Figure {
    let places = places(&map.positions);
    let mut levels: Vec<(Option<usize>, Vec<usize>)> =
        (0..factor.levels.len()).map(|level| (Some(level), Vec::new())).collect();
    levels.push((None, Vec::new()));
    for (i, &row) in map.rows.iter().enumerate() {
        let level = factor.codes[row];
        let at = if level == MISSING { factor.levels.len() } else { level as usize };
        levels[at].1.push(i);
    }
    levels.retain(|level| !level.1.is_empty());
    // The largest lie below; the order of colours is that of size too, so that the largest differ most.
    levels.sort_by_key(|level| (level.0.is_none(), usize::MAX - level.1.len(), level.0));
    let named = named && levels.len() <= NAMED;
    let text = |level: Option<usize>| level.map_or("not given", |level| factor.levels[level].as_str());
    let looks: Vec<(&str, bool)> = levels
        .iter()
        .enumerate()
        .map(|(at, (level, _))| look(if level.is_some() { at } else { LOOKS }))
        .collect();
    let radius = match map.rows.len() {
        5_001.. => 3.0,
        1_001.. => 4.5,
        _ => 6.5,
    };
    let drawing = html! {
        rect x="0.5" y="0.5" width=(SIZE - 1.0) height=(SIZE - 1.0) fill="#fff" stroke="#d8dee4" {}
        @for ((_, cells), (colour, square)) in levels.iter().zip(&looks) {
            path d=(dots(cells, &places)) fill="none" stroke=(colour) stroke-opacity="0.75"
                stroke-width=(radius) stroke-linecap=(if *square { "square" } else { "round" }) {}
        }
        @if named {
            @for (level, cells) in &levels {
                @let (x, y) = middle(cells, &places);
                text x=(x) y=(y) text-anchor=(anchor(x)) font-size="15" font-weight="600" stroke="#fff"
                    stroke-width="4" stroke-linejoin="round" paint-order="stroke" { (short(text(*level), NAME)) }
            }
        }
        text x=(SIZE - 8.0) y=(SIZE - 8.0) text-anchor="end" font-size="12" { "UMAP 1 →" }
        text x="16" y=(SIZE - 30.0) font-size="12" transform={ "rotate(-90 16 " (SIZE - 30.0) ")" } { "UMAP 2 →" }
    };
    let legend = levels
        .iter()
        .zip(&looks)
        .map(|((level, cells), &(colour, square))| Key {
            colour: colour.to_owned(),
            mark: if square { Mark::Square } else { Mark::Dot },
            text: format!("{} ({})", text(*level), cells.len()),
        })
        .collect();
    let mut data = Data::new(&["embedding_row", "umap_1", "umap_2", name]);
    for (&row, at) in map.rows.iter().zip(map.positions.chunks_exact(2)) {
        let value = factor.get(row).unwrap_or_default();
        data.push(vec![row.to_string(), format!("{:.4}", at[0]), format!("{:.4}", at[1]), value.to_owned()]);
    }
    Figure {
        name: format!("umap_{}", file_name(name)),
        size: (SIZE, SIZE),
        drawing,
        legend,
        caption: format!("Coloured by {name}. {}.", map.about),
        data,
    }
}

/// Positions in pixels, whole, one scale for both axes.
fn places(positions: &[f64]) -> Vec<(i32, i32)> {
    let range = |axis: usize| {
        let values = || positions.iter().skip(axis).step_by(2).copied();
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((x0, x1), (y0, y1)) = (range(0), range(1));
    let scale = (SIZE - 2.0 * MARGIN) / (x1 - x0).max(y1 - y0).max(1e-9);
    let place = |value: f64, low: f64, high: f64| SIZE / 2.0 + (value - (low + high) / 2.0) * scale;
    let pair = |point: &[f64]| {
        (place(point[0], x0, x1).round() as i32, (SIZE - place(point[1], y0, y1)).round() as i32)
    };
    positions.chunks_exact(2).map(pair).collect()
}

fn dots(cells: &[usize], places: &[(i32, i32)]) -> String {
    let mut path = String::with_capacity(cells.len() * 10);
    for &cell in cells {
        let _ = write!(path, "M{} {}h0", places[cell].0, places[cell].1);
    }
    path
}

fn middle(cells: &[usize], places: &[(i32, i32)]) -> (i32, i32) {
    let median = |of: fn(&(i32, i32)) -> i32| {
        let mut values: Vec<i32> = cells.iter().map(|&cell| of(&places[cell])).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    (median(|place| place.0), median(|place| place.1))
}

fn anchor(x: i32) -> &'static str {
    match x {
        ..140 => "start",
        500.. => "end",
        _ => "middle",
    }
}
