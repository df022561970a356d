//! `<output>.qc.html`: the run for people, in one file; `<output>.qc_figures/`: its figures as SVG, PNG and data; and
//! `<output>.qc_mqc/`: the same for MultiQC.
//!
//! All are made from the metrics that the stage holds anyway; no count is read again.

mod knee;
mod multiqc;
mod scale;
mod scatter;
mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod violins;

use crate::Measured;
use crate::config::Config;
use crate::filters::Rule;
use crate::report::Skipped;
use anyhow::{Context as _, Result};
use maud::{Markup, html};
use panfoma_core::artifact::{Provenance, atomic};
use panfoma_core::report::axes::tick_label;
use panfoma_core::report::command::{self, file_name};
use panfoma_core::report::figure::Figures;
use panfoma_core::report::palette::LOOKS;
use panfoma_picture::Painter;
use std::path::Path;
use summary::Group;
use violins::Metric;

/// Violins and coloured lines of a figure: as many as have a look of their own.
const MOST_SAMPLES: usize = LOOKS;
/// Scatter plots.
const MOST_STUDIES: usize = 12;

/// What the page shows.
pub struct Shown<'a> {
    /// The studies, judged.
    pub studies: &'a [Measured],
    /// Inputs left out.
    pub skipped: &'a [Skipped],
    /// Genes written.
    pub n_genes: usize,
    /// How the artifact was made.
    pub provenance: &'a Provenance,
    /// Its thresholds.
    pub config: &'a Config,
}

/// Where the report lies.
pub struct Paths<'a> {
    /// The page.
    pub html: &'a Path,
    /// The directory of its figures, beside it.
    pub figures: &'a Path,
    /// MultiQC's directory.
    pub multiqc: &'a Path,
}

/// Writes the page, its figures and MultiQC's files.
///
/// Errors: of writing.
pub fn write(paths: &Paths, shown: &Shown) -> Result<()> {
    let studies = summary::studies(shown.studies);
    let samples = summary::samples(shown.studies);
    let figures = Figures::linked_to(file_name(paths.figures));
    let page = page(shown, &studies, &samples, &figures);
    let painter = Painter::default();
    atomic::write_directory(paths.figures, |directory| {
        figures.write(directory, |svg| painter.png(svg)).map(drop)
    })
    .with_context(|| format!("writing `{}`", paths.figures.display()))?;
    atomic::write_file(paths.html, |path| std::fs::write(path, page))
        .with_context(|| format!("writing `{}`", paths.html.display()))?;
    atomic::write_directory(paths.multiqc, |directory| multiqc::write(directory, shown, &samples))
        .with_context(|| format!("writing `{}`", paths.multiqc.display()))
}

/// The whole page.
fn page(shown: &Shown, studies: &[Group], samples: &[Group], figures: &Figures) -> String {
    let read: usize = studies.iter().map(|study| study.cells.len()).sum();
    let passed: usize = studies.iter().map(|study| study.passed).sum();
    let body = html! {
        h1 { "PanFoMa quality control" }
        p.headline {
            (passed) " of " (read) " cells pass (" (format!("{:.1}", 100.0 * passed as f64 / read.max(1) as f64)) " %), in "
            (samples.len()) (if samples.len() == 1 { " sample of " } else { " samples of " })
            (studies.len()) (if studies.len() == 1 { " study" } else { " studies" }) "; " (shown.n_genes) " genes are written."
        }
        @for study in studies.iter().filter(|study| study.removed_share() > 0.5) {
            p.warning { "More than half of the cells of " strong { (study.name) } " are removed." }
        }
        @if !shown.skipped.is_empty() {
            p.warning { (shown.skipped.len()) (if shown.skipped.len() == 1 { " input was" } else { " inputs were" }) " left out; see below." }
        }
        h2 { "Studies" }
        div.scroll.narrow { (tables::cells(studies, "study")) }
        h2 { "Samples" }
        div.scroll.tall.narrow { (tables::cells(samples, "sample")) }
        (drawn(shown, studies, samples, figures))
        @if shown.config.doublets.is_some() {
            h2 { "Doublets" }
            p { "Scored within each sample, among the cells that pass all other rules." }
            div.scroll.tall.narrow { (tables::doublets(samples)) }
        }
        h2 { "Genes" }
        div.scroll.narrow { (tables::genes(shown.studies)) }
        @if !shown.skipped.is_empty() {
            h2 { "Inputs left out" }
            div.scroll { (tables::skipped(shown.skipped)) }
        }
        (provenance(shown.provenance, shown.config))
        (definitions(shown.config))
    };
    panfoma_core::report::page("PanFoMa quality control", &body)
}

