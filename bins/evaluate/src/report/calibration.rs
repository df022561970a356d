//! Does a method know how sure it is, and what does it gain by leaving cells unassigned?

use crate::classify::SplitScores;
use crate::metrics::calibration::{Bin, Point};
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::report::axes::{tick_label, ticks};
use std::fmt::Write as _;

const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];
const SIZE: f64 = 400.0;
const LEFT: f64 = 58.0;
const BOTTOM: f64 = 48.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;

/// Reliability and coverage of these methods (name, place among the methods), two at most.
pub fn section(outcome: &Outcome, split: &SplitScores, shown: &[(&str, usize)]) -> Markup {
    let named = || shown.iter().zip(COLOURS);
    let ece = |which: usize| {
        let metric = split.get("ece", &outcome.methods[which].name).and_then(|metric| metric.value);
        metric.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
    };
    html! {
        h3 { "How sure, and how right" }
        div.maps {
            (reliability(&named().map(|((name, which), colour)| (*name, colour, split.reliability[*which].as_slice())).collect::<Vec<_>>()))
            (coverage(&named().map(|((name, which), colour)| (*name, colour, split.coverage[*which].as_slice())).collect::<Vec<_>>()))
        }
        ul.legend {
            @for ((name, which), colour) in named() {
                li {
                    svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" { circle cx="6" cy="6" r="5" fill=(colour) {} }
                    (name) ", expected calibration error " (ece(*which))
                }
            }
        }
    }
}

/// On the diagonal, eight of ten cells that are called with 80 % are called right.
fn reliability(curves: &[(&str, &str, &[Bin])]) -> Markup {
    let most = curves.iter().flat_map(|curve| curve.2).map(|bin| bin.n).max().unwrap_or(1).max(1) as f64;
    let frame = Frame { x: (0.0, 1.0), y: (0.0, 1.0) };
    let marks = html! {
        path d=(frame.path(&[(0.0, 0.0), (1.0, 1.0)])) stroke="#57606a" stroke-dasharray="5 4" fill="none" {}
        @for (name, colour, bins) in curves {
            @let filled: Vec<&Bin> = bins.iter().filter(|bin| bin.n > 0).collect();
            @let points: Vec<(f64, f64)> = filled.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
            path d=(frame.path(&points)) stroke=(colour) stroke-width="1.5" stroke-opacity="0.6" fill="none" {}
            @for (bin, point) in filled.iter().zip(&points) {
                circle cx=(frame.px(point.0)) cy=(frame.py(point.1)) fill=(colour) fill-opacity="0.8"
                    r=(format!("{:.1}", 2.5 + 7.5 * (bin.n as f64 / most).sqrt())) {
                    title { (name) ": " (bin.n) " cells, called with " (format!("{:.3}", bin.confidence)) ", right " (format!("{:.3}", bin.accuracy)) }
                }
            }
        }
    };
    let caption = "Reliability: probability of the likeliest class against the share of cells that is right, in 15 bins; \
                   the area of a dot is its number of cells. Below the dashed line a method is surer than it should be.";
    frame.figure(&marks, "probability of the likeliest class", "share that is right", caption)
}

/// From left to right, ever less certain cells are assigned.
fn coverage(curves: &[(&str, &str, &[Point])]) -> Markup {
    let accuracies =
        || curves.iter().flat_map(|curve| curve.2).filter(|p| p.coverage >= 0.1).map(|p| p.accuracy);
    let low = accuracies().fold(1.0, f64::min);
    let frame = Frame { x: (0.0, 1.0), y: ((low - 0.05).max(0.0), 1.0) };
    let marks = html! {
        @for (_, colour, points) in curves {
            @let line: Vec<(f64, f64)> = points.iter().map(|p| (p.coverage, p.accuracy)).filter(|p| p.1 >= frame.y.0).collect();
            path d=(frame.path(&line)) stroke=(colour) stroke-width="2" stroke-linejoin="round" fill="none" {}
            @if let Some(end) = line.last() {
                circle cx=(frame.px(end.0)) cy=(frame.py(end.1)) r="3.5" fill=(colour) {}
            }
        }
    };
    let caption = "Accuracy where assigned: the surest cells first, every cell at the right end. A curve that falls from 1 \
                   shows where a threshold for “unassigned” pays.";
    frame.figure(&marks, "share of cells assigned", "accuracy over them", caption)
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

    fn figure(&self, marks: &Markup, x_title: &str, y_title: &str, caption: &str) -> Markup {
        let middle_x = (LEFT + SIZE - RIGHT) / 2.0;
        let middle_y = (TOP + SIZE - BOTTOM) / 2.0;
        html! {
            figure {
                svg viewBox={ "0 0 " (SIZE) " " (SIZE) } width=(SIZE) role="img" aria-label=(caption) {
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
                figcaption.caption { (caption) }
            }
        }
    }
}
