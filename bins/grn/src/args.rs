//! Flags of `panfoma-grn`.

use clap::{ValueEnum, ValueHint};
use panfoma_core::artifact::tokens::Split;
use serde::Serialize;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// Where edges come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Whom a gene's state is made from, in the cells of a group.
    Attention,
    /// Which genes' embeddings lie together, whatever the cell.
    Embedding,
    /// Which genes are expressed together in the cells of a group: Pearson's and Spearman's correlation.
    Correlation,
    /// Which regulators predict a gene in the cells of a group: boosted trees, as GRNBoost2.
    Trees,
}

impl Method {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Method::Attention => "attention",
            Method::Embedding => "embedding",
            Method::Correlation => "correlation",
            Method::Trees => "trees",
        }
    }

    /// Does it read a model?
    pub fn needs_model(self) -> bool {
        matches!(self, Method::Attention | Method::Embedding)
    }

    /// Does it read the expression of cells?
    pub fn needs_expression(self) -> bool {
        matches!(self, Method::Correlation | Method::Trees)
    }
}

/// Flags of `panfoma-grn`.
#[derive(clap::Args, Clone, Debug, Serialize)]
pub struct Args {
    /// Tokens that `panfoma-tokenize` wrote
    #[arg(
        short,
        long,
        value_name = "TOKENS",
        value_hint = ValueHint::DirPath,
        required_unless_present = "expression",
        help_heading = "Input and output"
    )]
    #[serde(skip)]
    pub input: Option<PathBuf>,

    /// Instead of tokens: a table of genes x cells whose values are used as they are, for methods without a model
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["input", "model", "group_by", "split"],
        help_heading = "Input and output"
    )]
    #[serde(skip)]
    pub expression: Option<PathBuf>,

    /// Model that `panfoma-pretrain` or `panfoma-finetune` wrote; `correlation` and `trees` need none
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::DirPath, help_heading = "Input and output")]
    #[serde(skip)]
    pub model: Option<PathBuf>,

    /// Edges to write
    #[arg(short, long, value_name = "EDGES", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    #[serde(skip)]
    pub output: PathBuf,

    /// Genes that may regulate: a symbol or Ensembl id a line, `#` begins a comment [default: every gene, if few]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    #[serde(skip)]
    pub regulators: Option<PathBuf>,

    /// Where edges come from: the model's attention or gene embeddings; correlation or boosted trees (GRNBoost2) of the
    /// expression itself, the baselines a model must beat
    #[arg(
        long,
        value_name = "METHODS",
        value_delimiter = ',',
        default_value = "attention,embedding",
        help_heading = "Network"
    )]
    pub method: Vec<Method>,

    /// A network for each value of this column, e.g. `cell_type` [default: one network of all cells]
    #[arg(long, value_name = "COLUMN", help_heading = "Network")]
    pub group_by: Option<String>,

    /// Keep this many edges of each group and method, the highest scores
    #[arg(long, value_name = "N", default_value = "100000", help_heading = "Network")]
    pub top_edges: NonZeroUsize,

    /// Look at no more cells of a group, chosen at random by `--seed`
    #[arg(long, value_name = "N", default_value = "500", help_heading = "Cells")]
    pub max_cells_per_group: NonZeroUsize,

    /// Leave out groups of fewer cells
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Cells")]
    pub min_cells_per_group: NonZeroUsize,

    /// Only cells of this split: `train`, `valid` or `test` [default: all cells]
    #[arg(long, value_name = "SPLIT", help_heading = "Cells")]
    pub split: Option<Split>,

    /// Draw each cell's genes this often; more draws let more pairs meet
    #[arg(long, value_name = "N", default_value = "2", help_heading = "Cells")]
    pub draws: NonZeroU32,
}
