//! Does a method know how sure it is, and what does it gain by leaving cells unassigned?

use crate::classify::SplitScores;
use crate::metrics::calibration::{Bin, Point};
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::report::axes::{tick_label, ticks};
use panfoma_core::report::figure::{Data, Figure, Figures, Key, Mark};
use std::fmt::Write as _;

const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];
const SIZE: f64 = 400.0;
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 48.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;

/// A method of the drawing: its name for people, its colour, its place among the methods.
type Shown<'a> = (&'a str, &'a str, usize);

/// Reliability and coverage: two methods (name, place among the methods) are drawn, the data are those of all.
pub fn section(outcome: &Outcome, split: &SplitScores, shown: &[(&str, usize)], figures: &Figures) -> Markup {
    let shown: Vec<Shown> =
        shown.iter().zip(COLOURS).map(|((name, which), colour)| (*name, colour, *which)).collect();
    html! {
        h3 { "How sure, and how right" }
        div.maps {
            (figures.show(reliability(outcome, split, &shown)))
            (figures.show(coverage(outcome, split, &shown)))
        }
    }
}

fn legend(outcome: &Outcome, split: &SplitScores, shown: &[Shown], mark: Mark) -> Vec<Key> {
    let key = |&(name, colour, which): &Shown| {
        let ece = split.get("ece", &outcome.methods[which].name).and_then(|metric| metric.value);
        let text = match mark {
            Mark::Dot => format!("{name} (ECE {:.3})", ece.unwrap_or(0.0)),
            _ => name.to_owned(),
        };
        Key { colour: colour.to_owned(), mark, text }
    };
    shown.iter().map(key).collect()
}

/// On the diagonal, eight of ten cells that are called with 80 % are called right.
fn reliability(outcome: &Outcome, split: &SplitScores, shown: &[Shown]) -> Figure {
    let filled =
        |which: usize| split.reliability[which].iter().filter(|bin| bin.n > 0).collect::<Vec<&Bin>>();
    let most = shown.iter().flat_map(|shown| filled(shown.2)).map(|bin| bin.n).max().unwrap_or(1) as f64;
    let frame = Frame { x: (0.0, 1.0), y: (0.0, 1.0) };
    let marks = html! {
        path d=(frame.path(&[(0.0, 0.0), (1.0, 1.0)])) stroke="#57606a" stroke-dasharray="5 4" fill="none" {}
        @for &(name, colour, which) in shown {
            @let points: Vec<(f64, f64)> = filled(which).iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
            path d=(frame.path(&points)) stroke=(colour) stroke-width="1.5" stroke-opacity="0.6" fill="none" {}
            @for (bin, point) in filled(which).iter().zip(&points) {
                circle cx=(frame.px(point.0)) cy=(frame.py(point.1)) fill=(colour) fill-opacity="0.8"
                    r=(format!("{:.1}", 2.5 + 7.5 * (bin.n as f64 / most).sqrt())) {
                    title { (name) ": " (bin.n) " cells, called with " (format!("{:.3}", bin.confidence)) ", right " (format!("{:.3}", bin.accuracy)) }
                }
            }
        }
    };
    let mut data = Data::new(&["method", "low", "high", "cells", "mean_probability", "share_right"]);
    for (method, bins) in outcome.methods.iter().zip(&split.reliability) {
        for bin in bins {
            // Shortest digits that give the number back.
            let numbers = [bin.low, bin.high, bin.n as f64, bin.confidence, bin.accuracy];
            data.push(std::iter::once(method.name.clone()).chain(numbers.map(|x| x.to_string())).collect());
        }
    }
    Figure {
        name: format!("reliability_{}", split.split.name()),
        size: (SIZE, SIZE),
        drawing: frame.drawing(&marks, "probability of the likeliest class", "share that is right"),
        legend: legend(outcome, split, shown, Mark::Dot),
        caption: "Reliability: probability of the likeliest class against the share of cells that is right, in 15 bins; the \
                  area of a dot is its number of cells. Below the dashed line a method is surer than it should be."
            .to_owned(),
        data,
    }
}

