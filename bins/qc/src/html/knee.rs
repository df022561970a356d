//! Ranked counts of the cells of each sample, both axes logarithmic.

use super::scale::{Scale, round};
use super::summary::Group;
use maud::html;
use panfoma_core::report::figure::{Data, Figure, Key, Mark};
use panfoma_core::report::palette::{LOOKS, look};
use panfoma_core::report::short;
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 62.0;
const BOTTOM: f64 = 46.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;
/// Of samples without a colour.
const GREY: &str = "#b4b9bf";
/// Points of a line.
const POINTS: usize = 80;

/// Counts of a sample at ranks that lie evenly on a logarithmic axis: (rank from 1, counts).
pub fn ranked(group: &Group) -> Vec<(usize, f64)> {
    let mut totals = group.values(&|input, cell| input.metrics.total[cell]);
    totals.sort_by(|a, b| b.total_cmp(a));
    let last = totals.len() as f64;
    let rank = |point: usize| last.powf(point as f64 / (POINTS - 1) as f64).round() as usize;
    let mut ranks: Vec<usize> = (0..POINTS).map(rank).collect();
    ranks.dedup();
    ranks.retain(|&rank| (1..=totals.len()).contains(&rank));
    ranks.into_iter().map(|rank| (rank, totals[rank - 1])).collect()
}

/// A line for every sample; those of `named` have a colour and a place in the legend, the others are grey.
pub fn figure(groups: &[Group], named: &[usize]) -> Option<Figure> {
    let lines: Vec<Vec<(usize, f64)>> = groups.iter().map(ranked).collect();
    let points = || lines.iter().flatten();
    let y = Scale::of(points().map(|point| point.1), true, (HEIGHT - BOTTOM, TOP))?;
    let most = points().map(|point| point.0).max().unwrap_or(1) as f64;
    let x = Scale::of([1.0, most].into_iter(), true, (LEFT, WIDTH - RIGHT))?;
    let path = |line: &[(usize, f64)]| {
        let mut path = String::new();
        for (at, &(rank, total)) in line.iter().enumerate() {
            let letter = if at == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{} {}", x.place(rank as f64), y.place(total));
        }
        path
    };
    // Grey below the coloured.
    let grey: Vec<usize> = (0..groups.len()).filter(|at| !named.contains(at)).collect();
    let looks: Vec<(usize, (&str, bool))> =
        named.iter().enumerate().map(|(order, &group)| (group, look(order.min(LOOKS - 1)))).collect();
    let drawing = html! {
        @for (at, label) in y.ticks() {
            line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(at) y2=(at) stroke="#e6eaee" {}
            text x=(LEFT - 7.0) y=(round(at + 4.0)) text-anchor="end" font-size="12" { (label) }
        }
        @for (at, label) in x.ticks() {
            line x1=(at) x2=(at) y1=(TOP) y2=(HEIGHT - BOTTOM) stroke="#e6eaee" {}
            text x=(at) y=(HEIGHT - BOTTOM + 18.0) text-anchor="middle" font-size="12" { (label) }
        }
        text x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" font-size="13" { "rank of the cell in its sample" }
        text x="14" y=((HEIGHT - BOTTOM) / 2.0) text-anchor="middle" font-size="13"
            transform={ "rotate(-90 14 " ((HEIGHT - BOTTOM) / 2.0) ")" } { "total counts" }
        @for group in grey {
            path d=(path(&lines[group])) fill="none" stroke=(GREY) stroke-width="0.8" { title { (groups[group].name) } }
        }
        @for (group, (colour, dashed)) in &looks {
            path d=(path(&lines[*group])) fill="none" stroke=(colour) stroke-width="1.8" stroke-linejoin="round"
                stroke-dasharray=[dashed.then_some("6 3")] { title { (groups[*group].name) } }
        }
    };
    let mut data = Data::new(&["sample", "rank", "total counts"]);
    for (group, line) in groups.iter().zip(&lines) {
        for (rank, total) in line {
            data.push(vec![group.name.to_owned(), rank.to_string(), total.to_string()]);
        }
    }
    let key = |(group, (colour, dashed)): &(usize, (&str, bool))| Key {
        colour: (*colour).to_owned(),
        mark: if *dashed { Mark::Dashed } else { Mark::Line },
        text: short(groups[*group].name_within(), 32),
    };
    let others = (looks.len() < groups.len()).then(|| Key {
        colour: GREY.to_owned(),
        mark: Mark::Line,
        text: format!("{} other samples, grey", groups.len() - looks.len()),
    });
    Some(Figure {
        name: "knee".to_owned(),
        size: (WIDTH, HEIGHT),
        drawing,
        legend: looks.iter().map(key).chain(others).collect(),
        caption: "Total counts of the cells of each sample, ranked.".to_owned(),
        data,
    })
}
