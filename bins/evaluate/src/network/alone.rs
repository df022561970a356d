//! A network evaluated by itself: ranked edges, perhaps a reference, no cells.

use super::{Network, RANDOM, REFERENCE, REGULATOR_DEGREE, evaluate};
use crate::args::NAMED;
use crate::{Args, report};
use anyhow::Context as _;
use panfoma_core::artifact::metrics::{self, Metric};
use panfoma_core::artifact::{Header, Provenance, atomic, edges, provenance};
use panfoma_core::report::command::{self, file_name};
use panfoma_core::stage::{Context, UserError};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// What was found.
pub struct Alone {
    /// Format, version, provenance.
    pub header: Header,
    /// The command with file names only.
    pub command: String,
    /// Rankings, scored where there is a reference.
    pub network: Network,
    /// How the edges were made: file name and provenance.
    pub origins: Vec<(String, Provenance)>,
}

/// Evaluates `--edges` and writes the same files as with cells.
pub fn run(args: &Args, context: &Context, started: Instant) -> anyhow::Result<()> {
    for (flag, path) in args.inputs() {
        if !matches!(flag, "--edges" | "--reference-network") {
            let message = format!("`{flag}` says nothing of a network");
            return Err(UserError::usage(message)
                .hint("pass the cells' `--embeddings` too, or leave it out")
                .into());
        }
        if !path.exists() {
            return Err(UserError::missing(path).into());
        }
    }
    let path = args.edges.as_deref().expect("required without embeddings");
    let reader = edges::Reader::open(path)?;
    if context.dry_run {
        let with = args.reference_network.as_deref().map_or("no reference".to_owned(), file_name);
        println!("would score {} edges beside {with} and write {}", reader.n_edges, args.output.display());
        return Ok(());
    }
    let inputs: Vec<&Path> = args.inputs().into_iter().map(|(_, path)| path.as_path()).collect();
    let provenance = Provenance::new(context, inputs)?;
    let alone = Alone {
        command: command::line(&provenance, &args.words(), &NAMED, &args.output),
        header: Header::new(metrics::FORMAT, metrics::VERSION, provenance),
        network: evaluate(&reader, args.reference_network.as_deref(), args.universe, context)?,
        origins: vec![(file_name(path), reader.header.provenance.clone())],
    };
    atomic::write_directory(&args.output, |directory| alone.write(directory))?;
    tracing::info!("{}", alone.headline());
    provenance::write_run_record(&args.output, context, started)
}

impl Alone {
    /// Which ranking finds most, beside chance and hubs.
    pub fn headline(&self) -> String {
        let Some(reference) = &self.network.reference else {
            return "No reference network was given: nothing is scored.".to_owned();
        };
        let ratios = || self.network.metrics.iter().filter(|metric| metric.metric == "auprc_ratio");
        let control = |method: &str| ratios().find(|metric| metric.method == method);
        let is_ranking =
            |metric: &&Metric| ![RANDOM, REFERENCE, REGULATOR_DEGREE].contains(&metric.method.as_str());
        let best =
            ratios().filter(is_ranking).filter_map(|metric| Some((metric.value?, metric))).max_by(|a, b| {
                a.0.total_cmp(&b.0).then_with(|| (&b.1.method, &b.1.group).cmp(&(&a.1.method, &a.1.group)))
            });
        let Some((ratio, best)) = best else {
            return "No ranking can be scored: see the reasons in the table.".to_owned();
        };
        let mut text = format!(
            "Of {} rankings, {} ({}) finds the reference best: its AUPRC is {ratio:.2} times the {:.4} of a random ranking.",
            self.network.rankings.len(),
            best.method,
            best.group,
            reference.random_precision(),
        );
        if let Some(chance) = control(RANDOM).and_then(|metric| metric.interval.as_ref()) {
            text += match () {
                () if ratio > chance.high => " Chance alone does not reach that.",
                () if ratio < chance.low => " Chance alone does better.",
                () => " Chance alone reaches as much.",
            };
        }
        if let Some(hubs) =
            control(REGULATOR_DEGREE).and_then(|metric| metric.value).filter(|&hubs| hubs > ratio)
        {
            text += &format!(" Knowing only how many targets each regulator has would reach {hubs:.2}.");
        }
        text
    }

    fn write(&self, directory: &Path) -> anyhow::Result<()> {
        metrics::write(&directory.join("metrics.parquet"), &self.header, &self.network.metrics)?;
        let mut whole = serde_json::to_value(&self.header)?;
        whole["headline"] = json!(self.headline());
        whole["metrics"] = json!(self.network.metrics);
        let mut text = serde_json::to_string_pretty(&whole)?;
        text.push('\n');
        std::fs::write(directory.join("metrics.json"), text).context("writing `metrics.json`")?;
        report::write(directory, |figures| report::network_page(self, figures)).map(drop)
    }
}
