//! LISI of single cells by label: which types mix their batches, and which lie among others.

use crate::factor::Factor;
use crate::integration::{CONTROL, EMBEDDING, Neighborhoods, OfCells};
use maud::{Markup, html};
use panfoma_core::report::axes::{tick_label, ticks};
use panfoma_core::report::figure::{Data, Figure, Figures, Key, Mark};
use panfoma_core::report::short;

/// Labels that are drawn, the largest.
const MOST_LABELS: usize = 40;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 222.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 8.0;
/// Of a label, and between its spaces.
const ROW: f64 = 26.0;
const APART: f64 = 9.0;

/// Of the batches and of the labels, where they are known.
pub fn figures(of_cells: &OfCells, figures: &Figures) -> Markup {
    let n = |factor: Option<&Factor>| factor.map_or(0, |factor| factor.levels.len());
    let kinds: [(&str, &str, usize, fn(&Neighborhoods) -> Option<&Vec<f64>>); 2] = [
        ("lisi_batch", "batches", n(of_cells.batch), |of| of.lisi_batch.as_ref()),
        ("lisi_label", "labels", n(Some(of_cells.label)), |of| of.lisi_label.as_ref()),
    ];
    html! {
        @for (name, what, n_groups, of) in kinds.into_iter().filter(|kind| kind.2 > 1) {
            @if let Some(figure) = figure(name, what, n_groups, of_cells, of) { (figures.show(figure)) }
        }
    }
}

/// A space's values by label.
struct Space {
    title: &'static str,
    colour: &'static str,
    by_label: Vec<Vec<f64>>,
}

fn figure(
    name: &str,
    what: &str,
    n_groups: usize,
    of_cells: &OfCells,
    of: fn(&Neighborhoods) -> Option<&Vec<f64>>,
) -> Option<Figure> {
    let space = |(method, found): &(&str, Neighborhoods)| {
        let (title, colour) = match *method {
            EMBEDDING => ("embedding", "#0072b2"),
            CONTROL => ("PCA of counts", "#57606a"),
            _ => return None,
        };
        Some(Space { title, colour, by_label: of_cells.by_label(of(found)?) })
    };
    let spaces: Vec<Space> = of_cells.spaces.iter().filter_map(space).collect();
    let n_cells = |label: usize| spaces[0].by_label[label].len();
    let mut drawn: Vec<usize> = (0..spaces.first()?.by_label.len()).filter(|&at| n_cells(at) > 0).collect();
    let n_labels = drawn.len();
    drawn.sort_by_key(|&label| std::cmp::Reverse(n_cells(label)));
    drawn.truncate(MOST_LABELS);
    drawn.sort_unstable();
    let bottom = TOP + ROW * drawn.len() as f64;
    let x = |value: f64| {
        let share = (value - 1.0) / (n_groups - 1) as f64;
        format!("{:.1}", LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT))
    };
    let boxes: Vec<Span> =
        drawn.iter().enumerate().flat_map(|(row, &label)| boxes(&spaces, row, label)).collect();
    let mut data = Data::new(&["label", "space", "cells", "lower_quartile", "median", "upper_quartile"]);
    for found in &boxes {
        let label = drawn[found.row];
        let start = [
            of_cells.label.levels[label].clone(),
            found.space.title.to_owned(),
            found.space.by_label[label].len().to_string(),
        ];
        data.push(start.into_iter().chain(found.quartiles.map(|x| format!("{x:.4}"))).collect());
    }
    let drawing = html! {
        @for tick in ticks(1.0, n_groups as f64) {
            line x1=(x(tick)) x2=(x(tick)) y1=(TOP) y2=(bottom) stroke="#e6eaee" {}
            text x=(x(tick)) y=(bottom + 16.0) text-anchor="middle" font-size="12" { (tick_label(tick)) }
        }
        text x=((LEFT + WIDTH - RIGHT) / 2.0) y=(bottom + 36.0) text-anchor="middle" font-size="13" { "LISI of " (what) ", of " (n_groups) }
        @for (row, &label) in drawn.iter().enumerate() {
            @let middle = TOP + ROW * (row as f64 + 0.5);
            text x=(LEFT - 12.0) y=(middle + 4.5) text-anchor="end" font-size="12.5" { (short(&of_cells.label.levels[label], 28)) }
        }
        @for found in &boxes {
            @let (y, colour) = (TOP + ROW * (found.row as f64 + 0.5) + found.shift, found.space.colour);
            @let [low, median, high] = found.quartiles.map(x);
            line x1=(low) x2=(high) y1=(y) y2=(y) stroke=(colour) stroke-width="4" {}
            circle cx=(median) cy=(y) r="3.6" fill="#fff" stroke=(colour) stroke-width="1.8" {}
        }
    };
    let all = match n_labels > drawn.len() {
        true => format!(
            " The {} largest of {n_labels} labels; the data of all cells are in neighborhoods.parquet.",
            drawn.len()
        ),
        false => String::new(),
    };
    Some(Figure {
        name: name.to_owned(),
        size: (WIDTH, bottom + 44.0),
        drawing,
        legend: spaces
            .iter()
            .map(|space| Key {
                colour: space.colour.to_owned(),
                mark: Mark::Line,
                text: space.title.to_owned(),
            })
            .collect(),
        caption: format!(
            "How many {what} the 90 nearest of a cell effectively hold (LISI): quartiles and median of each label's cells.{all}"
        ),
        data,
    })
}

/// The quartiles of a label in a space.
struct Span<'a> {
    row: usize,
    space: &'a Space,
    /// Pixels below the middle of the row.
    shift: f64,
    quartiles: [f64; 3],
}

fn boxes(spaces: &[Space], row: usize, label: usize) -> impl Iterator<Item = Span<'_>> {
    let middle = (spaces.len() - 1) as f64 / 2.0;
    spaces.iter().enumerate().filter_map(move |(at, space)| {
        let quartiles = quartiles(&space.by_label[label])?;
        Some(Span { row, space, shift: APART * (at as f64 - middle), quartiles })
    })
}

fn quartiles(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    (!sorted.is_empty()).then(|| [at(0.25), at(0.5), at(0.75)])
}
