//! The flags of `panfoma-embed`.

use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use panfoma_core::artifact::Shard;
use panfoma_core::artifact::checkpoint::Kind;
use panfoma_core::train::flags::{at_least_one, part};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Embeds cells and, with a fine-tuned model, names their classes.
#[derive(ClapArgs, Clone, Debug, Serialize)]
pub struct Args {
    /// Tokens of the cells
    #[arg(short, long, value_name = "TOKENS", value_hint = ValueHint::DirPath, required_unless_present = "merge")]
    #[serde(skip)]
    pub input: Option<PathBuf>,

    /// Model to embed with
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::DirPath, required_unless_present = "merge")]
    #[serde(skip)]
    pub model: Option<PathBuf>,

    /// Embeddings to write (Parquet)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(skip)]
    pub output: PathBuf,

    /// Class probabilities to write (Parquet); needs a fine-tuned model
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(skip)]
    pub predictions: Option<PathBuf>,

    /// AnnData Zarr to write: `--cells` with the embeddings in `obsm/X_panfoma`
    #[arg(long, value_name = "ZARR", value_hint = ValueHint::DirPath, requires = "cells")]
    #[serde(skip)]
    pub zarr: Option<PathBuf>,

    /// The cells that the tokens were made from, for `--zarr`
    #[arg(long, value_name = "ZARR", value_hint = ValueHint::DirPath, requires = "zarr")]
    #[serde(skip)]
    pub cells: Option<PathBuf>,

    /// Embed the I-th of N equal parts of the cells only, as one job of an array; `--merge` joins them
    #[arg(long, value_name = "I/N", conflicts_with = "zarr", help_heading = "Shards")]
    #[serde(skip)]
    pub shard: Option<Shard>,

    /// Join these shards, in any order, to the embeddings (or predictions, or transferred labels) that a run without
    /// `--shard` writes, byte for byte
    #[arg(
        long,
        value_name = "SHARD",
        num_args = 1..,
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["input", "model", "shard", "predictions", "reference", "pool", "draws", "unassigned_below", "batch_size"],
        help_heading = "Shards"
    )]
    #[serde(skip)]
    pub merge: Vec<PathBuf>,

    #[command(flatten)]
    #[serde(flatten)]
    /// How cells are embedded.
    pub embedding: Embedding,

    #[command(flatten)]
    #[serde(skip)]
    /// How labels are transferred; the transferred labels themselves say so.
    pub mapping: Mapping,
}

impl Args {
    /// Tokens of the cells.
    pub fn input(&self) -> &Path {
        self.input.as_deref().expect("required without `--merge`")
    }

    /// Model to embed with.
    pub fn model(&self) -> &Path {
        self.model.as_deref().expect("required without `--merge`")
    }
}

/// How labels come from a reference.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Reference mapping")]
pub struct Mapping {
    /// Embeddings of labelled cells by the same model: their labels are transferred to the nearest cells
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "transfer")]
    pub reference: Option<PathBuf>,

    /// Transferred labels to write (Parquet, as predictions), with each cell's novelty
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "reference")]
    pub transfer: Option<PathBuf>,

    /// Column of the reference with the labels [default: what the model was fine-tuned for, else its only label column]
    #[arg(long, value_name = "COLUMN", requires = "reference")]
    pub reference_label: Option<String>,

    /// Which cells of the reference give their labels
    #[arg(long, value_enum, default_value_t, value_name = "CELLS")]
    pub reference_cells: ReferenceCells,

    /// Reference cells that vote on a cell; `--unassigned-below` applies to the share of votes
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = at_least_one)]
    pub neighbors: usize,

    /// A cell farther from the reference than this share of its own cells are from each other is `unassigned`; 1 assigns
    /// every cell
    #[arg(long, value_name = "SHARE", default_value_t = 0.99, value_parser = part)]
    pub novel_above: f64,
}

/// Which cells of a reference give their labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReferenceCells {
    /// Those of its train split, so that held-out cells stay held out
    #[default]
    Train,
    /// All that have a label
    All,
}

/// How cells are embedded.
#[derive(ClapArgs, Clone, Debug, Serialize)]
#[command(next_help_heading = "Embedding")]
pub struct Embedding {
    /// What represents a cell [default: `cls` of a pretrained model; `mean` of a fine-tuned one, whose class head reads it]
    #[arg(long, value_enum)]
    pub pool: Option<Pool>,

    /// Average over so many draws of a cell's genes; more than one helps where cells express more genes than the
    /// model sees at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub draws: usize,

    /// A cell whose best class is less probable is predicted `unassigned`; 0 assigns every cell
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.5, value_parser = part)]
    pub unassigned_below: f64,

    /// Cells of one model call [default: 1 on the CPU, where more need more memory a thread; on a GPU as many as fit its
    /// free memory, at most 64]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub batch_size: Option<usize>,
}

/// What represents a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Mean of its genes' final states
    Mean,
    /// Mean of the chunks' [CLS] states, the global state of dynamic sorting
    Cls,
    /// Both, one after the other
    Concat,
}

impl Embedding {
    /// What represents a cell of such a model, if the user does not say. The global state of pretrained models keeps cell types
    /// apart better than the mean of their genes' states (docs/benchmarks/tumours.md).
    pub fn pool_of(&self, kind: Kind) -> Pool {
        self.pool.unwrap_or(match kind {
            Kind::Pretrain => Pool::Cls,
            Kind::Finetune => Pool::Mean,
        })
    }
}
