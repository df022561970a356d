//! Everything that was found, and how it is written.

use crate::Args;
use crate::args::UniverseFlag;
use crate::baselines::{Counts, Training};
use crate::classify::{self, SplitScores};
use crate::geometry::{self, Map};
use crate::honesty::{CONFOUNDED, Confounding, confounding};
use crate::inputs::{Inputs, name};
use crate::method::{Method, Scored, read_predictions};
use crate::network::{self, Network};
use crate::report;
use anyhow::Context as _;
use panfoma_core::artifact::metrics::{self, Metric};
use panfoma_core::artifact::tokens::Split;
use panfoma_core::artifact::{Header, Provenance};
use panfoma_core::stage::Context;
use serde_json::json;
use std::path::Path;

/// What was found.
pub struct Outcome<'a> {
    /// What was read.
    pub inputs: &'a Inputs,
    /// Format, version, provenance.
    pub header: Header,
    /// The command with file names only.
    pub command: String,
    /// Who wins, in sentences.
    pub headline: String,
    /// What a reader must know before believing a number.
    pub warnings: Vec<String>,
    /// What was sampled or left out.
    pub notes: Vec<String>,
    /// The model first, then probe and baselines.
    pub methods: Vec<Method>,
    /// Test, then valid, where they have labelled cells.
    pub splits: Vec<SplitScores>,
    /// How well columns alone predict the label.
    pub confounding: Vec<Confounding>,
    /// Clusters and silhouettes.
    pub clustering: Vec<Metric>,
    /// Two dimensions.
    pub map: Map,
    /// Edges against a reference.
    pub network: Option<Network>,
    /// Column that colours the second map.
    pub second_colour: Option<String>,
}

impl<'a> Outcome<'a> {
    /// Does all the work.
    pub fn compute(args: &Args, inputs: &'a Inputs, context: &Context) -> anyhow::Result<Self> {
        let paths: Vec<&Path> = args.inputs().into_iter().map(|(_, path)| path.as_path()).collect();
        let mut provenance = Provenance::new(context, paths)?;
        if let Some(digest) = inputs.origins.iter().find_map(|(_, origin)| origin.genes("vocabulary")) {
            provenance = provenance.with_genes("vocabulary", digest.to_owned());
        }
        let header = Header::new(metrics::FORMAT, metrics::VERSION, provenance);
        let mut outcome = Self {
            inputs,
            header,
            command: command(args, context),
            headline: "No labels were given: there is nothing to classify.".to_owned(),
            warnings: Vec::new(),
            notes: Vec::new(),
            methods: Vec::new(),
            splits: Vec::new(),
            confounding: Vec::new(),
            clustering: Vec::new(),
            map: geometry::map(&inputs.embeddings, &inputs.cells, args.max_map_cells as usize, context)?,
            network: None,
            second_colour: second_colour(args, inputs),
        };
        tracing::info!("the map is drawn");
        outcome.classify(args, context)?;
        if let Some(edges) = &inputs.edges {
            let reference = args.reference_network.as_deref();
            outcome.network = Some(network::evaluate(edges, reference, args.universe.into(), context)?);
        }
        Ok(outcome)
    }

