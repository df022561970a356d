//! Densities of a metric, one violin a sample, with the thresholds that judge it.

use super::scale::{Scale, significant};
use super::summary::Group;
use crate::Measured;
use crate::outliers::median;
use maud::html;
use panfoma_core::report::figure::{Data, Figure, Key, Mark, file_name};
use panfoma_core::report::palette::look;
use panfoma_core::report::short;
use std::fmt::Write as _;

const HEIGHT: f64 = 250.0;
const LEFT: f64 = 62.0;
const PAGE: f64 = 1_056.0;
const TOP: f64 = 10.0;
/// Letters of a sample's name.
const LETTERS: usize = 18;
/// Points along a violin's height.
const POINTS: usize = 96;

/// A metric of cells.
pub struct Metric<'a> {
    /// What the axis says.
    pub title: &'a str,
    /// Of a cell; NaN leaves it out.
    pub value: &'a dyn Fn(&Measured, usize) -> f64,
    /// Thresholds of a group.
    pub limits: &'a dyn Fn(&Group) -> Vec<f64>,
    /// Drawn by logarithms; values below 1 lie at 1.
    pub log: bool,
}

/// The violins of these groups, coloured by study; nothing if no cell has a value.
pub fn figure(groups: &[&Group], metric: &Metric) -> Option<Figure> {
    let values: Vec<Vec<f64>> = groups.iter().map(|group| group.values(metric.value)).collect();
    let scale = Scale::of(values.iter().flatten().copied(), metric.log, (HEIGHT, TOP))?;
    let outlines: Vec<Vec<(f64, f64)>> = values.iter().map(|values| outline(values, &scale)).collect();
    let step = ((PAGE - LEFT) / (groups.len() as f64 + 1.0)).clamp(30.0, 110.0);
    let letters = groups.iter().map(|group| group.name_within().chars().count().min(LETTERS)).max();
    let letters = letters.unwrap_or(0) as f64;
    let slanted = step <= letters * 7.0;
    let names = if slanted { letters * 4.9 + 16.0 } else { 22.0 };
    // The first names reach to the left of their violins.
    let reach = |(at, group): (usize, &&Group)| {
        group.name_within().chars().count().min(LETTERS) as f64 * 5.4 - step * (at as f64 + 0.5)
    };
    let left = if slanted { groups.iter().enumerate().map(reach).fold(LEFT, f64::max) } else { LEFT };
    let width = left + step * groups.len() as f64 + 14.0;
    let x = |at: usize| left + step * (at as f64 + 0.5);
    let drawing = html! {
        @for (y, label) in scale.ticks() {
            line x1=(left) x2=(width - 4.0) y1=(y) y2=(y) stroke="#e6eaee" {}
            text x=(left - 7.0) y=(y + 4.0) text-anchor="end" font-size="12" { (label) }
        }
        text x=(left - 48.0) y=(HEIGHT / 2.0) text-anchor="middle" font-size="13" transform={ "rotate(-90 " (left - 48.0) " " (HEIGHT / 2.0) ")" } { (metric.title) }
        @for (at, ((group, values), outline)) in groups.iter().zip(&values).zip(&outlines).enumerate() {
            @let colour = look(group.at).0;
            g {
                title { (group.name) ": " (values.len()) " cells" @if !values.is_empty() { ", median " (super::number(median(&mut values.clone()))) } }
                path d=(path(outline, &scale, x(at), step * 0.44)) fill=(colour) fill-opacity="0.35" stroke=(colour) stroke-width="1" {}
                @if let Some([low, middle, high]) = quartiles(values) {
                    line x1=(x(at)) x2=(x(at)) y1=(scale.place(low)) y2=(scale.place(high)) stroke="#1b1f24" stroke-width="3" {}
                    circle cx=(x(at)) cy=(scale.place(middle)) r="3.4" fill="#fff" stroke="#1b1f24" stroke-width="1.3" {}
                }
                @for limit in (metric.limits)(group).into_iter().filter(|&limit| scale.holds(limit)) {
                    line x1=(x(at) - step / 2.0) x2=(x(at) + step / 2.0) y1=(scale.place(limit)) y2=(scale.place(limit))
                        stroke="#b3261e" stroke-width="1.4" stroke-dasharray="5 3" {}
                }
            }
            @if slanted {
                text x=(x(at) + 4.0) y=(HEIGHT + 12.0) text-anchor="end" font-size="11.5"
                    transform={ "rotate(-40 " (x(at) + 4.0) " " (HEIGHT + 12.0) ")" } { (short(group.name_within(), LETTERS)) }
            } @else {
                text x=(x(at)) y=(HEIGHT + 15.0) text-anchor="middle" font-size="11.5" { (short(group.name_within(), LETTERS)) }
            }
        }
    };
    let mut studies: Vec<(usize, &str)> = groups.iter().map(|group| (group.at, group.study)).collect();
    studies.dedup();
    let key = |&(at, study): &(usize, &str)| Key {
        colour: look(at).0.to_owned(),
        mark: Mark::Square,
        text: short(study, 40),
    };
    Some(Figure {
        name: format!("violins_{}", file_name(metric.title)),
        size: (width, HEIGHT + names),
        drawing,
        legend: if studies.len() > 1 { studies.iter().map(key).collect() } else { Vec::new() },
        caption: format!("{} by sample: quartiles, median, thresholds (dashed).", metric.title),
        data: data(groups, metric, &values, &outlines, &scale),
    })
}

