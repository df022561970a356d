//! Parquet as every table of this toolkit is written and read: zstd, one header under the key `panfoma`, and the
//! same bytes for any number of threads.

use super::atomic;
use crate::stage::UserError;
use anyhow::Context as _;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowRowGroupWriterFactory, ArrowWriter, compute_leaves,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// The key of Parquet's key-value metadata that holds an artifact's header as JSON.
pub const METADATA_KEY: &str = "panfoma";

/// What every table is written with; a stage adds encodings of its own columns.
pub fn properties() -> WriterPropertiesBuilder {
    // Level 3 is zstd's own default; statistics a row group are enough for readers to skip by.
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("zstd has a level 3")))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
}

/// The Parquet path of the items of a list column.
///
/// A text with dots would be one name with dots in it, and its settings would be ignored without a word.
pub fn list_items(column: &str) -> ColumnPath {
    ColumnPath::new(vec![column.to_owned(), "list".to_owned(), "item".to_owned()])
}

/// Writes a whole table atomically: `metadata` under the key `panfoma`, each batch as one row group.
pub fn write<M: Serialize>(
    path: &Path,
    metadata: &M,
    schema: &SchemaRef,
    batches: impl IntoIterator<Item = anyhow::Result<RecordBatch>>,
) -> anyhow::Result<()> {
    atomic::write_file(path, |temporary| {
        let mut writer = Writer::create(temporary, schema, properties().build())?;
        for batch in batches {
            writer.write(&[batch?])?;
        }
        writer.finish(metadata)
    })
    .with_context(|| format!("writing `{}`", path.display()))
}

/// Writes row groups one after another, encoding the columns of several of them in parallel.
pub struct Writer {
    file: SerializedFileWriter<BufWriter<File>>,
    encoders: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    n_row_groups: usize,
}

impl Writer {
    /// Creates the file (in place: wrap it in [`atomic`] or call [`write`]).
    pub fn create(path: &Path, schema: &SchemaRef, properties: WriterProperties) -> anyhow::Result<Self> {
        let writer =
            ArrowWriter::try_new(BufWriter::new(File::create(path)?), schema.clone(), Some(properties))?;
        let (file, encoders) = writer.into_serialized_writer()?;
        Ok(Self { file, encoders, schema: schema.clone(), n_row_groups: 0 })
    }

    /// Appends each batch as one row group, in order.
    pub fn write(&mut self, batches: &[RecordBatch]) -> anyhow::Result<()> {
        self.write_partly_encoded(batches, |batch, _| Ok((batch.clone(), Vec::new())))
    }

    /// Appends each of `groups` as one row group, in order: its leading columns as a batch, the others as chunks that
    /// `encode` (called in parallel) has made for the columns of the file's schema.
    pub fn write_partly_encoded<G: Sync>(
        &mut self,
        groups: &[G],
        encode: impl Fn(&G, &SchemaDescriptor) -> anyhow::Result<(RecordBatch, Vec<Chunk>)> + Sync,
    ) -> anyhow::Result<()> {
        let first = self.n_row_groups;
        let columns = self.file.schema_descr();
        let encoded: Vec<(Vec<ArrowColumnChunk>, Vec<Chunk>)> = groups
            .par_iter()
            .enumerate()
            .map(|(index, group)| {
                let (batch, chunks) = encode(group, columns)?;
                Ok((encode_batch(&self.encoders, &self.schema, first + index, &batch)?, chunks))
            })
            .collect::<anyhow::Result<_>>()?;
        for (leading, others) in encoded {
            let mut row_group = self.file.next_row_group()?;
            for chunk in leading {
                chunk.append_to_row_group(&mut row_group)?;
            }
            for chunk in others {
                row_group.append_column(&chunk.bytes, chunk.close)?;
            }
            row_group.close()?;
            self.n_row_groups += 1;
        }
        Ok(())
    }

    /// Ends the file with its metadata.
    pub fn finish<M: Serialize>(mut self, metadata: &M) -> anyhow::Result<()> {
        let text = serde_json::to_string(metadata)?;
        self.file.append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), text));
        self.file.close()?;
        Ok(())
    }
}

/// A column chunk, encoded.
pub struct Chunk {
    /// Its pages, the dictionary first.
    pub bytes: Bytes,
    /// What the footer says of it; offsets count from the start of `bytes`.
    pub close: ColumnCloseResult,
}

