//! `tokens/`: one row a cell, the genes it expresses as vocabulary ids with their counts and bins.
//!
//! ```json
//! {"format": "panfoma.tokens", "version": 1, "revision": 0, "provenance": {"tool": "panfoma-tokenize", "...": 0},
//!  "n_cells": 3, "vocabulary": {"n_genes": 2, "digest": "5ec1…", "selection": "every measured gene"},
//!  "n_bins": 51, "binning": "quantile", "label_columns": ["cell_type"], "group_columns": ["patient"],
//!  "split": {"by": "patient", "fractions": [0.8, 0.1, 0.1], "seed": 0, "stratify": null, "optimistic": false,
//!            "cells": {"train": 3, "valid": 0, "test": 0}, "groups": {"train": 1, "valid": 0, "test": 0}},
//!  "dropped": {"cells_failing_qc": 0, "cells_without_vocabulary_gene": 0, "genes_outside_vocabulary": 0},
//!  "panels_blake3": "98c4…",
//!  "parts": [{"file": "part-00000.parquet", "n_cells": 3, "blake3": "77ab…"}]}
//! ```

mod categories;
mod chunks;
pub mod modalities;
mod panels;
mod reader;
mod row_group;
mod rows;
mod shards;
mod writer;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use categories::Categories;
pub use modalities::{Modality, ModalityRecord};
pub use panels::Panel;
pub use reader::{Columns, RowGroup, Tokens};
pub use rows::{Cell, CellRows, Lists};
pub use shards::Shards;
pub use writer::{Block, Content, TextColumn, TokensWriter};

use super::{Header, Shard};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The artifact's format name.
pub const FORMAT: &str = "panfoma.tokens";
/// The version this code reads and writes.
pub const VERSION: u32 = 1;
/// Cells a row group: small enough to shuffle by, large enough to compress.
pub const ROW_GROUP_CELLS: usize = 1024;
/// Cells a part: some 150 MB, so that one is digested in a blink and 3.5 million cells make 54 files.
pub const PART_CELLS: usize = 65_536;

/// `_index.json`: what the directory holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Format, version, provenance.
    #[serde(flatten)]
    pub header: Header,
    /// Cells of all parts.
    pub n_cells: u64,
    /// Which genes the ids mean.
    pub vocabulary: VocabularyRecord,
    /// Bins run from 0 (a zero count, not stored) to `n_bins - 1`.
    pub n_bins: u16,
    /// How counts became bins.
    pub binning: Binning,
    /// Columns one may train on, e.g. `cell_type`.
    pub label_columns: Vec<String>,
    /// Columns one may split and score by, e.g. `patient`.
    pub group_columns: Vec<String>,
    /// How cells were divided.
    pub split: SplitRecord,
    /// What was left out.
    pub dropped: Dropped,
    /// What the cells carry beside genes; readers ignore it unless asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modalities: Vec<ModalityRecord>,
    /// Which part of the corpus these are, if not all of it: such tokens are merged before use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// BLAKE3 of `_panels.parquet`.
    pub panels_blake3: String,
    /// The part files in order.
    pub parts: Vec<Part>,
}

/// Which genes the ids mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VocabularyRecord {
    /// Ids run from 1 to this.
    pub n_genes: u32,
    /// [`Vocabulary::digest`](super::vocabulary::Vocabulary::digest).
    pub digest: String,
    /// How the genes were chosen, for people.
    pub selection: String,
}

/// How counts become bins; the arithmetic stands in [`data::binning`](crate::data::binning).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binning {
    /// By rank among the cell's non-zero counts; ties share a bin.
    #[default]
    Quantile,
    /// scGPT's: ties are spread over the quantile bins they span, by a draw keyed by (seed, cell, gene).
    Scgpt,
    /// The middle of the bins that `scgpt` draws from.
    ScgptMidpoint,
    /// By rank of the count over the gene's median (Geneformer's order); cells carry `ranks` too.
    Rank,
}

impl Binning {
    /// The rules.
    pub const ALL: [Binning; 4] = [Binning::Quantile, Binning::Scgpt, Binning::ScgptMidpoint, Binning::Rank];

