//! Everything that was found, and how it is written.

use crate::Args;
use crate::args::NAMED;
use crate::classify::{self, SplitScores};
use crate::compare;
use crate::confounders::Confounding;
use crate::geometry::{self, Map};
use crate::inputs::Inputs;
use crate::integration::{self, OfCells};
use crate::leakage::{self, Twins};
use crate::method::Method;
use crate::metrics::bootstrap::MIN_PATIENTS;
use crate::network::{self, Network};
use crate::paired;
use crate::report;
use crate::warnings;
use anyhow::Context as _;
use panfoma_core::artifact::metrics::{self, Metric};
use panfoma_core::artifact::neighborhoods;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::artifact::{Header, Provenance};
use panfoma_core::report::command;
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
    /// Cells that stand in two splits; known if there are tokens.
    pub twins: Option<Twins>,
    /// Cells in other modalities' embeddings.
    pub pairing: Vec<Metric>,
    /// Integration metrics of the embedding and of principal components of the counts.
    pub clustering: Vec<Metric>,
    /// What the neighbours of single cells hold.
    pub of_cells: Option<OfCells<'a>>,
    /// Two dimensions.
    pub map: Map,
    /// Edges against a reference.
    pub network: Option<Network>,
    /// Column that colours the second map.
    pub second_colour: Option<String>,
    /// Name of the output.
    pub run: String,
    /// BLAKE3 of the tokens: names the cells.
    pub tokens: Option<String>,
}

impl<'a> Outcome<'a> {
    /// Does all the work.
    pub fn compute(args: &Args, inputs: &'a Inputs, context: &Context) -> anyhow::Result<Self> {
        let paths: Vec<&Path> = args.inputs().into_iter().map(|(_, path)| path.as_path()).collect();
        let mut provenance = Provenance::new(context, paths)?;
        if let Some(digest) = inputs.origins.iter().find_map(|(_, origin)| origin.genes("vocabulary")) {
            provenance = provenance.with_genes("vocabulary", digest.to_owned());
        }
        let command = command::line(&provenance, &args.words(), &NAMED, &args.output);
        let tokens =
            args.inputs().into_iter().zip(&provenance.inputs).find(|((flag, _), _)| *flag == "--tokens");
        let tokens = tokens.map(|(_, input)| input.blake3.clone());
        let header = Header::new(metrics::FORMAT, metrics::VERSION, provenance);
        let mut outcome = Self {
            inputs,
            header,
            command,
            headline: "No labels were given: there is nothing to classify.".to_owned(),
            warnings: Vec::new(),
            notes: Vec::new(),
            methods: Vec::new(),
            splits: Vec::new(),
            confounding: Vec::new(),
            twins: None,
            pairing: paired::evaluate(args, inputs, context)?,
            clustering: Vec::new(),
            of_cells: None,
            map: geometry::map(&inputs.embeddings, &inputs.cells, args.max_map_cells as usize, context)?,
            network: None,
            second_colour: second_colour(args, inputs),
            run: command::file_name(&args.output),
            tokens,
        };
        tracing::info!("the map is drawn");
        outcome.classify(args, context)?;
        outcome.twins = leakage::of_inputs(inputs, context)?;
        let warning = outcome.twins.as_ref().and_then(Twins::warning);
        outcome.warnings.splice(0..0, warning);
        if let Some(edges) = &inputs.edges {
            let reference = args.reference_network.as_deref();
            outcome.network = Some(network::evaluate(edges, reference, args.universe, context)?);
        }
        Ok(outcome)
    }

