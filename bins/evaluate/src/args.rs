//! The flags of `panfoma-evaluate`.

use crate::metrics::network::Universe;
use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use serde::Serialize;
use std::path::PathBuf;

/// Scores embeddings, predictions and networks beside baselines, and writes a report.
#[derive(ClapArgs, Clone, Debug, Serialize)]
pub struct Args {
    /// Embeddings to evaluate; a network can be evaluated without, by `--edges` alone
    #[arg(short = 'i', long, visible_alias = "input", value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "edges", help_heading = "Input and output")]
    #[serde(skip)]
    pub embeddings: Option<PathBuf>,

    /// Directory to write: metrics.json, metrics.parquet, report.html
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Input and output")]
    #[serde(skip)]
    pub output: PathBuf,

    /// Predictions of the same cells
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    #[serde(skip)]
    pub predictions: Option<PathBuf>,

    /// Tokens of the same cells: their counts are what the baselines learn from
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Input and output")]
    #[serde(skip)]
    pub tokens: Option<PathBuf>,

    /// Model directory whose training history is drawn (repeatable)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Input and output")]
    #[serde(skip)]
    pub model: Vec<PathBuf>,

    /// Report of `panfoma-qc` to show, cells.zarr.qc.json
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    #[serde(skip)]
    pub qc: Option<PathBuf>,

    /// Column with the true labels [default: that of the predictions, else the only label column]
    #[arg(long, value_name = "COLUMN", help_heading = "What is compared")]
    pub label: Option<String>,

    /// Column with batches, to measure how well they mix
    #[arg(long, value_name = "COLUMN", help_heading = "What is compared")]
    pub batch: Option<String>,

    /// Column whose groups the split kept whole; `cell` for a random split [default: what the tokens say, else `patient`]
    #[arg(long, value_name = "COLUMN", help_heading = "What is compared")]
    pub split_by: Option<String>,

    /// Ranked edges to show, and to score where there is a reference
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Regulatory network")]
    #[serde(skip)]
    pub edges: Option<PathBuf>,

    /// Known edges as CSV or TSV with columns Gene1,Gene2 or tf,target
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "edges", help_heading = "Regulatory network")]
    #[serde(skip)]
    pub reference_network: Option<PathBuf>,

    /// Candidate pairs: `all` ordered pairs of reference genes, or from `tf`, the reference's regulators, only
    #[arg(long, value_enum, default_value_t, value_name = "PAIRS", help_heading = "Regulatory network")]
    pub universe: UniverseFlag,

    /// Training cells the baselines are fitted on at most
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..), help_heading = "Effort")]
    pub max_train_cells: u32,

    /// Cells for clustering and silhouettes at most
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..), help_heading = "Effort")]
    pub max_cluster_cells: u32,

    /// Cells on the map at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=20_000), help_heading = "Effort")]
    pub max_map_cells: u32,
}

/// Candidate pairs of genes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UniverseFlag {
    /// Every ordered pair of reference genes
    #[default]
    All,
    /// From a regulator of the reference to another of its genes
    Tf,
}

impl From<UniverseFlag> for Universe {
    fn from(flag: UniverseFlag) -> Self {
        match flag {
            UniverseFlag::All => Universe::All,
            UniverseFlag::Tf => Universe::Regulators,
        }
    }
}

impl Args {
    /// Every input that is given, in the order of the flags.
    pub fn inputs(&self) -> Vec<(&'static str, &PathBuf)> {
        let mut inputs: Vec<_> = self.embeddings.iter().map(|path| ("--embeddings", path)).collect();
        inputs.extend(self.predictions.iter().map(|path| ("--predictions", path)));
        inputs.extend(self.tokens.iter().map(|path| ("--tokens", path)));
        inputs.extend(self.model.iter().map(|path| ("--model", path)));
        inputs.extend(self.qc.iter().map(|path| ("--qc", path)));
        inputs.extend(self.edges.iter().map(|path| ("--edges", path)));
        inputs.extend(self.reference_network.iter().map(|path| ("--reference-network", path)));
        inputs
    }
}