fn drawn(shown: &Shown, studies: &[Group], samples: &[Group], figures: &Figures) -> Markup {
    let drawn = summary::worst(samples, MOST_SAMPLES);
    let groups: Vec<&Group> = drawn.iter().map(|&at| &samples[at]).collect();
    let filters = &shown.config.filters;
    let counts_limits = [filters.min_counts, filters.max_counts];
    let min_genes =
        |group: &Group| f64::from(filters.min_genes_of(group.first_input().study.genes.names.len()));
    let max_genes = filters.max_genes.map(f64::from);
    let genes_limits = |group: &Group| [Some(min_genes(group)), max_genes].into_iter().flatten().collect();
    let max_pct_mt = Some(filters.max_pct_mt).filter(|&most| most < 100.0);
    let violins = [
        Metric {
            title: "genes",
            value: &|input, cell| f64::from(input.metrics.n_genes[cell]),
            limits: &genes_limits,
            log: true,
        },
        Metric {
            title: "total counts",
            value: &|input, cell| input.metrics.total[cell],
            limits: &|_| counts_limits.into_iter().flatten().collect(),
            log: true,
        },
        Metric {
            title: "% mitochondrial",
            value: &|input, cell| input.metrics.pct_mt(cell),
            limits: &|_| max_pct_mt.into_iter().collect(),
            log: false,
        },
        Metric {
            title: "% ribosomal",
            value: &|input, cell| input.metrics.pct_ribo(cell),
            limits: &|_| Vec::new(),
            log: false,
        },
        Metric {
            title: "doublet score",
            value: &|input, cell| input.doublets.as_ref().map_or(f64::NAN, |found| found.scores[cell]),
            limits: &|group| group.doublets.iter().filter_map(|found| found.threshold).collect(),
            log: false,
        },
    ];
    html! {
        h2 { "Metrics by sample" }
        p.caption {
            "All cells that were read, before any is removed; of doublet scores those that have one. Box: quartiles, circle: median, dashed: thresholds. "
            @if groups.len() < samples.len() {
                strong { (groups.len()) " of " (samples.len()) " samples" } ": those that lost the largest shares of their cells. The tables hold all."
            }
        }
        @for figure in violins.iter().filter_map(|metric| violins::figure(&groups, metric)) { (figures.show(figure)) }
        h2 { "Knee" }
        @if let Some(figure) = knee::figure(samples, &drawn) { (figures.show(figure)) }
        h2 { "Counts and genes" }
        p.caption {
            "Dashed: thresholds. At most " (scatter::MOST_CELLS) " cells of a study are drawn, chosen at random"
            @if studies.len() > MOST_STUDIES { "; " (MOST_STUDIES) " of " (studies.len()) " studies, those that lost the largest shares of their cells" }
            "."
        }
        div.maps {
            @for at in summary::worst(studies, MOST_STUDIES) {
                @let limits = [Some(min_genes(&studies[at])), max_genes, filters.min_counts, filters.max_counts];
                @if let Some(figure) = scatter::figure(&studies[at], limits, shown.provenance.seed) { (figures.show(figure)) }
            }
        }
    }
}

/// At most four digits that say something; `–` for none.
fn number(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        tick_label((value * 100.0).round() / 100.0)
    }
}

fn provenance(made: &Provenance, config: &Config) -> Markup {
    html! {
        h2 { "How this was made" }
        pre { (command(made, config)) }
        p.caption { (made.tool) " " (made.tool_version) ", commit " (made.commit) ", seed " (made.seed) "; gene table "
            span.hash { (made.config["gene_table"].as_str().unwrap_or_default()) } }
        div.scroll { table {
            tr { th { "input" } th { "BLAKE3" } }
            @for input in &made.inputs { tr { td { (input.name) } td { span.hash { (input.blake3) } } } }
        } }
    }
}

/// As it was given: with a manifest, its inputs are not named one by one.
fn command(made: &Provenance, config: &Config) -> String {
    let mut inputs = match &config.manifest {
        Some(manifest) => vec![("--manifest", vec![file_name(manifest)])],
        None => vec![("-i", config.inputs.iter().map(|input| file_name(&input.path)).collect())],
    };
    inputs.extend(config.label_map.iter().map(|map| ("--label-map", vec![file_name(map)])));
    command::line(made, &inputs, &["gene_table"], &config.output)
}

fn definitions(config: &Config) -> Markup {
    let filters = &config.filters;
    let mads = "median absolute deviations (not scaled by 1.4826)";
    let definition = |rule: Rule| {
        match rule {
        Rule::MinGenes => "Fewer genes with a count than --min-genes; unless given 200, but a twentieth of the genes of a panel of fewer than 4,000.".to_owned(),
        Rule::MaxGenes => "More genes than --max-genes.".to_owned(),
        Rule::MinCounts => "Fewer counts than --min-counts.".to_owned(),
        Rule::MaxCounts => "More counts than --max-counts.".to_owned(),
        Rule::MaxPctMt => format!("More than {} % of the counts from mitochondrial genes.", filters.max_pct_mt),
        Rule::MaxMadsCounts => format!("ln(1 + counts) further from the sample's median than --max-mads {mads}."),
        Rule::MaxMadsGenes => format!("ln(1 + genes) further from the sample's median than --max-mads {mads}."),
        Rule::MaxMadsMt => format!("Percentage of mitochondrial counts further above the sample's median than --max-mads-mt {mads}."),
        Rule::Doublet => "Doublet score above the sample's threshold, with --remove-doublets.".to_owned(),
    }
    };
    let metrics = [
        ("genes", "Genes of the input with at least one count (scanpy: n_genes_by_counts)."),
        ("total counts", "Sum of all counts of the input's genes."),
        (
            "% mitochondrial, % ribosomal",
            "Percentage of the counts from genes of the mitochondrial genome, and from genes named RPS* or RPL*.",
        ),
        (
            "doublet score",
            "Scrublet as scanpy 1.12.4 runs it (Wolock, Lopez & Klein 2019): two simulated doublets a cell, 30 principal components of the variable genes; by how many of the nearest neighbours are simulated.",
        ),
        (
            "threshold, detectable, estimated rate",
            "The lowest point between the two modes of the simulated doublets' scores, or --max-doublet-score; the share of simulated doublets above it; the share of cells called over that share.",
        ),
    ];
    html! {
        h2 { "Definitions" }
        p { "A removed cell is counted under the first rule that applies, in this order; a value at a threshold passes." }
        dl {
            @for rule in Rule::ALL { dt { (rule.name()) } dd { (definition(rule)) } }
            @for (name, definition) in metrics { dt { (name) } dd { (definition) } }
        }
    }
}