    /// Its name in flags and artifacts.
    pub fn name(self) -> &'static str {
        match self {
            Binning::Quantile => "quantile",
            Binning::Scgpt => "scgpt",
            Binning::ScgptMidpoint => "scgpt-midpoint",
            Binning::Rank => "rank",
        }
    }
}

impl fmt::Display for Binning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Binning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Binning::ALL.map(|binning| format!("`{binning}`"));
        let found = Binning::ALL.into_iter().find(|binning| binning.name() == text);
        found.ok_or_else(|| format!("`{text}` is no binning, expected {}", names.join(", ")))
    }
}

/// How cells were divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// The column whose groups were kept together; `cell` if each cell was drawn alone.
    pub by: String,
    /// Fractions asked for: train, valid, test.
    pub fractions: [f64; 3],
    /// Seed of the assignment.
    pub seed: u64,
    /// The label within whose levels groups were apportioned.
    pub stratify: Option<String>,
    /// Groups that validate by name; without any, left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid_groups: Vec<String>,
    /// Groups that test by name; without any, left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_groups: Vec<String>,
    /// Do cells of one patient fall on both sides? Scores on such a split flatter every method.
    pub optimistic: bool,
    /// Cells of each split.
    pub cells: PerSplit,
    /// Groups of each split.
    pub groups: PerSplit,
}

/// A number for each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSplit {
    /// Of the training split.
    pub train: u64,
    /// Of the validation split.
    pub valid: u64,
    /// Of the test split.
    pub test: u64,
}

impl PerSplit {
    /// The number of one split.
    pub fn get(&self, split: Split) -> u64 {
        match split {
            Split::Train => self.train,
            Split::Valid => self.valid,
            Split::Test => self.test,
        }
    }

    /// Counts one more.
    pub fn add(&mut self, split: Split, n: u64) {
        *match split {
            Split::Train => &mut self.train,
            Split::Valid => &mut self.valid,
            Split::Test => &mut self.test,
        } += n;
    }
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Cells that quality control marked as failing (`passes_qc` false).
    pub cells_failing_qc: u64,
    /// Cells that express no gene of the vocabulary.
    pub cells_without_vocabulary_gene: u64,
    /// Genes of the input that are not in the vocabulary.
    pub genes_outside_vocabulary: u64,
}

/// One part file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `part-00000.parquet`.
    pub file: String,
    /// Its rows.
    pub n_cells: u64,
    /// BLAKE3 of its bytes.
    pub blake3: String,
}

/// The part of the corpus a cell belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Split {
    /// Fitted on.
    Train,
    /// Chosen by.
    Valid,
    /// Read once, at the end.
    Test,
}

impl Split {
    /// The three, in the order of `--split`'s fractions.
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    /// Its name in the `split` column.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Split::ALL
            .into_iter()
            .find(|split| split.name() == text)
            .ok_or_else(|| format!("`{text}` is no split, expected `train`, `valid` or `test`"))
    }
}

/// The columns of a part whatever the labels: without the label and group columns.
fn fixed_fields<'a>(binning: Binning, modalities: impl IntoIterator<Item = &'a str>) -> Vec<Field> {
    let list = |name: &str, item: DataType| Field::new_list(name, Field::new("item", item, false), false);
    let mut fields = vec![
        Field::new("cell_id", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("panel", DataType::UInt16, false),
        Field::new("total_counts", DataType::Float64, false),
        Field::new("n_genes", DataType::UInt32, false),
        list("gene_ids", DataType::UInt32),
        list("counts", DataType::Float32),
        list("bins", DataType::UInt8),
    ];
    if binning == Binning::Rank {
        fields.push(list("ranks", DataType::UInt16));
    }
    fields.extend(modalities.into_iter().flat_map(modalities::fields));
    fields
}

/// The schema of a part: `cell_id`, the text columns, then the fixed ones.
fn part_schema<'a>(
    binning: Binning,
    modalities: impl IntoIterator<Item = &'a str>,
    text_columns: impl IntoIterator<Item = &'a str>,
) -> SchemaRef {
    let mut fields = fixed_fields(binning, modalities);
    let rest = fields.split_off(1);
    fields.extend(text_columns.into_iter().map(|name| Field::new(name, DataType::Utf8, true)));
    fields.extend(rest);
    Arc::new(Schema::new(fields))
}
