//! The flags of `panfoma-evaluate`.

use crate::metrics::network::Universe;
use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use panfoma_core::report::command::file_name;
use serde::{Serialize, Serializer};
use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

/// Scores embeddings, predictions and networks beside baselines, and writes a report.
#[derive(ClapArgs, Clone, Debug, Serialize)]
pub struct Args {
    /// Embeddings to evaluate; a network can be evaluated without, by `--edges` alone
    #[arg(short = 'i', long, visible_alias = "input", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    #[serde(skip)]
    pub embeddings: Option<PathBuf>,

    /// Directory to write: metrics.json, metrics.parquet, report.html
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Input and output")]
    #[serde(skip)]
    pub output: PathBuf,

    /// Predictions of the same cells: the model's, then those of others as NAME=FILE, e.g. of `finetune --mode scratch`
    /// (repeatable)
    #[arg(long, value_name = "[NAME=]FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    pub predictions: Vec<NamedFile>,

    /// Another embedding of the same cells, scored as a linear probe: that of a model with random weights, say
    /// (repeatable)
    #[arg(long, value_name = "NAME=FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    pub probe: Vec<NamedFile>,

    /// Embedding of the same cells from another modality, in the same space: do cells find themselves? (repeatable)
    #[arg(long, value_name = "NAME=FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    pub paired: Vec<NamedFile>,

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

    /// Finished evaluations to show side by side, instead of a new one: their directories, perhaps named
    #[arg(long, value_name = "[NAME=]DIR", num_args = 1.., value_hint = ValueHint::DirPath, help_heading = "Comparison of evaluations")]
    pub compare: Vec<NamedFile>,

    /// Finished artifacts to describe as a Process Run Crate: cells, tokens, models, tables, evaluations. The output is then
    /// `ro-crate-metadata.json` in a directory that holds them
    #[arg(long, value_name = "ARTIFACT", num_args = 1.., value_hint = ValueHint::AnyPath, help_heading = "Provenance")]
    #[serde(skip)]
    pub run_crate: Vec<PathBuf>,

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

    /// Candidate pairs: `all` ordered pairs of reference genes; from `tf`, the reference's regulators, only; or those of
    /// `tf` among genes that the rankings name, which is fair where cells measure only part of the reference
    #[arg(long, value_enum, default_value_t, value_name = "PAIRS", help_heading = "Regulatory network")]
    pub universe: UniverseFlag,

    /// Training cells the baselines are fitted on at most
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..), help_heading = "Effort")]
    pub max_train_cells: u32,

    /// Held-out cells scored at most, of each split; their whole probability vectors are held, four bytes a class and
    /// method
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(10..), help_heading = "Effort")]
    pub max_scored_cells: u32,

    /// Cells for integration metrics at most; neighbours are exact up to 200,000 and nearly all found beyond, silhouettes
    /// take at most 20,000 cells
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(10..=5_000_000), help_heading = "Effort")]
    pub max_cluster_cells: u32,

    /// Cells on the map at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=20_000), help_heading = "Effort")]
    pub max_map_cells: u32,
}

/// `NAME=FILE`, or `FILE` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// What stands before the first `=`, if it is a word; `./a=b` is a file.
    pub name: Option<String>,
    /// The file.
    pub path: PathBuf,
}

/// Its name only: outputs do not depend on where files lie.
impl Serialize for NamedFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

impl FromStr for NamedFile {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_word = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        Ok(match text.split_once('=').filter(|(name, _)| is_word(name)) {
            Some((name, path)) => Self { name: Some(name.to_owned()), path: path.into() },
            None => Self { name: None, path: text.into() },
        })
    }
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
    /// From a regulator of the reference to another of its genes, where the rankings name both
    Named,
}

impl From<UniverseFlag> for Universe {
    fn from(flag: UniverseFlag) -> Self {
        match flag {
            UniverseFlag::All => Universe::All,
            UniverseFlag::Tf | UniverseFlag::Named => Universe::Regulators,
        }
    }
}

/// Entries of the recorded configuration that [`Args::words`] says already, with the files.
pub const NAMED: [&str; 5] = ["predictions", "probe", "paired", "compare", "vocabulary"];

impl Args {
    /// Every input that is given, in the order of the flags.
    pub fn inputs(&self) -> Vec<(&'static str, &PathBuf)> {
        let mut inputs: Vec<_> = self.embeddings.iter().map(|path| ("--embeddings", path)).collect();
        inputs.extend(self.predictions.iter().map(|file| ("--predictions", &file.path)));
        inputs.extend(self.probe.iter().map(|file| ("--probe", &file.path)));
        inputs.extend(self.paired.iter().map(|file| ("--paired", &file.path)));
        inputs.extend(self.tokens.iter().map(|path| ("--tokens", path)));
        inputs.extend(self.model.iter().map(|path| ("--model", path)));
        inputs.extend(self.qc.iter().map(|path| ("--qc", path)));
        inputs.extend(self.edges.iter().map(|path| ("--edges", path)));
        inputs.extend(self.compare.iter().map(|file| ("--compare", &file.path)));
        inputs.extend(self.reference_network.iter().map(|path| ("--reference-network", path)));
        inputs
    }

    /// The same as words of a command: file names instead of paths, with the name that was given to a file.
    pub fn words(&self) -> Vec<(&'static str, Vec<String>)> {
        let named = || self.predictions.iter().chain(&self.probe).chain(&self.paired).chain(&self.compare);
        let word = |path: &PathBuf| {
            let name =
                named().find(|file| std::ptr::eq(&file.path, path)).and_then(|file| file.name.as_ref());
            name.map_or_else(|| file_name(path), |name| format!("{name}={}", file_name(path)))
        };
        self.inputs().into_iter().map(|(flag, path)| (flag, vec![word(path)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_before_the_first_equals_sign() {
        let parsed = |text: &str| {
            let file: NamedFile = text.parse().unwrap();
            (file.name, file.path.display().to_string())
        };
        assert_eq!(parsed("scratch=a=b.parquet"), (Some("scratch".to_owned()), "a=b.parquet".to_owned()));
        for path in ["plain.parquet", "./a=b.parquet", "runs/seed=1/p.parquet", "=x"] {
            assert_eq!(parsed(path), (None, path.to_owned()));
        }
    }
}
