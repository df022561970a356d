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
/// Height of a name on the map, pixels.
const LINE: i32 = 17;
/// Letters of a name.
pub const NAME: usize = 26;

/// The map coloured by `factor`, which is called `name`; `named` writes its levels on the map.
pub fn figure(map: &Map, factor: &Factor, name: &str, named: bool) -> Figure {
    let (places, height) = places(&map.positions);
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
    let name_of = |(level, cells): &(Option<usize>, Vec<usize>)| {
        let (x, y) = middle(cells, &places);
        Name { text: short(text(*level), NAME), x, y }
    };
    let names = apart(levels.iter().filter(|_| named).map(name_of).collect());
    let drawing = html! {
        rect x="0.5" y="0.5" width=(SIZE - 1.0) height=(height - 1.0) fill="#fff" stroke="#d8dee4" {}
        @for ((_, cells), (colour, square)) in levels.iter().zip(&looks) {
            path d=(dots(cells, &places)) fill="none" stroke=(colour) stroke-opacity="0.75"
                stroke-width=(radius) stroke-linecap=(if *square { "square" } else { "round" }) {}
        }
        @for name in &names {
            text x=(name.x) y=(name.y) text-anchor=(anchor(name.x)) font-size="15" font-weight="600" stroke="#fff"
                stroke-width="4" stroke-linejoin="round" paint-order="stroke" { (name.text) }
        }
        text x=(SIZE - 8.0) y=(height - 8.0) text-anchor="end" font-size="12" { "UMAP 1 →" }
        text x="16" y=(height - 30.0) font-size="12" transform={ "rotate(-90 16 " (height - 30.0) ")" } { "UMAP 2 →" }
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
        size: (SIZE, height),
        drawing,
        legend,
        caption: format!("Coloured by {name}. {}.", map.about),
        data,
    }
}

/// Positions in pixels, whole, one scale for both axes; and the height of the frame, no more than is needed.
fn places(positions: &[f64]) -> (Vec<(i32, i32)>, f64) {
    let range = |axis: usize| {
        let values = || positions.iter().skip(axis).step_by(2).copied();
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((x0, x1), (y0, y1)) = (range(0), range(1));
    let scale = (SIZE - 2.0 * MARGIN) / (x1 - x0).max(y1 - y0).max(1e-9);
    let height = ((y1 - y0) * scale + 2.0 * MARGIN).clamp(SIZE / 2.0, SIZE).ceil();
    let place =
        |value: f64, low: f64, high: f64, size: f64| size / 2.0 + (value - (low + high) / 2.0) * scale;
    let pair = |point: &[f64]| {
        let (x, y) = (place(point[0], x0, x1, SIZE), place(point[1], y0, y1, height));
        (x.round() as i32, (height - y).round() as i32)
    };
    (positions.chunks_exact(2).map(pair).collect(), height)
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

/// A level's name on the map.
struct Name {
    text: String,
    x: i32,
    y: i32,
}

impl Name {
    /// From where to where it reaches: bold letters of 15 pixels are about nine wide.
    fn reach(&self) -> (i32, i32) {
        let width = 9 * self.text.chars().count() as i32;
        match anchor(self.x) {
            "start" => (self.x, self.x + width),
            "end" => (self.x - width, self.x),
            _ => (self.x - width / 2, self.x + width / 2),
        }
    }

    fn hides(&self, other: &Self) -> bool {
        let ((from, to), (other_from, other_to)) = (self.reach(), other.reach());
        from < other_to && other_from < to && (self.y - other.y).abs() < LINE
    }
}

/// Names that would lie on another go below it; the first stay.
fn apart(names: Vec<Name>) -> Vec<Name> {
    let mut placed: Vec<Name> = Vec::with_capacity(names.len());
    for mut name in names {
        while let Some(hidden) = placed.iter().find(|other| name.hides(other)) {
            name.y = hidden.y + LINE;
        }
        placed.push(name);
    }
    placed
}

fn anchor(x: i32) -> &'static str {
    match x {
        ..140 => "start",
        500.. => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plasmablasts and B cells of one tumour have one middle.
    #[test]
    fn names_that_would_hide_one_another_lie_apart() {
        let name = |text: &str, x, y| Name { text: text.to_owned(), x, y };
        let names = [
            name("Plasmablasts", 170, 105),
            name("B-cells", 160, 108),
            name("Normal", 200, 120),
            name("CAFs", 400, 106),
        ];
        let placed = apart(names.into());
        let at: Vec<(i32, i32)> = placed.iter().map(|name| (name.x, name.y)).collect();
        assert_eq!(at, [(170, 105), (160, 122), (200, 139), (400, 106)]);
        assert!(placed.iter().enumerate().all(|(i, a)| placed[..i].iter().all(|b| !a.hides(b))));
    }
}