/// Quartiles, thresholds and the outline of every violin.
fn data(
    groups: &[&Group],
    metric: &Metric,
    values: &[Vec<f64>],
    outlines: &[Vec<(f64, f64)>],
    scale: &Scale,
) -> Data {
    let mut data = Data::new(&["sample", "cells", "mark", metric.title, "density"]);
    for ((group, values), outline) in groups.iter().zip(values).zip(outlines) {
        let mut push = |mark: &str, value: f64, density: String| {
            let (sample, cells) = (group.name.to_owned(), values.len().to_string());
            data.push(vec![sample, cells, mark.to_owned(), significant(value), density]);
        };
        if let Some(quartiles) = quartiles(values) {
            let names = ["lower quartile", "median", "upper quartile"];
            names.iter().zip(quartiles).for_each(|(name, value)| push(name, value, String::new()));
        }
        (metric.limits)(group).into_iter().for_each(|limit| push("threshold", limit, String::new()));
        for &(share, density) in outline {
            push("outline", scale.value(share), format!("{density:.4}"));
        }
    }
    data
}

fn quartiles(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    (!sorted.is_empty()).then(|| [at(0.25), at(0.5), at(0.75)])
}

/// A Gaussian kernel of Silverman's width over a histogram: shares of the axis and densities, 1 at the widest place.
fn outline(values: &[f64], scale: &Scale) -> Vec<(f64, f64)> {
    if values.is_empty() {
        return Vec::new();
    }
    let shares: Vec<f64> = values.iter().map(|&value| scale.share(value)).collect();
    let n = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / n;
    let deviation = (shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / n).sqrt();
    let bandwidth = (0.9 * deviation * n.powf(-0.2)).max(0.6 / POINTS as f64);
    let mut counts = vec![0.0; POINTS];
    shares.iter().for_each(|share| counts[((share * POINTS as f64) as usize).min(POINTS - 1)] += 1.0);
    let centre = |bin: usize| (bin as f64 + 0.5) / POINTS as f64;
    let density = |bin: usize| -> f64 {
        let kernel = |other: usize| (-0.5 * ((centre(bin) - centre(other)) / bandwidth).powi(2)).exp();
        counts.iter().enumerate().filter(|(_, n)| **n > 0.0).map(|(other, n)| n * kernel(other)).sum()
    };
    let (low, high) = shares.iter().fold((1.0_f64, 0.0_f64), |(low, high), &s| (low.min(s), high.max(s)));
    let shown: Vec<(f64, f64)> = (0..POINTS)
        .filter(|&bin| centre(bin) >= low - 0.5 / POINTS as f64 && centre(bin) <= high + 0.5 / POINTS as f64)
        .map(|bin| (centre(bin), density(bin)))
        .collect();
    let most = shown.iter().map(|point| point.1).fold(1e-12, f64::max);
    shown.into_iter().map(|(share, density)| (share, density / most)).collect()
}

/// Up one side and down the other; the widest place has the half width given.
fn path(outline: &[(f64, f64)], scale: &Scale, x: f64, half: f64) -> String {
    let mut path = String::new();
    let sides =
        outline.iter().map(|point| (point, 1.0)).chain(outline.iter().rev().map(|point| (point, -1.0)));
    for (at, (&(share, density), side)) in sides.enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{:.1} {:.1}", x + side * half * density, scale.at_share(share));
    }
    if path.is_empty() { path } else { path + "Z" }
}
