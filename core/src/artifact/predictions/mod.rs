//! `predictions.parquet`: one class distribution a cell.
//!
//! Columns: `cell_id` utf8 · label and group columns utf8, nullable · `split` utf8 · `label` utf8, nullable (the truth) ·
//! `top_label` utf8 · `predicted` utf8 (`unassigned` under the threshold) · `probability` float32 ·
//! `entropy` float32 (nats) · `probabilities` fixed_size_list<float32, classes>, and of labels that were transferred from a
//! reference `distance` float32 (to the last neighbour asked) · `novelty` float32 (share of reference cells that lie nearer to
//! theirs; 1: farther than all). Metadata `panfoma`:
//!
//! ```json
//! {"format": "panfoma.predictions", "version": 1, "revision": 0,
//!  "provenance": {"tool": "panfoma-embed", "tool_version": "0.1.0", "commit": "1a2b3c4", "config": {},
//!                 "inputs": [{"name": "model", "blake3": "..."}], "seed": 0},
//!  "label_column": "cell_type", "classes": ["B", "T"], "unassigned_below": 0.5, "columns": ["cell_type", "study"],
//!  "transfer": {"neighbors": 15, "reference_cells": 12000, "novel_above": 0.99}}
//! ```
//!
//! `transfer` is there only if labels were transferred.

use super::embeddings::{vector_type, vector_values, vectors};
use super::obs::{Obs, check_names};
use super::streamed::{self, ROWS_PER_GROUP, StreamedTable, column};
use super::table::{Table, typed};
use super::{Header, Provenance, Shard, shard};
use crate::stage::UserError;
use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the schema.
pub const FORMAT: &str = "panfoma.predictions";
/// Its breaking version.
pub const VERSION: u32 = 1;
/// What `predicted` says of a cell whose best class is not probable enough.
pub const UNASSIGNED: &str = "unassigned";

/// Probabilities of a cell sum to 1 within this: softmax of thousands of classes in f32.
const SUM_TOLERANCE: f32 = 1e-3;

/// What the file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Format, version, provenance.
    #[serde(flatten)]
    pub header: Header,
    /// The column that was learnt.
    pub label_column: String,
    /// Its classes, in the order of `probabilities`.
    pub classes: Vec<String>,
    /// A cell whose best probability is lower is `unassigned`; 0 assigns every cell.
    pub unassigned_below: f32,
    /// Names of the label and group columns, in the order of the table.
    pub columns: Vec<String>,
    /// If labels were transferred from a reference: how; `probabilities` are then shares of votes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Which part of the cells these are, if not all: such tables are merged before use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

/// How labels were transferred from the nearest cells of a reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Reference cells that vote on a cell.
    pub neighbors: usize,
    /// Labelled reference cells there were.
    pub reference_cells: usize,
    /// A cell whose novelty is larger is `unassigned`.
    pub novel_above: f32,
}

impl Metadata {
    /// Metadata of this version.
    pub fn new(
        label_column: String,
        classes: Vec<String>,
        unassigned_below: f32,
        columns: Vec<String>,
        provenance: Provenance,
    ) -> Self {
        Self {
            header: Header::new(FORMAT, VERSION, provenance),
            label_column,
            classes,
            unassigned_below,
            columns,
            transfer: None,
            shard: None,
        }
    }

    fn schema(&self) -> SchemaRef {
        let mut fields = Obs::fields(&self.columns);
        fields.extend([
            Field::new("label", DataType::Utf8, true),
            Field::new("top_label", DataType::Utf8, false),
            Field::new("predicted", DataType::Utf8, false),
            Field::new("probability", DataType::Float32, false),
            Field::new("entropy", DataType::Float32, false),
            Field::new("probabilities", vector_type(self.classes.len()), false),
        ]);
        if self.transfer.is_some() {
            fields.extend(["distance", "novelty"].map(|name| Field::new(name, DataType::Float32, false)));
        }
        Arc::new(Schema::new(fields))
    }
}

