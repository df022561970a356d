//! Lines over training steps, and intervals of several methods, with axes.

use maud::html;
use panfoma_core::report::axes::{tick_label, ticks};
use panfoma_core::report::figure::{Data, Figure, Key, Mark};
use std::fmt::Write as _;

/// One line.
pub struct Line {
    /// For the legend.
    pub name: String,
    /// Of the stroke.
    pub colour: &'static str,
    /// Drawn dashed?
    pub dashed: bool,
    /// (step, value).
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 46.0;
const TOP: f64 = 14.0;
const RIGHT: f64 = 16.0;

/// Lines in one frame.
pub fn figure(name: &str, lines: &[Line], x_title: &str, y_title: &str, caption: &str) -> Figure {
    let points = || lines.iter().flat_map(|line| &line.points);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let low = points().map(of).fold(f64::INFINITY, f64::min);
        let high = points().map(of).fold(f64::NEG_INFINITY, f64::max);
        if high > low { (low, high) } else { (low - 0.5, high + 0.5) }
    };
    let (x0, x1) = bounds(|point| point.0);
    let (low, high) = bounds(|point| point.1);
    let (y0, y1) = (low - 0.04 * (high - low), high + 0.04 * (high - low));
    let x = |value: f64| LEFT + (value - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - (value - y0) / (y1 - y0) * (HEIGHT - BOTTOM - TOP);
    let path = |line: &Line| {
        let mut path = String::new();
        for (at, point) in line.points.iter().enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if at == 0 { 'M' } else { 'L' }, x(point.0), y(point.1));
        }
        path
    };
    let mut data = Data::new(&["line", x_title, y_title]);
    for line in lines {
        for (x, y) in &line.points {
            data.push(vec![line.name.clone(), x.to_string(), y.to_string()]);
        }
    }
    let legend = lines
        .iter()
        .map(|line| Key {
            colour: line.colour.to_owned(),
            mark: if line.dashed { Mark::Dashed } else { Mark::Line },
            text: line.name.clone(),
        })
        .collect();
    let drawing = html! {
                @for tick in ticks(y0, y1) {
                    line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(format!("{:.1}", y(tick))) y2=(format!("{:.1}", y(tick))) stroke="#e6eaee" {}
                    text x=(LEFT - 7.0) y=(format!("{:.1}", y(tick) + 4.0)) text-anchor="end" font-size="12" { (tick_label(tick)) }
                }
                @for tick in ticks(x0, x1) {
                    line x1=(format!("{:.1}", x(tick))) x2=(format!("{:.1}", x(tick))) y1=(HEIGHT - BOTTOM) y2=(HEIGHT - BOTTOM + 5.0) stroke="#57606a" {}
                    text x=(format!("{:.1}", x(tick))) y=(HEIGHT - BOTTOM + 19.0) text-anchor="middle" font-size="12" { (tick_label(tick)) }
                }
                line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(HEIGHT - BOTTOM) y2=(HEIGHT - BOTTOM) stroke="#57606a" {}
                text x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" font-size="13" { (x_title) }
                text x="15" y=((HEIGHT - BOTTOM) / 2.0) text-anchor="middle" font-size="13"
                    transform={ "rotate(-90 15 " ((HEIGHT - BOTTOM) / 2.0) ")" } { (y_title) }
                @for line in lines {
                    path d=(path(line)) fill="none" stroke=(line.colour) stroke-width="2" stroke-linejoin="round"
                        stroke-dasharray=[line.dashed.then_some("6 4")] {}
                    @if line.points.len() <= 40 && !line.dashed {
                        @for point in &line.points {
                            circle cx=(format!("{:.1}", x(point.0))) cy=(format!("{:.1}", y(point.1))) r="2.6" fill=(line.colour) {}
                        }
                    }
                }
    };
    Figure {
        name: name.to_owned(),
        size: (WIDTH, HEIGHT),
        drawing,
        legend,
        caption: caption.to_owned(),
        data,
    }
}

/// A value with its interval, per method.
pub struct Whisker {
    /// The method.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
    /// Is it the model?
    pub is_model: bool,
}

/// Values with intervals, one a line, on a scale from 0 to 1.
pub fn whiskers(name: &str, rows: &[Whisker], title: &str, caption: &str) -> Figure {
    let (left, right, row_height, top) = (252.0, 60.0, 30.0, 8.0);
    let width = 760.0;
    let bottom = top + row_height * rows.len() as f64;
    let x = |value: f64| left + value.clamp(0.0, 1.0) * (width - left - right);
    let px = |value: f64| format!("{:.1}", x(value));
    let mut data = Data::new(&["method", title, "ci_low", "ci_high"]);
    for row in rows {
        let end = |of: fn((f64, f64)) -> f64| row.interval.map_or_else(String::new, |i| of(i).to_string());
        data.push(vec![row.name.clone(), row.value.to_string(), end(|i| i.0), end(|i| i.1)]);
    }
    let drawing = html! {
                @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    line x1=(px(tick)) x2=(px(tick)) y1=(top) y2=(bottom) stroke="#e6eaee" {}
                    text x=(px(tick)) y=(bottom + 16.0) text-anchor="middle" font-size="12" { (tick_label(tick)) }
                }
                text x=((left + width - right) / 2.0) y=(bottom + 36.0) text-anchor="middle" font-size="13" { (title) }
                @for (at, row) in rows.iter().enumerate() {
                    @let y = top + row_height * (at as f64 + 0.5);
                    @let colour = if row.is_model { "#0072b2" } else { "#57606a" };
                    text x=(left - 12.0) y=(y + 4.5) text-anchor="end" font-size="13" font-weight=(if row.is_model { "700" } else { "400" }) { (row.name) }
                    @if let Some((low, high)) = row.interval {
                        line x1=(px(low)) x2=(px(high)) y1=(y) y2=(y) stroke=(colour) stroke-width="2.5" {}
                        @for end in [low, high] { line x1=(px(end)) x2=(px(end)) y1=(y - 5.0) y2=(y + 5.0) stroke=(colour) stroke-width="2" {} }
                    }
                    circle cx=(px(row.value)) cy=(y) r="5" fill=(colour) {}
                    text x=(width - right + 10.0) y=(y + 4.5) font-size="13" { (format!("{:.3}", row.value)) }
                }
    };
    Figure {
        name: name.to_owned(),
        size: (width, bottom + 44.0),
        drawing,
        legend: Vec::new(),
        caption: caption.to_owned(),
        data,
    }
}