    fn classify(&mut self, args: &Args, context: &Context) -> anyhow::Result<()> {
        let inputs = self.inputs;
        let Some((column, label)) = &inputs.label else { return Ok(()) };
        let cells = &inputs.cells;
        let scored = Scored::new(cells, label);
        if let (Some(reader), Some(path)) = (&inputs.predictions, &args.predictions) {
            self.methods.push(read_predictions(reader, path, cells, label, &scored, context)?);
        }
        match Training::new(cells, label, args.max_train_cells as usize, context.seed) {
            None => {
                self.notes.push("No training cell has a label, so no baseline could be fitted.".to_owned())
            }
            Some(_) if scored.is_empty() => {}
            Some(training) => {
                if training.rows.len() < training.n_available {
                    self.notes.push(format!(
                        "Baselines and the linear probe were fitted on {} of {} labelled training cells, sampled.",
                        training.rows.len(),
                        training.n_available
                    ));
                }
                self.methods.push(training.linear_probe(&inputs.embeddings, &scored, context)?);
                if let Some(tokens) = &inputs.tokens {
                    let counts = Counts::new(tokens, cells)?;
                    self.methods.extend(training.from_counts(&counts, &scored, context)?);
                } else {
                    self.warnings.push(
                        "No tokens were given, so no baseline learnt from the counts: beating the most frequent label \
                         says little. Pass `--tokens`."
                            .to_owned(),
                    );
                }
                self.methods.push(training.majority(&scored));
            }
        }
        tracing::info!(methods = self.methods.len(), "all methods have predicted");
        for split in [Split::Test, Split::Valid] {
            self.splits.extend(classify::score(
                cells,
                &scored,
                &self.methods,
                &label.levels,
                split,
                context.seed,
            ));
        }
        let held_out = cells.labelled(self.splits.first().map_or(Split::Test, |split| split.split), label);
        let mut columns = vec!["study"];
        columns.extend(args.batch.as_deref().filter(|batch| *batch != "study"));
        columns.retain(|name| name != column);
        self.confounding =
            columns.into_iter().filter_map(|name| confounding(cells, label, name, &held_out)).collect();
        let batch = args.batch.as_deref().and_then(|name| Some((name, cells.column(name)?)));
        self.clustering = geometry::clustering(
            &inputs.embeddings,
            cells,
            label,
            batch,
            args.max_cluster_cells as usize,
            context,
        )?;
        self.headline = match self.splits.first() {
            Some(split) => split.headline(&self.methods, &inputs.split.name),
            None => "No held-out cell has a label: nothing can be said about classification.".to_owned(),
        };
        self.warn(column);
        Ok(())
    }

    fn warn(&mut self, label: &str) {
        if self.inputs.split.optimistic {
            self.warnings.push(format!(
                "The split is {}: cells of one patient may lie on both sides, which flatters every method.",
                self.inputs.split.name
            ));
        }
        let Some(split) = self.splits.first() else { return };
        if split.split == Split::Valid {
            self.warnings.push("There are no labelled test cells: the scores are on the validation cells, by which the model was chosen.".to_owned());
        }
        let majority = self.methods.iter().position(|method| method.name == "majority");
        let majority = majority.and_then(|which| split.confusions[which].accuracy().ok());
        for found in &self.confounding {
            if let Some(accuracy) =
                found.held_out.filter(|&a| a >= CONFOUNDED && majority.is_none_or(|m| a > m))
            {
                self.warnings.push(format!(
                    "The label is confounded with {column}: knowing only its {column} predicts a held-out cell's {label} with accuracy {accuracy:.3}. \
                     A high score may mean that the method recognises the {column}.",
                    column = found.column
                ));
            } else if found.column == "study"
                // A label of the patient is always pure within samples; within studies that is a flaw of the design.
                && found.n_groups > 1
                && found.purity >= CONFOUNDED
                && majority.is_none_or(|m| found.purity > m)
            {
                self.warnings.push(format!(
                    "The label is confounded with {column}: {:.1} % of cells bear the most frequent {label} of their {column}, \
                     so biology and batch cannot be told apart here.",
                    100.0 * found.purity,
                    column = found.column
                ));
            }
        }
        if let Some(majority) = majority.filter(|&m| m >= CONFOUNDED) {
            self.warnings.push(format!(
                "One label makes up {:.1} % of the held-out cells: accuracy says little, read macro-F1.",
                100.0 * majority
            ));
        }
        if split.over() == "cells" {
            self.notes.push(format!(
                "Intervals resample cells: fewer than {} patients are known among the held-out cells. They are too narrow for new patients.",
                crate::metrics::bootstrap::MIN_PATIENTS
            ));
        }
    }