/// Some cells with the probabilities of their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Name, split, labels and groups of the cells.
    pub obs: Obs,
    /// The truth where it is known; it need not be one of the classes.
    pub label: Vec<Option<String>>,
    /// [cells × classes] row-major, each row summing to 1.
    pub probabilities: Vec<f32>,
    /// Of transferred labels, one a cell: distance to the last neighbour asked, and novelty; else empty.
    pub places: Vec<Place>,
}

/// Where a cell lies, seen from the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Euclidean distance to the last neighbour asked.
    pub distance: f32,
    /// Share of reference cells that lie nearer to theirs, 0 to 1.
    pub novelty: f32,
}

impl Block {
    /// The most probable class of each cell (the first of equals), its probability, and the entropy in nats.
    pub fn best(&self, n_classes: usize) -> Vec<(usize, f32, f32)> {
        self.probabilities.chunks_exact(n_classes.max(1)).map(best_of).collect()
    }
}

fn best_of(row: &[f32]) -> (usize, f32, f32) {
    let best = (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
    // Summed in f64 with libm, so that every machine writes the same bits; 0 log 0 = 0.
    let entropy: f64 =
        row.iter().map(|&p| f64::from(p)).map(|p| if p > 0.0 { -p * libm::log(p) } else { 0.0 }).sum();
    (best, row[best], entropy as f32)
}

/// Streams cells into `predictions.parquet`; the bytes do not depend on how the cells are cut into blocks.
pub struct Writer {
    table: StreamedTable,
    metadata: Metadata,
    schema: SchemaRef,
    pending: Block,
}

impl Writer {
    /// Starts the file under a temporary name.
    pub fn create(path: &Path, metadata: Metadata) -> anyhow::Result<Self> {
        let mut own = vec![
            "cell_id",
            "split",
            "label",
            "top_label",
            "predicted",
            "probability",
            "entropy",
            "probabilities",
        ];
        own.extend(metadata.transfer.iter().flat_map(|_| ["distance", "novelty"]));
        check_names(&metadata.columns, &own)?;
        assert!(!metadata.classes.is_empty(), "predictions need at least one class");
        let schema = metadata.schema();
        let table = StreamedTable::create(path, &schema, &metadata)?;
        let pending = Block { obs: Obs::with_columns(metadata.columns.len()), ..Block::default() };
        Ok(Self { table, metadata, schema, pending })
    }

    /// Appends cells; label, probability and entropy columns follow from the probabilities.
    /// Panics if the shapes disagree.
    pub fn push(&mut self, block: &Block) -> anyhow::Result<()> {
        block.obs.assert_consistent(self.metadata.columns.len());
        let n_cells = block.obs.len();
        assert_eq!(block.label.len(), n_cells, "labels against cells");
        assert_eq!(block.probabilities.len(), n_cells * self.metadata.classes.len(), "probabilities");
        assert_eq!(block.places.len(), if self.metadata.transfer.is_some() { n_cells } else { 0 }, "places");
        self.pending.obs.extend(&block.obs);
        self.pending.label.extend_from_slice(&block.label);
        self.pending.probabilities.extend_from_slice(&block.probabilities);
        self.pending.places.extend_from_slice(&block.places);
        while self.pending.obs.len() >= ROWS_PER_GROUP {
            self.write_rows(ROWS_PER_GROUP)?;
        }
        Ok(())
    }

    /// Writes what is left and gives the file its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if !self.pending.obs.is_empty() {
            self.write_rows(self.pending.obs.len())?;
        }
        self.table.finish()
    }

    fn write_rows(&mut self, n: usize) -> anyhow::Result<()> {
        let classes = &self.metadata.classes;
        let rows = Block {
            obs: self.pending.obs.drain(n),
            label: self.pending.label.drain(..n).collect(),
            probabilities: self.pending.probabilities.drain(..n * classes.len()).collect(),
            places: self.pending.places.drain(..n.min(self.pending.places.len())).collect(),
        };
        let best = rows.best(classes.len());
        let novel_above = self.metadata.transfer.as_ref().map_or(1.0, |transfer| transfer.novel_above);
        let is_novel = |cell: usize| rows.places.get(cell).is_some_and(|place| place.novelty > novel_above);
        let predicted = best.iter().enumerate().map(|(cell, &(class, probability, _))| {
            let unsure = probability < self.metadata.unassigned_below || is_novel(cell);
            if unsure { UNASSIGNED } else { &classes[class] }
        });
        let own: [ArrayRef; 6] = [
            Arc::new(StringArray::from_iter(rows.label.iter())),
            Arc::new(StringArray::from_iter_values(best.iter().map(|b| &classes[b.0]))),
            Arc::new(StringArray::from_iter_values(predicted)),
            Arc::new(Float32Array::from_iter_values(best.iter().map(|b| b.1))),
            Arc::new(Float32Array::from_iter_values(best.iter().map(|b| b.2))),
            vectors(rows.probabilities, classes.len())?,
        ];
        let numbers = |of: fn(&Place) -> f32| {
            Arc::new(Float32Array::from_iter_values(rows.places.iter().map(of))) as ArrayRef
        };
        let places =
            self.metadata.transfer.as_ref().map(|_| [numbers(|p| p.distance), numbers(|p| p.novelty)]);
        let arrays = rows.obs.arrays().into_iter().chain(own).chain(places.into_iter().flatten()).collect();
        self.table.write(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}

/// What is read back of some cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Cells, truth and probabilities.
    pub block: Block,
    /// The class said, or `None` for `unassigned`; an index into the classes.
    pub predicted: Vec<Option<u32>>,
}

