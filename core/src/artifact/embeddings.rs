//! `embeddings.parquet`: one vector a cell.
//!
//! Columns: `cell_id` utf8 · label and group columns utf8, nullable · `split` utf8 ·
//! `embedding` fixed_size_list<float32, dim>. Metadata `panfoma`:
//!
//! ```json
//! {"format": "panfoma.embeddings", "version": 1, "revision": 0,
//!  "provenance": {"tool": "panfoma-embed", "tool_version": "0.1.0", "commit": "1a2b3c4", "config": {},
//!                 "inputs": [{"name": "tokens", "blake3": "..."}], "seed": 0},
//!  "dim": 512, "columns": ["cell_type", "study", "patient"], "label_columns": ["cell_type"]}
//! ```

use super::obs::{Obs, check_names};
use super::streamed::{self, ROWS_PER_GROUP, StreamedTable, column};
use super::table::Table;
use super::{Header, Provenance, Shard, shard};
use crate::stage::UserError;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the schema.
pub const FORMAT: &str = "panfoma.embeddings";
/// Its breaking version.
pub const VERSION: u32 = 1;

/// What the file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Format, version, provenance.
    #[serde(flatten)]
    pub header: Header,
    /// Length of each embedding.
    pub dim: usize,
    /// Names of the label and group columns, in the order of the table.
    pub columns: Vec<String>,
    /// Those of `columns` that are labels.
    pub label_columns: Vec<String>,
    /// Which part of the cells these are, if not all: such tables are merged before use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

impl Metadata {
    /// Metadata of this version.
    pub fn new(dim: usize, columns: Vec<String>, label_columns: Vec<String>, provenance: Provenance) -> Self {
        let header = Header::new(FORMAT, VERSION, provenance);
        Self { header, dim, columns, label_columns, shard: None }
    }

    fn schema(&self) -> SchemaRef {
        let mut fields = Obs::fields(&self.columns);
        fields.push(Field::new("embedding", vector_type(self.dim), false));
        Arc::new(Schema::new(fields))
    }
}

/// `fixed_size_list<float32, n>`.
pub(super) fn vector_type(n: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, false)), n as i32)
}

/// `values`: [rows × n] row-major.
pub(super) fn vectors(values: Vec<f32>, n: usize) -> anyhow::Result<ArrayRef> {
    let field = Arc::new(Field::new("item", DataType::Float32, false));
    Ok(Arc::new(FixedSizeListArray::try_new(field, n as i32, Arc::new(Float32Array::from(values)), None)?))
}

/// The values of a vector column, [rows × n] row-major; refuses nulls and values that are not finite.
pub(super) fn vector_values(
    batch: &RecordBatch,
    name: &str,
    n: usize,
    path: &Path,
) -> anyhow::Result<Vec<f32>> {
    let list = column::<FixedSizeListArray>(batch, name, path)?;
    let values =
        list.values().as_any().downcast_ref::<Float32Array>().filter(|values| values.null_count() == 0);
    let values = values
        .ok_or_else(|| UserError::bad_data(format!("`{}`: column `{name}` holds nulls", path.display())))?;
    let (start, length) = (list.offset() * n, list.len() * n);
    let values = &values.values()[start..start + length];
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values.to_vec()),
        Some(at) => Err(UserError::bad_data(format!(
            "`{}`: column `{name}` holds {}, expected finite numbers",
            path.display(),
            values[at]
        ))
        .into()),
    }
}

/// Streams cells into `embeddings.parquet`; the bytes do not depend on how the cells are cut into blocks.
pub struct Writer {
    table: StreamedTable,
    metadata: Metadata,
    schema: SchemaRef,
    pending: Obs,
    values: Vec<f32>,
}

impl Writer {
    /// Starts the file under a temporary name.
    pub fn create(path: &Path, metadata: Metadata) -> anyhow::Result<Self> {
        check_names(&metadata.columns, &["cell_id", "split", "embedding"])?;
        let schema = metadata.schema();
        let table = StreamedTable::create(path, &schema, &metadata)?;
        let pending = Obs::with_columns(metadata.columns.len());
        Ok(Self { table, metadata, schema, pending, values: Vec::new() })
    }

    /// Appends cells. `embedding`: [cells × dim] row-major. Panics if the shapes disagree.
    pub fn push(&mut self, obs: &Obs, embedding: &[f32]) -> anyhow::Result<()> {
        obs.assert_consistent(self.metadata.columns.len());
        assert_eq!(embedding.len(), obs.len() * self.metadata.dim, "embedding against cells × dim");
        self.pending.extend(obs);
        self.values.extend_from_slice(embedding);
        while self.pending.len() >= ROWS_PER_GROUP {
            self.write_rows(ROWS_PER_GROUP)?;
        }
        Ok(())
    }

    /// Writes what is left and gives the file its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if !self.pending.is_empty() {
            self.write_rows(self.pending.len())?;
        }
        self.table.finish()
    }

    fn write_rows(&mut self, n: usize) -> anyhow::Result<()> {
        let mut arrays = self.pending.drain(n).arrays();
        arrays.push(vectors(self.values.drain(..n * self.metadata.dim).collect(), self.metadata.dim)?);
        self.table.write(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }
}