/// From left to right, ever less certain cells are assigned.
fn coverage(outcome: &Outcome, split: &SplitScores, shown: &[Shown]) -> Figure {
    // The few surest cells would stretch the axis.
    let settled = |which: usize| split.coverage[which].iter().filter(|point| point.coverage >= 0.1);
    let lowest =
        shown.iter().flat_map(|shown| settled(shown.2)).map(|point| point.accuracy).fold(1.0, f64::min);
    let frame = Frame { x: (0.0, 1.0), y: ((lowest - 0.05).max(0.0), 1.0) };
    let line = |points: &[Point]| -> Vec<(f64, f64)> {
        points.iter().map(|p| (p.coverage, p.accuracy)).filter(|p| p.1 >= frame.y.0).collect()
    };
    let marks = html! {
        @for &(_, colour, which) in shown {
            @let line = line(&split.coverage[which]);
            path d=(frame.path(&line)) stroke=(colour) stroke-width="2" stroke-linejoin="round" fill="none" {}
            @if let Some(end) = line.last() { circle cx=(frame.px(end.0)) cy=(frame.py(end.1)) r="3.5" fill=(colour) {} }
        }
    };
    let mut data = Data::new(&["method", "share_assigned", "threshold", "accuracy"]);
    for (method, points) in outcome.methods.iter().zip(&split.coverage) {
        for point in points {
            let numbers = [point.coverage, point.threshold, point.accuracy];
            data.push(std::iter::once(method.name.clone()).chain(numbers.map(|x| x.to_string())).collect());
        }
    }
    Figure {
        name: format!("coverage_{}", split.split.name()),
        size: (SIZE, SIZE),
        drawing: frame.drawing(&marks, "share of cells assigned", "accuracy over them"),
        legend: legend(outcome, split, shown, Mark::Line),
        caption: "Accuracy where assigned: the surest cells first, every cell at the right end. A curve that falls from 1 shows \
                  where a threshold for “unassigned” pays."
            .to_owned(),
        data,
    }
}

/// Data ranges of a square frame.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    fn px(&self, value: f64) -> String {
        format!("{:.1}", LEFT + (value - self.x.0) / (self.x.1 - self.x.0) * (SIZE - LEFT - RIGHT))
    }

    fn py(&self, value: f64) -> String {
        format!("{:.1}", SIZE - BOTTOM - (value - self.y.0) / (self.y.1 - self.y.0) * (SIZE - BOTTOM - TOP))
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, self.px(*x), self.py(*y));
        }
        path
    }

    fn drawing(&self, marks: &Markup, x_title: &str, y_title: &str) -> Markup {
        let middle_x = (LEFT + SIZE - RIGHT) / 2.0;
        let middle_y = (TOP + SIZE - BOTTOM) / 2.0;
        html! {
            @for tick in ticks(self.y.0, self.y.1) {
                line x1=(LEFT) x2=(SIZE - RIGHT) y1=(self.py(tick)) y2=(self.py(tick)) stroke="#e6eaee" {}
                text x=(LEFT - 7.0) y=(self.py(tick)) dy="4" text-anchor="end" font-size="12" { (tick_label(tick)) }
            }
            @for tick in ticks(self.x.0, self.x.1) {
                line x1=(self.px(tick)) x2=(self.px(tick)) y1=(SIZE - BOTTOM) y2=(SIZE - BOTTOM + 5.0) stroke="#57606a" {}
                text x=(self.px(tick)) y=(SIZE - BOTTOM + 19.0) text-anchor="middle" font-size="12" { (tick_label(tick)) }
            }
            line x1=(LEFT) x2=(SIZE - RIGHT) y1=(SIZE - BOTTOM) y2=(SIZE - BOTTOM) stroke="#57606a" {}
            text x=(middle_x) y=(SIZE - 8.0) text-anchor="middle" font-size="13" { (x_title) }
            text x="14" y=(middle_y) text-anchor="middle" font-size="13" transform={ "rotate(-90 14 " (middle_y) ")" } { (y_title) }
            (marks)
        }
    }
}
