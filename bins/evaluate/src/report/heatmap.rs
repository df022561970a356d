//! The confusion matrix as shares of each true class.

use super::scatter::NAME;
use crate::metrics::classification::Confusion;
use maud::html;
use panfoma_core::report::figure::{Data, Figure};
use panfoma_core::report::short;

/// White to blue; dark enough from 0.55 on for white figures.
fn colour(share: f64) -> String {
    let mix = |low: f64, high: f64| (low + (high - low) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(255.0, 0.0), mix(255.0, 76.0), mix(255.0, 133.0))
}

/// Rows are true classes, columns predictions; classes without cells and predictions are left out.
pub fn figure(name: &str, confusion: &Confusion, classes: &[String], title: &str) -> Figure {
    let scores = confusion.per_class();
    let used: Vec<usize> =
        (0..classes.len()).filter(|&c| scores[c].support + scores[c].predicted > 0).collect();
    let mut columns: Vec<(usize, String)> =
        used.iter().map(|&class| (class, short(&classes[class], NAME))).collect();
    if confusion.n_unassigned() > 0 {
        columns.push((classes.len(), "unassigned".to_owned()));
    }
    let rows: Vec<usize> = used.iter().copied().filter(|&class| scores[class].support > 0).collect();
    let longest = columns.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0) as f64;
    let cell = (560.0 / columns.len() as f64).clamp(17.0, 46.0);
    let font = (cell * 0.32).clamp(8.0, 12.5);
    let left = longest * 6.9 + 92.0;
    let top = longest * 5.1 + 44.0;
    // Slanted names of the last columns reach beyond the grid.
    let (width, height) =
        (left + cell * columns.len() as f64 + longest * 4.6 + 10.0, top + cell * rows.len() as f64 + 12.0);
    let mut data = Data::new(&["true", "predicted", "cells", "share_of_true"]);
    for &truth in &rows {
        for (predicted, name) in &columns {
            let count = confusion.count(truth, *predicted);
            let share = count as f64 / scores[truth].support as f64;
            data.push(vec![classes[truth].clone(), name.clone(), count.to_string(), format!("{share:.6}")]);
        }
    }
    let drawing = html! {
                    text x=(left + cell * columns.len() as f64 / 2.0) y="14" text-anchor="middle" font-size="13" font-weight="600" { "predicted" }
                    text x="14" y=(top + cell * rows.len() as f64 / 2.0) text-anchor="middle" font-size="13" font-weight="600"
                        transform={ "rotate(-90 14 " (top + cell * rows.len() as f64 / 2.0) ")" } { "true" }
                    @for (at, (_, name)) in columns.iter().enumerate() {
                        @let (x, y) = (left + cell * (at as f64 + 0.55), top - 7.0);
                        text x=(x) y=(y) font-size="12" transform={ "rotate(-45 " (x) " " (y) ")" } { (name) }
                    }
                    @for (r, &truth) in rows.iter().enumerate() {
                        @let y = top + cell * r as f64;
                        text x=(left - 7.0) y=(y + cell / 2.0 + 4.0) text-anchor="end" font-size="12" {
                            (short(&classes[truth], NAME)) " " tspan fill="#57606a" font-size="10.5" { "n=" (scores[truth].support) }
                        }
                        @for (c, (predicted, name)) in columns.iter().enumerate() {
                            @let count = confusion.count(truth, *predicted);
                            @let share = count as f64 / scores[truth].support as f64;
                            @let x = left + cell * c as f64;
                            rect x=(x) y=(y) width=(cell) height=(cell) fill=(colour(share)) stroke="#fff" {
                                title { (classes[truth]) " → " (name) ": " (count) " (" (format!("{:.1}", share * 100.0)) " %)" }
                            }
                            @if count > 0 && share >= 0.005 {
                                text x=(x + cell / 2.0) y=(y + cell / 2.0 + font * 0.36) text-anchor="middle" font-size=(font)
                                    style=(if share > 0.5 { "fill:#fff" } else { "fill:#1b1f24" }) pointer-events="none" {
                                    (format!("{:.0}", share * 100.0))
                                }
                            }
                        }
                    }
    };
    Figure {
        name: name.to_owned(),
        size: (width, height),
        drawing,
        legend: Vec::new(),
        caption: format!("{title}. Percent of each true class; rows add up to 100."),
        data,
    }
}
