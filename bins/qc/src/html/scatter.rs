//! Counts against genes of a study's cells, coloured by their mitochondrial share.

use super::scale::{Scale, round, significant};
use super::summary::Group;
use crate::filters::Rule;
use maud::html;
use panfoma_core::report::figure::{Data, Figure, Key, Mark, file_name};
use panfoma_core::report::short;
use panfoma_core::rng::{Philox, name_hash};
use std::fmt::Write as _;

const SIZE: (f64, f64) = (470.0, 400.0);
const LEFT: f64 = 54.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 26.0;
const RIGHT: f64 = 10.0;
/// Cells of a study that are drawn.
pub const MOST_CELLS: usize = 3_000;
/// Names this use of the seed.
const PURPOSE: u32 = 0x7163_7363;
/// From dark to bright (viridis), and the percentage that each begins with.
pub const COLOURS: [(f64, &str); 6] = [
    (0.0, "#440154"),
    (2.5, "#414487"),
    (5.0, "#2a788e"),
    (10.0, "#22a884"),
    (20.0, "#c9b400"),
    (40.0, "#e06a1b"),
];

/// At most MOST_CELLS cells, chosen by the seed, the study's name and the cell's place in it.
pub fn sampled(group: &Group, seed: u64) -> Vec<(u32, u32)> {
    let mut cells = group.cells.clone();
    if cells.len() > MOST_CELLS {
        let (philox, study) = (Philox::new(seed), name_hash(group.name));
        let key = |&(input, cell): &(u32, u32)| {
            let block = philox.block([cell, PURPOSE ^ input, study as u32, (study >> 32) as u32]);
            (block[0], block[1], input, cell)
        };
        cells.select_nth_unstable_by_key(MOST_CELLS - 1, key);
        cells.truncate(MOST_CELLS);
        cells.sort_unstable();
    }
    cells
}

/// One study. limits: (fewest genes, most genes, fewest counts, most counts).
pub fn figure(group: &Group, limits: [Option<f64>; 4], seed: u64) -> Option<Figure> {
    let cells = sampled(group, seed);
    let (width, height) = SIZE;
    let genes = |cell: (u32, u32)| f64::from(group.input(cell).metrics.n_genes[cell.1 as usize]);
    let total = |cell: (u32, u32)| group.input(cell).metrics.total[cell.1 as usize];
    let y = Scale::of(cells.iter().map(|&cell| genes(cell)), true, (height - BOTTOM, TOP))?;
    let x = Scale::of(cells.iter().map(|&cell| total(cell)), true, (LEFT, width - RIGHT))?;
    let mut dots = vec![String::new(); COLOURS.len()];
    for &cell in &cells {
        let share = group.input(cell).metrics.pct_mt(cell.1 as usize);
        let colour = COLOURS.iter().rposition(|(from, _)| share >= *from).unwrap_or(0);
        let (x, y) = (x.place(total(cell)), y.place(genes(cell)));
        let _ = write!(dots[colour], "M{x} {y}h0");
    }
    let [min_genes, max_genes, min_counts, max_counts] = limits;
    let across = [min_genes, max_genes].into_iter().flatten().filter(|&limit| y.holds(limit));
    let upright = [min_counts, max_counts].into_iter().flatten().filter(|&limit| x.holds(limit));
    let drawing = html! {
        text x=(LEFT) y="15" font-size="13" font-weight="600" { (short(group.name, 48)) }
        @for (at, label) in y.ticks() {
            line x1=(LEFT) x2=(width - RIGHT) y1=(at) y2=(at) stroke="#e6eaee" {}
            text x=(LEFT - 6.0) y=(round(at + 4.0)) text-anchor="end" font-size="11.5" { (label) }
        }
        @for (at, label) in x.ticks() {
            line x1=(at) x2=(at) y1=(TOP) y2=(height - BOTTOM) stroke="#e6eaee" {}
            text x=(at) y=(height - BOTTOM + 16.0) text-anchor="middle" font-size="11.5" { (label) }
        }
        text x=((LEFT + width - RIGHT) / 2.0) y=(height - 8.0) text-anchor="middle" font-size="12.5" { "total counts" }
        text x="13" y=((height - BOTTOM) / 2.0) text-anchor="middle" font-size="12.5"
            transform={ "rotate(-90 13 " ((height - BOTTOM) / 2.0) ")" } { "genes" }
        @for (dots, (_, colour)) in dots.iter().zip(COLOURS).filter(|(dots, _)| !dots.is_empty()) {
            path d=(dots) fill="none" stroke=(colour) stroke-opacity="0.7" stroke-width="3" stroke-linecap="round" {}
        }
        @for limit in across {
            line x1=(LEFT) x2=(width - RIGHT) y1=(y.place(limit)) y2=(y.place(limit)) stroke="#b3261e" stroke-width="1.4" stroke-dasharray="5 3" {}
        }
        @for limit in upright {
            line x1=(x.place(limit)) x2=(x.place(limit)) y1=(TOP) y2=(height - BOTTOM) stroke="#b3261e" stroke-width="1.4" stroke-dasharray="5 3" {}
        }
    };
    Some(Figure {
        name: format!("counts_and_genes_{}", file_name(group.name)),
        size: SIZE,
        drawing,
        legend: legend(),
        caption: format!(
            "Total counts and genes of cells of {}; colours: mitochondrial counts, dashed: thresholds.",
            group.name
        ),
        data: data(group, &cells),
    })
}

fn data(group: &Group, cells: &[(u32, u32)]) -> Data {
    let mut data =
        Data::new(&["sample", "cell", "total_counts", "n_genes_by_counts", "pct_counts_mt", "removed_by"]);
    for &cell in cells {
        let (input, at) = (group.input(cell), cell.1 as usize);
        let samples = &input.study.samples;
        data.push(vec![
            samples.names[samples.codes[at] as usize].clone(),
            input.cells.index[at].clone(),
            input.metrics.total[at].to_string(),
            input.metrics.n_genes[at].to_string(),
            significant(input.metrics.pct_mt(at)),
            input.rules[at].map_or("", Rule::name).to_owned(),
        ]);
    }
    data
}

/// What the colours say.
fn legend() -> Vec<Key> {
    let key = |(at, (from, colour)): (usize, &(f64, &str))| Key {
        colour: (*colour).to_owned(),
        mark: Mark::Dot,
        text: match COLOURS.get(at + 1) {
            Some((to, _)) => format!("{from}–{to} %"),
            None => format!("{from} % and more"),
        },
    };
    COLOURS.iter().enumerate().map(key).collect()
}
