//! `model/`: weights with everything needed to use them: configuration, genes, classes, training history.
//!
//! ```text
//! model.safetensors    f32, the reference's names
//! config.json          {"format": "panfoma.model", "version": 1, "revision": 0, "provenance": {…}, "kind": "finetune",
//!                       "model": {"n_genes": 2001, "d_model": 64, …}, "n_bins": 51, "binning": "quantile",
//!                       "vocabulary": {"n_genes": 2000, "digest": "5ec1…"}, "label_column": "cell_type",
//!                       "training": {"steps": 500, "steps_per_epoch": 63, …}}
//! vocabulary.parquet   as in tokens/
//! label_map.json       {"classes": ["B cell", "T cell"]}, of a fine-tuned model only
//! metrics.parquet      step, epoch, split, metric, value
//! ```
//!
//! A directory `step-00000100/` of a run that is not finished holds the same files and [`state`].

pub mod history;
pub mod state;
mod weights;

pub use history::History;
pub use state::State;

use super::Header;
use super::tokens::{Binning, Index};
use super::vocabulary::Vocabulary;
use crate::device::Cpu;
use crate::model::{ModelConfig, PanFoMa};
use crate::stage::UserError;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The artifact's format name.
pub const FORMAT: &str = "panfoma.model";
/// The version this code reads and writes.
pub const VERSION: u32 = 1;

/// What a model was trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Masked expression; embeds cells, names no classes.
    Pretrain,
    /// The classes of a label column.
    Finetune,
}

/// `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Format, version, provenance.
    #[serde(flatten)]
    pub header: Header,
    /// What the model was trained for.
    pub kind: Kind,
    /// Shapes and arithmetic.
    pub model: ModelConfig,
    /// Bins of the tokens it reads.
    pub n_bins: u16,
    /// How their counts became bins.
    pub binning: Binning,
    /// Which genes the ids mean.
    pub vocabulary: VocabularyReference,
    /// The column whose values are the classes, of a fine-tuned model.
    pub label_column: Option<String>,
    /// The resolved numbers of the training run.
    pub training: Training,
}

/// Which genes the ids mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VocabularyReference {
    /// Ids run from 1 to this.
    pub n_genes: u32,
    /// [`Vocabulary::digest`].
    pub digest: String,
}

/// The resolved numbers of the training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Steps planned.
    pub steps: u64,
    /// Steps of one pass over the training cells.
    pub steps_per_epoch: u64,
    /// Cells a step.
    pub batch_cells: usize,
    /// Training cells.
    pub n_train: usize,
    /// Validation cells; 0 = none were there.
    pub n_valid: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Which weights the artifact holds: those of the `last` step or of the `best` validation.
    pub weights: String,
}

#[derive(Serialize, Deserialize)]
struct LabelMap {
    classes: Vec<String>,
}

/// All of a model but its weights and history.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// `config.json`.
    pub config: Config,
    /// The genes.
    pub vocabulary: Vocabulary,
    /// The classes by index, sorted; empty without a class head.
    pub classes: Vec<String>,
}

/// A model directory that was opened and validated; its weights are still on disk.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    /// Configuration, genes and classes.
    pub description: Description,
}

impl Description {
    /// Fills an existing empty directory; wrap it in [`write_directory`](super::atomic::write_directory).
    pub fn write(&self, directory: &Path, model: &PanFoMa<Cpu>, history: &History) -> anyhow::Result<()> {
        weights::write(&directory.join("model.safetensors"), &[("", model)])?;
        write_json(&directory.join("config.json"), &self.config)?;
        self.vocabulary.write(&directory.join("vocabulary.parquet"))?;
        if !self.classes.is_empty() {
            write_json(&directory.join("label_map.json"), &LabelMap { classes: self.classes.clone() })?;
        }
        history.write(&directory.join("metrics.parquet"))
    }

