//! `report.html`: one file, nothing loaded from anywhere. A section is a file.

mod calibration;
mod cells;
mod classification;
mod confounding;
pub mod curves;
mod embedding;
mod heatmap;
mod integration;
mod leakage;
mod multiqc;
mod neighborhoods;
mod network;
mod network_drawing;
mod pairing;
mod patients;
pub mod provenance;
mod quality;
mod scatter;
mod training;

use crate::network::alone::Alone;
use crate::outcome::Outcome;
use anyhow::Context as _;
use maud::{Markup, html};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::report::figure::{self, Figures};
use panfoma_picture::Painter;
use std::path::Path;

/// Writes `report.html` and the files of its figures, and returns these.
pub fn write(directory: &Path, draw: impl FnOnce(&Figures) -> String) -> anyhow::Result<Figures> {
    let (figures, painter) = (Figures::default(), Painter::default());
    std::fs::write(directory.join("report.html"), draw(&figures)).context("writing `report.html`")?;
    figures.write(&directory.join(figure::DIRECTORY), |svg| painter.png(svg)).context("writing figures")?;
    Ok(figures)
}

/// Writes the whole report of an evaluation, for MultiQC, too; `run` names it there.
pub fn write_all(directory: &Path, run: &str, outcome: &Outcome) -> anyhow::Result<()> {
    let figures = write(directory, |figures| page(outcome, figures))?;
    multiqc::write(directory, run, outcome, &figures).context("writing files for MultiQC")
}

/// The whole page; its figures are noted in `figures`.
fn page(outcome: &Outcome, figures: &Figures) -> String {
    let body = html! {
        h1 { "PanFoMa evaluation" @if let Some((label, _)) = &outcome.inputs.label { ": " (label) } }
        // What makes a score worthless is to be read before it.
        @for warning in &outcome.warnings { p.warning { (warning) } }
        p.headline { (outcome.headline) }
        (confounding::section(outcome))
        (leakage::section(outcome))
        (cells::section(outcome))
        @for split in &outcome.splits { (classification::section(outcome, split, figures)) }
        (embedding::section(outcome, figures))
        (integration::section(outcome, figures))
        (pairing::section(outcome))
        (training::section(outcome, figures))
        @if let Some(found) = &outcome.network { (network::section(found, figures)) }
        @if let Some(qc) = &outcome.inputs.qc { (quality::section(qc)) }
        @if !outcome.notes.is_empty() {
            h2 { "Notes" }
            @for note in &outcome.notes { p { (note) } }
        }
        (provenance::section(&outcome.header.provenance, &outcome.command, &outcome.inputs.origins))
        (provenance::definitions(outcome.metrics()))
    };
    panfoma_core::report::page("PanFoMa evaluation", &body)
}

/// The page of a network without cells.
pub fn network_page(alone: &Alone, figures: &Figures) -> String {
    let body = html! {
        h1 { "PanFoMa evaluation: a regulatory network" }
        p.headline { (alone.headline()) }
        (network::section(&alone.network, figures))
        (provenance::section(&alone.header.provenance, &alone.command, &alone.origins))
        (provenance::definitions(alone.network.metrics.clone()))
    };
    panfoma_core::report::page("PanFoMa evaluation", &body)
}

/// A number with its interval, or the reason for its absence.
fn value(metric: Option<&Metric>) -> Markup {
    let Some(metric) = metric else { return html! { "–" } };
    match (&metric.value, &metric.interval) {
        (Some(value), Some(i)) => {
            html! { (format!("{value:.3}")) " " span.ci.interval { "[" (format!("{:.3}", i.low)) ", " (format!("{:.3}", i.high)) "]" } }
        }
        (Some(value), None) => html! { (format!("{value:.3}")) },
        (None, _) => {
            html! { span.ci title=(metric.reason.as_deref().unwrap_or_default()) { "– (" (metric.reason.as_deref().unwrap_or("undefined")) ")" } }
        }
    }
}