/// A checked `predictions.parquet`; every pass streams the file again.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    table: Table,
    /// What the file says about itself.
    pub metadata: Metadata,
    /// Number of cells.
    pub n_cells: usize,
}

impl Reader {
    /// Reads and checks header and schema.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let (table, metadata) = streamed::open(path, FORMAT, VERSION, Metadata::schema)?;
        shard::refuse(metadata.shard, path, "panfoma-embed")?;
        Ok(Self { path: path.to_owned(), metadata, n_cells: table.n_rows(), table })
    }

    /// Blocks of cells in file order.
    pub fn blocks(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Predicted>> + use<>> {
        let (path, metadata) = (self.path.clone(), self.metadata.clone());
        let columns = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(streamed::batches(self.table.clone(), columns).map(move |batch| read(&batch?, &metadata, &path)))
    }
}

fn read(batch: &RecordBatch, metadata: &Metadata, path: &Path) -> anyhow::Result<Predicted> {
    let obs = Obs::from_batch(batch, &metadata.columns, path)?;
    let label = typed::<StringArray>(batch, "label", path)?;
    let names = column::<StringArray>(batch, "predicted", path)?;
    let n_classes = metadata.classes.len();
    let probabilities = vector_values(batch, "probabilities", n_classes, path)?;
    for (row, cell) in probabilities.chunks_exact(n_classes).zip(&obs.cell_id) {
        let sum: f32 = row.iter().sum();
        if row.iter().any(|p| *p < 0.0) || (sum - 1.0).abs() > SUM_TOLERANCE {
            let message =
                format!("`{}`: the probabilities of cell `{cell}` sum to {sum}, expected 1", path.display());
            return Err(UserError::bad_data(message).into());
        }
    }
    let class_of = |name: &str| match metadata.classes.iter().position(|class| class == name) {
        Some(class) => Ok(Some(class as u32)),
        None if name == UNASSIGNED => Ok(None),
        None => Err(UserError::bad_data(format!("`{}`: `{name}` is not among the classes", path.display()))),
    };
    let predicted = names.iter().flatten().map(class_of).collect::<Result<_, _>>()?;
    let label = label.iter().map(|text| text.map(str::to_owned)).collect();
    let places = match metadata.transfer {
        Some(_) => {
            let numbers = |name| column::<Float32Array>(batch, name, path);
            let both = numbers("distance")?.values().iter().zip(numbers("novelty")?.values());
            both.map(|(&distance, &novelty)| Place { distance, novelty }).collect()
        }
        None => Vec::new(),
    };
    Ok(Predicted { block: Block { obs, label, probabilities, places }, predicted })
}

#[cfg(test)]
mod tests;