fn encode_batch(
    encoders: &ArrowRowGroupWriterFactory,
    schema: &SchemaRef,
    index: usize,
    batch: &RecordBatch,
) -> anyhow::Result<Vec<ArrowColumnChunk>> {
    let mut writers = encoders.create_column_writers(index)?.into_iter();
    let mut work = Vec::new();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        for leaf in compute_leaves(field, array)? {
            work.push((writers.next().context("a column without an encoder")?, leaf));
        }
    }
    work.into_par_iter()
        .map(|(mut writer, leaf)| {
            writer.write(&leaf)?;
            Ok(writer.close()?)
        })
        .collect()
}

/// An open table; its footer is in memory, its rows are not.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Reads the footer.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| {
            UserError::bad_data(format!("`{}` is no whole Parquet file: {error}", path.display()))
                .hint("make it again; a copy that was cut short looks like this")
        })?;
        Ok(Self { path: path.to_owned(), metadata })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Rows of every row group, in order.
    pub fn row_groups(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.metadata.metadata().row_groups().iter().map(|group| group.num_rows() as usize)
    }

    /// Rows of the whole table.
    pub fn n_rows(&self) -> usize {
        self.row_groups().sum()
    }

    /// The header under the key `panfoma`.
    pub fn header<M: DeserializeOwned>(&self) -> anyhow::Result<M> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata();
        let text = pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == METADATA_KEY))
            .and_then(|pair| pair.value.as_deref())
            .ok_or_else(|| {
                UserError::bad_data(format!(
                    "`{}` has no `{METADATA_KEY}` metadata: no PanFoMa stage wrote it",
                    self.path.display()
                ))
            })?;
        serde_json::from_str(text).map_err(|error| {
            let what =
                format!("`{}`: the `{METADATA_KEY}` metadata is malformed: {error}", self.path.display());
            UserError::bad_data(what).into()
        })
    }

    /// Refuses a table that lacks a column or holds another type under its name; the order is free.
    pub fn expect(&self, columns: &[arrow_schema::Field]) -> Result<(), UserError> {
        for expected in columns {
            let name = expected.name();
            let Ok(found) = self.schema().field_with_name(name) else {
                return Err(UserError::bad_data(format!("`{}` has no column `{name}`", self.path.display())));
            };
            if !found.data_type().equals_datatype(expected.data_type()) {
                return Err(UserError::bad_data(format!(
                    "`{}`: column `{name}` is {}, expected {}",
                    self.path.display(),
                    found.data_type(),
                    expected.data_type()
                )));
            }
        }
        Ok(())
    }

    /// The named columns of one row group.
    pub fn read_row_group(&self, index: usize, columns: &[&str]) -> anyhow::Result<RecordBatch> {
        let n_rows = self.metadata.metadata().row_group(index).num_rows() as usize;
        // Opened anew: a shared file's cursor would race between threads.
        let file = File::open(&self.path).with_context(|| format!("opening `{}`", self.path.display()))?;
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().copied());
        let read = || -> anyhow::Result<RecordBatch> {
            let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![index])
                .with_projection(mask)
                .with_batch_size(n_rows.max(1))
                .build()?;
            let batch = reader.next().context("the row group is empty")??;
            anyhow::ensure!(batch.num_rows() == n_rows, "{} rows instead of {n_rows}", batch.num_rows());
            Ok(batch)
        };
        read().map_err(|error| {
            let what = format!("`{}`: row group {index} cannot be read: {error:#}", self.path.display());
            UserError::bad_data(what).hint("the file is damaged: make it again").into()
        })
    }

    /// One column of one row group in its Arrow type.
    pub fn column<T: Array + Clone + 'static>(&self, row_group: usize, name: &str) -> anyhow::Result<T> {
        let batch = self.read_row_group(row_group, &[name])?;
        typed(&batch, name, &self.path).cloned()
    }
}

/// A batch's column in its Arrow type.
pub fn typed<'a, T: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    path: &Path,
) -> anyhow::Result<&'a T> {
    let array: &ArrayRef = batch
        .column_by_name(name)
        .ok_or_else(|| UserError::bad_data(format!("`{}` has no column `{name}`", path.display())))?;
    array.as_any().downcast_ref::<T>().ok_or_else(|| {
        let what = format!(
            "`{}`: column `{name}` is {}, expected {}",
            path.display(),
            array.data_type(),
            std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
        );
        UserError::bad_data(what).into()
    })
}
