//! `edges.parquet`: a regulatory network, ranked.
//!
//! Columns: `regulator`, `target` utf8 (symbols) · `score` float32 · `rank` uint32 from 1 within (group, method) ·
//! `group` utf8 (`all` or a label) · `method` utf8 (`attention`, `embedding`, `pearson`, `spearman`, `trees`). Metadata `panfoma`: the header,
//!
//! ```json
//! {"format": "panfoma.edges", "version": 1, "revision": 0,
//!  "provenance": {"tool": "panfoma-grn", "tool_version": "0.1.0", "commit": "1a2b3c4", "config": {},
//!                 "inputs": [{"name": "model", "blake3": "..."}], "seed": 0}}
//! ```

use super::streamed::{self, ROWS_PER_GROUP, StreamedTable, column};
use super::table::Table;
use super::{Header, Provenance};
use crate::stage::UserError;
use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the schema.
pub const FORMAT: &str = "panfoma.edges";
/// Its breaking version.
pub const VERSION: u32 = 1;
/// The group of edges drawn from every cell.
pub const ALL_CELLS: &str = "all";

/// One directed edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Symbol of the regulating gene.
    pub regulator: String,
    /// Symbol of the regulated gene.
    pub target: String,
    /// Larger magnitudes are more certain; a negative score says that the regulator represses.
    pub score: f32,
    /// From 1 within (group, method).
    pub rank: u32,
    /// `all` or a label.
    pub group: String,
    /// `attention`, `embedding`, `pearson`, `spearman`, `trees`.
    pub method: String,
}

fn schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![
        text("regulator"),
        text("target"),
        Field::new("score", DataType::Float32, false),
        Field::new("rank", DataType::UInt32, false),
        text("group"),
        text("method"),
    ]))
}

/// Streams edges into `edges.parquet`; the bytes do not depend on how the edges are cut into blocks.
pub struct Writer {
    table: StreamedTable,
    pending: Vec<Edge>,
}

impl Writer {
    /// Starts the file under a temporary name.
    pub fn create(path: &Path, provenance: Provenance) -> anyhow::Result<Self> {
        let header = Header::new(FORMAT, VERSION, provenance);
        Ok(Self { table: StreamedTable::create(path, &schema(), &header)?, pending: Vec::new() })
    }

    /// Appends edges.
    pub fn push(&mut self, edges: impl IntoIterator<Item = Edge>) -> anyhow::Result<()> {
        for edge in edges {
            self.pending.push(edge);
            if self.pending.len() == ROWS_PER_GROUP {
                self.write_pending()?;
            }
        }
        Ok(())
    }

    /// Writes what is left and gives the file its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        self.table.finish()
    }

    fn write_pending(&mut self) -> anyhow::Result<()> {
        let edges = &self.pending;
        let texts = |of: fn(&Edge) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(edges.iter().map(of)))
        };
        let arrays = vec![
            texts(|edge| &edge.regulator),
            texts(|edge| &edge.target),
            Arc::new(Float32Array::from_iter_values(edges.iter().map(|edge| edge.score))) as ArrayRef,
            Arc::new(UInt32Array::from_iter_values(edges.iter().map(|edge| edge.rank))) as ArrayRef,
            texts(|edge| &edge.group),
            texts(|edge| &edge.method),
        ];
        self.table.write(RecordBatch::try_new(schema(), arrays)?)?;
        self.pending.clear();
        Ok(())
    }
}

/// A checked `edges.parquet`; every pass streams the file again.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    table: Table,
    /// Format, version, provenance.
    pub header: Header,
    /// Number of edges.
    pub n_edges: usize,
}

impl Reader {
    /// Reads and checks header and schema.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let (table, header) = streamed::open(path, FORMAT, VERSION, |_: &Header| schema())?;
        Ok(Self { path: path.to_owned(), header, n_edges: table.n_rows(), table })
    }

    /// Blocks of edges in file order.
    pub fn blocks(&self) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Vec<Edge>>> + use<>> {
        let path = self.path.clone();
        let columns = schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(streamed::batches(self.table.clone(), columns).map(move |batch| read(&batch?, &path)))
    }
}

fn read(batch: &RecordBatch, path: &Path) -> anyhow::Result<Vec<Edge>> {
    let texts = |name| column::<StringArray>(batch, name, path);
    let (regulator, target) = (texts("regulator")?, texts("target")?);
    let (group, method) = (texts("group")?, texts("method")?);
    let score = column::<Float32Array>(batch, "score", path)?;
    let rank = column::<UInt32Array>(batch, "rank", path)?;
    if let Some(at) = score.values().iter().position(|score| !score.is_finite()) {
        let message = format!(
            "`{}`: the score of {} -> {} is {}, expected a finite number",
            path.display(),
            regulator.value(at),
            target.value(at),
            score.value(at)
        );
        return Err(UserError::bad_data(message).into());
    }
    Ok((0..batch.num_rows())
        .map(|row| Edge {
            regulator: regulator.value(row).to_owned(),
            target: target.value(row).to_owned(),
            score: score.value(row),
            rank: rank.value(row),
            group: group.value(row).to_owned(),
            method: method.value(row).to_owned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::embeddings::tests::provenance;

    fn edges(n: u32) -> Vec<Edge> {
        (0..n)
            .map(|i| Edge {
                regulator: format!("TF{}", i % 3),
                target: format!("G{i}"),
                score: 1.0 / (1.0 + i as f32),
                rank: i + 1,
                group: ALL_CELLS.to_owned(),
                method: "attention".to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_was_written_is_read_back_whatever_the_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let paths = [1, 7, 5_000].map(|block| {
            let path = directory.path().join(format!("edges{block}"));
            let mut writer = Writer::create(&path, provenance()).unwrap();
            edges(2_500).chunks(block).for_each(|chunk| writer.push(chunk.to_vec()).unwrap());
            writer.finish().unwrap();
            path
        });
        let reader = Reader::open(&paths[0]).unwrap();
        assert_eq!(reader.n_edges, 2_500);
        assert_eq!(reader.header.provenance, provenance());
        let read: Vec<Edge> = reader.blocks().unwrap().flat_map(Result::unwrap).collect();
        assert_eq!(read, edges(2_500));
        let bytes = paths.map(|path| std::fs::read(path).unwrap());
        assert!(bytes[0] == bytes[1] && bytes[1] == bytes[2]);
    }

    #[test]
    fn a_score_that_is_not_finite_is_refused_with_its_edge() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("edges");
        let mut writer = Writer::create(&path, provenance()).unwrap();
        writer.push([Edge { score: f32::INFINITY, ..edges(1)[0].clone() }]).unwrap();
        writer.finish().unwrap();
        let error = Reader::open(&path).unwrap().blocks().unwrap().next().unwrap().unwrap_err();
        assert!(error.to_string().contains("TF0 -> G0 is inf"), "{error}");
    }
}