    /// Every number, one a row.
    pub fn metrics(&self) -> Vec<Metric> {
        let split = self.splits.first().map_or("test", |split| split.split.name());
        let confounding = self.confounding.iter().map(|found| Metric {
            metric: "confounding_accuracy".to_owned(),
            value: found.held_out,
            reason: found
                .held_out
                .is_none()
                .then(|| "no training or held-out cell has both label and group".to_owned()),
            interval: None,
            n: self.splits.first().map_or(0, |split| split.n_cells as u64),
            split: split.to_owned(),
            group: found.column.clone(),
            method: "most_frequent_label_of_group".to_owned(),
            definition: "Accuracy of predicting the most frequent training label of the cell's group"
                .to_owned(),
        });
        let scores = self.splits.iter().flat_map(|split| split.metrics.clone());
        let network = self.network.iter().flat_map(|network| network.metrics.clone());
        scores.chain(confounding).chain(self.clustering.clone()).chain(network).collect()
    }

    /// Writes `metrics.json`, `metrics.parquet` and `report.html`.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let rows = self.metrics();
        metrics::write(&directory.join("metrics.parquet"), &self.header, &rows)?;
        let classes = self.inputs.label.as_ref().map(|(_, label)| &label.levels);
        let matrix = |confusion: &crate::metrics::classification::Confusion| -> Vec<Vec<u64>> {
            let n = confusion.n_classes();
            (0..n).map(|truth| (0..=n).map(|predicted| confusion.count(truth, predicted)).collect()).collect()
        };
        let confusion: Vec<_> = self.splits.iter().flat_map(|split| {
            let named = self.methods.iter().zip(&split.confusions);
            named.map(|(method, confusion)| json!({"split": split.split.name(), "method": method.name, "counts": matrix(confusion)}))
        }).collect();
        let titles: serde_json::Map<String, serde_json::Value> =
            self.methods.iter().map(|method| (method.name.to_owned(), json!(method.title))).collect();
        let mut whole = serde_json::to_value(&self.header)?;
        whole.as_object_mut().expect("a header is an object").extend(
            json!({
                "headline": self.headline,
                "warnings": self.warnings,
                "notes": self.notes,
                "split": self.inputs.split,
                "label": self.inputs.label.as_ref().map(|(name, _)| name),
                "classes": classes,
                "methods": titles,
                "confounding": self.confounding,
                "confusion": confusion,
                "metrics": rows,
            })
            .as_object()
            .expect("just written as one")
            .clone(),
        );
        let mut text = serde_json::to_string_pretty(&whole)?;
        text.push('\n');
        std::fs::write(directory.join("metrics.json"), text).context("writing `metrics.json`")?;
        std::fs::write(directory.join("report.html"), report::page(self)).context("writing `report.html`")
    }
}

/// The batch column if there is one, else the first of study, sample and patient with more than one value.
fn second_colour(args: &Args, inputs: &Inputs) -> Option<String> {
    let label = inputs.label.as_ref().map(|(name, _)| name.as_str());
    let varied = |name: &&str| inputs.cells.column(name).is_some_and(|factor| factor.levels.len() > 1);
    let candidates = args.batch.as_deref().into_iter().chain(["study", "sample", "patient"]);
    candidates.filter(|name| Some(*name) != label).find(varied).map(str::to_owned)
}

/// The command with file names instead of paths: reports do not depend on where files lie.
pub fn command(args: &Args, context: &Context) -> String {
    let mut words = vec![context.tool.to_owned()];
    for (flag, path) in args.inputs() {
        words.extend([flag.to_owned(), name(path)]);
    }
    let columns = [("--label", &args.label), ("--batch", &args.batch), ("--split-by", &args.split_by)];
    for (flag, value) in columns {
        words.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    if args.edges.is_some() && args.universe == UniverseFlag::Tf {
        words.extend(["--universe", "tf"].map(str::to_owned));
    }
    words.extend(["--seed".to_owned(), context.seed.to_string(), "-o".to_owned(), name(&args.output)]);
    words.join(" ")
}