    fn classify(&mut self, args: &Args, context: &Context) -> anyhow::Result<()> {
        let inputs = self.inputs;
        let Some((column, label)) = &inputs.label else { return Ok(()) };
        let cells = &inputs.cells;
        let compared = compare::methods(args, inputs, (column, label), context)?;
        self.methods = compared.methods;
        self.notes.extend(compared.notes);
        for split in [Split::Test, Split::Valid] {
            let scores =
                classify::score(cells, &compared.scored, &self.methods, &label.levels, split, context)?;
            self.splits.extend(scores);
        }
        self.confounding = compared.confounding;
        self.headline = match self.splits.first() {
            Some(split) => split.headline(&self.methods, &inputs.split.name),
            None => "No held-out cell has a label: nothing can be said about classification.".to_owned(),
        };
        if let Some(split) = self.splits.first() {
            let found = warnings::of(column, &inputs.split, split, &self.methods, &self.confounding);
            self.warnings.extend(found);
            if split.over == "cells" {
                self.notes.push(format!(
                    "Intervals resample cells: fewer than {MIN_PATIENTS} patients are known among the held-out cells. They are too narrow for new patients."
                ));
            }
        }
        self.warnings.extend(compared.warnings);
        let batch = args.batch.as_deref().and_then(|name| cells.column(name));
        (self.clustering, self.of_cells) =
            integration::evaluate(inputs, label, batch, args.max_cluster_cells as usize, context)?;
        Ok(())
    }

    /// Every number, one a row.
    pub fn metrics(&self) -> Vec<Metric> {
        let design = self.confounding.iter().map(|found| Metric {
            metric: "confounding_lambda".to_owned(),
            value: Some(found.lambda),
            reason: None,
            interval: None,
            n: self.inputs.label.as_ref().map_or(0, |(_, label)| label.n_known() as u64),
            split: "all".to_owned(),
            group: found.column.clone(),
            method: found.method.clone(),
            definition: "Goodman and Kruskal's lambda: by which part knowing the group lessens the errors of guessing the \
                         most frequent label, over all labelled cells"
                .to_owned(),
        });
        let scores = self.splits.iter().flat_map(|split| split.metrics.clone());
        let network = self.network.iter().flat_map(|network| network.metrics.clone());
        let twins = self.twins.iter().flat_map(Twins::metrics);
        design
            .chain(twins)
            .chain(scores)
            .chain(self.pairing.clone())
            .chain(self.clustering.clone())
            .chain(network)
            .collect()
    }

    /// Writes `metrics.json`, `metrics.parquet`, `neighborhoods.parquet`, `report.html` with its figures, and the same for
    /// MultiQC.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let rows = self.metrics();
        metrics::write(&directory.join("metrics.parquet"), &self.header, &rows)?;
        if let Some(of_cells) = &self.of_cells {
            neighborhoods::write(&directory.join("neighborhoods.parquet"), &self.header, &of_cells.table())?;
        }
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
            self.methods.iter().map(|method| (method.name.clone(), json!(method.title))).collect();
        let roles: serde_json::Map<String, serde_json::Value> =
            self.methods.iter().map(|method| (method.name.clone(), json!(method.role))).collect();
        let mut whole = serde_json::to_value(&self.header)?;
        whole.as_object_mut().expect("a header is an object").extend(
            json!({
                "headline": self.headline,
                "warnings": self.warnings,
                "notes": self.notes,
                "split": self.inputs.split,
                "tokens": self.tokens,
                "label": self.inputs.label.as_ref().map(|(name, _)| name),
                "classes": classes,
                "methods": titles,
                "roles": roles,
                "confounding": self.confounding,
                "twins": self.twins,
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
        report::write_all(directory, &self.run, self)
    }
}

/// The batch column if there is one, else the first of study, sample and patient with more than one value.
fn second_colour(args: &Args, inputs: &Inputs) -> Option<String> {
    let label = inputs.label.as_ref().map(|(name, _)| name.as_str());
    let varied = |name: &&str| inputs.cells.column(name).is_some_and(|factor| factor.levels.len() > 1);
    let candidates = args.batch.as_deref().into_iter().chain(["study", "sample", "patient"]);
    candidates.filter(|name| Some(*name) != label).find(varied).map(str::to_owned)
}
