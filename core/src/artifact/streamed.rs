//! Parquet tables: header under the key `panfoma`, zstd, whole or absent, the same bytes for the same rows.

use super::Header;
use crate::stage::UserError;
use anyhow::Context as _;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The key of Parquet metadata under which the JSON header stands.
pub const METADATA_KEY: &str = "panfoma";

/// Rows of a row group, and of every batch that is written or read.
pub const ROWS_PER_GROUP: usize = 1_024;

/// Writes batches under a temporary name; `finish` gives the file its own.
///
/// Dropped without `finish`, it leaves nothing behind.
pub struct TableWriter {
    writer: ArrowWriter<File>,
    temporary: NamedTempFile,
    path: PathBuf,
}

impl TableWriter {
    /// Starts a table with this schema and header.
    pub fn create(path: &Path, schema: SchemaRef, metadata: &impl Serialize) -> anyhow::Result<Self> {
        let writing = || format!("writing `{}`", path.display());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).with_context(writing)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = tempfile::Builder::new()
            .prefix(&format!(".{name}.tmp-"))
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(parent)
            .with_context(writing)?;
        let header = KeyValue::new(METADATA_KEY.to_owned(), serde_json::to_string(metadata)?);
        let properties = WriterProperties::builder()
            .set_created_by("panfoma".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .set_key_value_metadata(Some(vec![header]))
            .build();
        let writer =
            ArrowWriter::try_new(temporary.reopen().with_context(writing)?, schema, Some(properties))?;
        Ok(Self { writer, temporary, path: path.to_owned() })
    }

    /// Appends one row group.
    pub fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let writing = || format!("writing `{}`", self.path.display());
        self.writer.write(batch).with_context(writing)?;
        self.writer.flush().with_context(writing)
    }

    /// Writes the footer, syncs, and renames the file to its own name.
    pub fn finish(self) -> anyhow::Result<()> {
        let Self { writer, temporary, path } = self;
        let writing = || format!("writing `{}`", path.display());
        writer.into_inner().with_context(writing)?.sync_all().with_context(writing)?;
        temporary.persist(&path).map_err(|error| error.error).with_context(writing)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all().with_context(writing)
    }
}

/// An open table whose header and columns were checked.
pub struct TableReader {
    path: PathBuf,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl TableReader {
    /// Opens a file and reads its header; refuses another format or version.
    pub fn open<M: DeserializeOwned>(path: &Path, format: &str, version: u32) -> anyhow::Result<(Self, M)> {
        let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| {
            UserError::bad_data(format!("`{}` is not a Parquet file: {error}", path.display()))
        })?;
        let pairs = builder.metadata().file_metadata().key_value_metadata();
        let text = pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == METADATA_KEY))
            .and_then(|pair| pair.value.as_deref())
            .ok_or_else(|| {
                UserError::bad_data(format!(
                    "`{}` has no `{METADATA_KEY}` metadata, expected a `{format}` artifact",
                    path.display()
                ))
            })?;
        let invalid = |error: serde_json::Error| {
            UserError::bad_data(format!(
                "the header of `{}` is not that of `{format}`: {error}",
                path.display()
            ))
        };
        serde_json::from_str::<Header>(text).map_err(invalid)?.expect(format, version, path)?;
        let metadata = serde_json::from_str(text).map_err(invalid)?;
        Ok((Self { path: path.to_owned(), builder }, metadata))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.builder.metadata().file_metadata().num_rows().max(0) as usize
    }

    /// Refuses a table without these columns of these types.
    pub fn expect_columns(&self, expected: &SchemaRef) -> Result<(), UserError> {
        for field in expected.fields() {
            let found =
                self.builder.schema().column_with_name(field.name()).map(|(_, found)| found.data_type());
            let agrees = found.is_some_and(|found| same_type(found, field.data_type()));
            if !agrees {
                let found = found.map_or_else(|| "no such column".to_owned(), |found| format!("{found:?}"));
                return Err(UserError::bad_data(format!(
                    "`{}`: column `{}` must be {}, found {found}",
                    self.path.display(),
                    field.name(),
                    field.data_type(),
                )));
            }
        }
        Ok(())
    }

    /// Reads the named columns (all of them if empty), a row group's worth of rows at a time.
    pub fn batches(self, columns: &[&str]) -> anyhow::Result<Batches> {
        let Self { path, builder } = self;
        let mask = match columns {
            [] => ProjectionMask::all(),
            _ => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        };
        let reader = builder.with_projection(mask).with_batch_size(ROWS_PER_GROUP).build()?;
        Ok(Batches { path, reader })
    }
}

/// Child field names differ between writers (`item`, `element`) and mean nothing.
fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::FixedSizeList(a, n), DataType::FixedSizeList(b, m)) => {
            n == m && same_type(a.data_type(), b.data_type())
        }
        _ => a == b,
    }
}

/// The batches of a table.
pub struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl Batches {
    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Iterator for Batches {
    type Item = anyhow::Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let path = &self.path;
        Some(batch.map_err(|error| {
            UserError::bad_data(format!("`{}` cannot be read to its end: {error}", path.display())).into()
        }))
    }
}

/// One column of a batch as its array type.
///
/// Errors: bad data if it is missing, of another type, or holds a null where `nullable` is false.
pub fn column<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    nullable: bool,
    path: &Path,
) -> Result<&'a A, UserError> {
    let array =
        batch.column_by_name(name).and_then(|array| array.as_any().downcast_ref::<A>()).ok_or_else(|| {
            UserError::bad_data(format!("`{}`: column `{name}` has another type", path.display()))
        })?;
    if !nullable && array.null_count() > 0 {
        return Err(UserError::bad_data(format!(
            "`{}`: column `{name}` holds {} nulls, expected none",
            path.display(),
            array.null_count()
        )));
    }
    Ok(array)
}
