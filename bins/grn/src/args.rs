//! Flags of `panfoma-grn`.

use super::differential::Contrast;
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

/// How a head's attention becomes a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Share of the target's attention, over what the regulator gets from anyone.
    Lift,
    /// The probability itself, over uniform attention.
    Softmax,
    /// Ranks of q·k by row, then by column, as scGPT has it.
    Rank,
}

impl Form {
    /// Its name in the `method` column.
    pub fn method(self) -> &'static str {
        match self {
            Form::Lift => "attention",
            Form::Softmax => "attention_softmax",
            Form::Rank => "attention_rank",
        }
    }

    /// What a pair scores without preference.
    pub fn indifferent(self) -> f64 {
        match self {
            Form::Lift | Form::Softmax => 1.0,
            Form::Rank => 0.5,
        }
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

    /// How attention becomes a score: over what the regulator gets from anyone, the probability, scGPT's ranks of q·k
    #[arg(
        long,
        value_name = "FORMS",
        value_delimiter = ',',
        default_value = "lift",
        help_heading = "Attention"
    )]
    pub attention_form: Vec<Form>,

    /// Only these layers of the encoder, from 0 [default: the mean of all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Attention")]
    pub layers: Vec<usize>,

    /// Only these heads, from 0 [default: the mean of all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Attention")]
    pub heads: Vec<usize>,

    /// Also a network for each head of each layer, `attention/layer0/head3`
    #[arg(long, help_heading = "Attention")]
    pub per_head: bool,

    /// Draw each cell's genes this often; more draws let more pairs meet
    #[arg(long, value_name = "N", default_value = "2", help_heading = "Attention")]
    pub draws: NonZeroU32,

    /// Look at no more cells of a group, chosen at random by `--seed`
    #[arg(long, value_name = "N", default_value = "500", help_heading = "Cells")]
    pub max_cells_per_group: NonZeroUsize,

    /// Leave out groups of fewer cells
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Cells")]
    pub min_cells_per_group: NonZeroUsize,

    /// Only cells of this split: `train`, `valid` or `test` [default: all cells]
    #[arg(long, value_name = "SPLIT", help_heading = "Cells")]
    pub split: Option<Split>,

    /// Also write which edges differ between groups (attention and correlation): the `--top-edges` surest of each method and
    /// contrast, and `<FILE>.summary.tsv` with how many differ, beside how many do between random halves
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "group_by", help_heading = "Differences")]
    #[serde(skip)]
    pub differential: Option<PathBuf>,

    /// Groups to compare, as A:B; again for more [default: every pair, up to ten]
    #[arg(long, value_name = "A:B", requires = "differential", help_heading = "Differences")]
    pub contrast: Vec<Contrast>,

    /// Also write gene programs: communities of genes that the model places together
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "model", help_heading = "Gene programs")]
    #[serde(skip)]
    pub programs: Option<PathBuf>,

    /// Test programs for enrichment with these sets (GMT); written to `<PROGRAMS>.enrichment.tsv`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "programs", help_heading = "Gene programs")]
    #[serde(skip)]
    pub gene_sets: Option<PathBuf>,

    /// Link each gene to this many others
    #[arg(long, value_name = "N", default_value = "15", help_heading = "Gene programs")]
    pub neighbors: NonZeroUsize,

    /// Leiden's resolution: more finds more and smaller programs
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = positive, help_heading = "Gene programs")]
    pub resolution: f64,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("expected a number larger than 0".to_owned()),
    }
}