    /// Refuses tokens of another vocabulary or binning. `path` names the tokens.
    pub fn expect_tokens(&self, index: &Index, path: &Path) -> Result<(), UserError> {
        let config = &self.config;
        let hint = "tokenize the cells again with `--vocabulary MODEL` to use the model's own genes";
        let differs = |what: &str, found: &str, expected: &str| {
            let tokens = path.display();
            let message =
                format!("`{tokens}` does not fit the model: its {what} is {found}, the model's {expected}");
            Err(UserError::bad_data(message).hint(hint))
        };
        if index.vocabulary.digest != config.vocabulary.digest {
            let name = |n_genes: u32, digest: &str| {
                format!("{n_genes} genes ({}…)", &digest[..digest.len().min(12)])
            };
            return differs(
                "vocabulary",
                &name(index.vocabulary.n_genes, &index.vocabulary.digest),
                &name(config.vocabulary.n_genes, &config.vocabulary.digest),
            );
        }
        if index.binning != config.binning {
            return differs("binning", &index.binning.to_string(), &config.binning.to_string());
        }
        if index.n_bins != config.n_bins {
            return differs("number of bins", &index.n_bins.to_string(), &config.n_bins.to_string());
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Opens and validates everything but the weights.
    ///
    /// Errors: not a model directory, another format or version, a vocabulary other than the configuration names.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Err(UserError::missing(path).into());
        }
        let config_path = path.join("config.json");
        let text = std::fs::read_to_string(&config_path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                let what = format!("`{}` is no model directory: it has no `config.json`", path.display());
                anyhow::Error::new(UserError::bad_data(what).hint("`panfoma-pretrain` makes one"))
            }
            _ => anyhow::Error::new(error).context(format!("reading `{}`", config_path.display())),
        })?;
        let malformed =
            |error: serde_json::Error| UserError::bad_data(format!("`{}`: {error}", config_path.display()));
        // The header first: a newer configuration may not parse, and its version says why.
        let header: Header = serde_json::from_str(&text).map_err(malformed)?;
        header.expect(FORMAT, VERSION, path)?;
        let config: Config = serde_json::from_str(&text).map_err(malformed)?;
        config
            .model
            .validate()
            .map_err(|error| UserError::bad_data(format!("`{}`: {error}", config_path.display())))?;
        let vocabulary = Vocabulary::read(&path.join("vocabulary.parquet"))?;
        vocabulary.expect_digest(&config.vocabulary.digest, path)?;
        let classes = read_classes(path, &config)?;
        let same = |what: &str, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(UserError::bad_data(format!(
                "`{}` contradicts itself: {found} {what}, the model's shape says {expected}",
                path.display()
            ))),
        };
        same("genes with padding", vocabulary.n_genes() + 1, config.model.n_genes)?;
        same("bins", config.n_bins.into(), config.model.n_bins)?;
        same("classes", classes.len(), config.model.n_classes)?;
        Ok(Self { path: path.to_owned(), description: Description { config, vocabulary, classes } })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The weights. Errors: a tensor is missing, left over, or of another shape than the configuration says.
    pub fn weights(&self) -> anyhow::Result<PanFoMa<Cpu>> {
        let config = &self.description.config.model;
        weights::Tensors::read(&self.path.join("model.safetensors"))?.model("", config)?.exhausted()
    }

    /// The weights without a class head, to begin another training with.
    pub fn body(&self) -> anyhow::Result<PanFoMa<Cpu>> {
        let config = ModelConfig { n_classes: 0, ..self.description.config.model.clone() };
        weights::Tensors::read(&self.path.join("model.safetensors"))?
            .without("head.class.")
            .model("", &config)?
            .exhausted()
    }

    /// The training history.
    pub fn history(&self) -> anyhow::Result<History> {
        History::read(&self.path.join("metrics.parquet"))
    }
}

fn read_classes(path: &Path, config: &Config) -> anyhow::Result<Vec<String>> {
    if config.kind == Kind::Pretrain {
        return Ok(Vec::new());
    }
    let file = path.join("label_map.json");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    let map: LabelMap = serde_json::from_str(&text)
        .map_err(|error| UserError::bad_data(format!("`{}`: {error}", file.display())))?;
    Ok(map.classes)
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    std::fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))
}