/// A checked `embeddings.parquet`; every pass streams the file again.
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
    /// Reads and checks header and schema; refuses a shard.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let (table, metadata) = streamed::open(path, FORMAT, VERSION, Metadata::schema)?;
        shard::refuse(metadata.shard, path, "panfoma-embed")?;
        Ok(Self { path: path.to_owned(), metadata, n_cells: table.n_rows(), table })
    }

    /// Blocks of cells with their embeddings, [cells × dim] row-major, in file order.
    pub fn blocks(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<(Obs, Vec<f32>)>> + use<>> {
        let (path, metadata) = (self.path.clone(), self.metadata.clone());
        let columns = self.obs_columns().chain(["embedding".to_owned()]).collect();
        Ok(streamed::batches(self.table.clone(), columns).map(move |batch| {
            let batch = batch?;
            let obs = Obs::from_batch(&batch, &metadata.columns, &path)?;
            Ok((obs, vector_values(&batch, "embedding", metadata.dim, &path)?))
        }))
    }

    /// The same cells without their embeddings, which are not read from disk.
    pub fn obs_blocks(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Obs>> + use<>> {
        let (path, names) = (self.path.clone(), self.metadata.columns.clone());
        let batches = streamed::batches(self.table.clone(), self.obs_columns().collect());
        Ok(batches.map(move |batch| Obs::from_batch(&batch?, &names, &path)))
    }

    fn obs_columns(&self) -> impl Iterator<Item = String> {
        let names = self.metadata.columns.iter().cloned();
        names.chain(["cell_id", "split"].map(str::to_owned))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::artifact::obs::Split;
    use crate::artifact::provenance::Input;

    pub(in crate::artifact) fn provenance() -> Provenance {
        Provenance {
            tool: "panfoma-embed".to_owned(),
            tool_version: "0.1.0".to_owned(),
            commit: "abc".to_owned(),
            config: serde_json::json!({"pool": "mean"}),
            inputs: vec![Input { name: "tokens".to_owned(), blake3: "00".to_owned() }],
            seed: 7,
        }
    }

    fn metadata() -> Metadata {
        Metadata::new(3, vec!["cell_type".into(), "patient".into()], vec!["cell_type".into()], provenance())
    }

    fn cells(range: std::ops::Range<usize>) -> (Obs, Vec<f32>) {
        let obs = Obs {
            cell_id: range.clone().map(|i| format!("cell{i}")).collect(),
            split: range.clone().map(|i| Split::ALL[i % 3]).collect(),
            columns: vec![
                range.clone().map(|i| (i % 5 > 0).then(|| format!("type{}", i % 5))).collect(),
                range.clone().map(|i| Some(format!("p{}", i % 7))).collect(),
            ],
        };
        let values = range.flat_map(|i| [i as f32, -(i as f32), 0.5]).collect();
        (obs, values)
    }

    fn write(path: &Path, n: usize, block: usize) {
        let mut writer = Writer::create(path, metadata()).unwrap();
        for start in (0..n).step_by(block) {
            let (obs, values) = cells(start..(start + block).min(n));
            writer.push(&obs, &values).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn what_was_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("embeddings.parquet");
        for n in [0, 1, ROWS_PER_GROUP, 2 * ROWS_PER_GROUP + 3] {
            write(&path, n, 100);
            let reader = Reader::open(&path).unwrap();
            assert_eq!((reader.n_cells, &reader.metadata), (n, &metadata()));
            let (mut obs, mut values, mut only) = (Obs::with_columns(2), Vec::new(), Obs::with_columns(2));
            for block in reader.blocks().unwrap() {
                let block = block.unwrap();
                obs.extend(&block.0);
                values.extend(block.1);
            }
            reader.obs_blocks().unwrap().for_each(|block| only.extend(&block.unwrap()));
            assert_eq!((&obs, &values), (&cells(0..n).0, &cells(0..n).1));
            assert_eq!(only, obs);
        }
    }

    #[test]
    fn bytes_do_not_depend_on_how_cells_are_cut_into_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        write(&a, 3_000, 1);
        write(&b, 3_000, 2_900);
        assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("embeddings.parquet");
        drop(Writer::create(&path, metadata()).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_embedding_that_is_not_finite_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("embeddings.parquet");
        let mut writer = Writer::create(&path, metadata()).unwrap();
        writer.push(&cells(0..1).0, &[0.0, f32::NAN, 1.0]).unwrap();
        writer.finish().unwrap();
        let block = Reader::open(&path).unwrap().blocks().unwrap().next().unwrap();
        assert!(block.unwrap_err().to_string().contains("expected finite numbers"));
    }

    #[test]
    fn a_label_column_named_split_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut metadata = metadata();
        metadata.columns[0] = "split".to_owned();
        assert!(Writer::create(&directory.path().join("e"), metadata).is_err());
    }
}
