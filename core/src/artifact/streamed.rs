//! Tables that are written while they are made, a row group at a time: under a temporary name until whole.

use super::Header;
use super::table::{self, Table};
use crate::stage::UserError;
use anyhow::Context as _;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Rows of a row group.
pub const ROWS_PER_GROUP: usize = 1_024;

/// Writes row groups under a temporary name; `finish` gives the file its own.
///
/// Dropped without `finish`, it leaves nothing behind.
pub struct StreamedTable {
    writer: table::Writer,
    metadata: serde_json::Value,
    temporary: NamedTempFile,
    path: PathBuf,
}

impl StreamedTable {
    /// Starts a table with these fields and this header.
    pub fn create(path: &Path, schema: &SchemaRef, metadata: &impl Serialize) -> anyhow::Result<Self> {
        let writing = || format!("writing `{}`", path.display());
        let parent = directory_of(path);
        std::fs::create_dir_all(parent).with_context(writing)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = tempfile::Builder::new()
            .prefix(&format!(".{name}.tmp-"))
            // A temporary file is private by default; this one will be the output.
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(parent)
            .with_context(writing)?;
        // A schema that was read carries the header of its file.
        let fields = Arc::new(Schema::new(schema.fields().clone()));
        let writer = table::Writer::create(temporary.path(), &fields, table::properties().build())?;
        Ok(Self { writer, metadata: serde_json::to_value(metadata)?, temporary, path: path.to_owned() })
    }

    /// Appends one row group.
    pub fn write(&mut self, batch: RecordBatch) -> anyhow::Result<()> {
        self.writer.write(&[batch]).with_context(|| format!("writing `{}`", self.path.display()))
    }

    /// Writes the footer, syncs, and renames the file to its own name.
    pub fn finish(self) -> anyhow::Result<()> {
        let Self { writer, metadata, temporary, path } = self;
        let writing = || format!("writing `{}`", path.display());
        writer.finish(&metadata).with_context(writing)?;
        temporary.as_file().sync_all().with_context(writing)?;
        temporary.persist(&path).map_err(|error| error.error).with_context(writing)?;
        File::open(directory_of(&path))?.sync_all().with_context(writing)
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a table and reads its header; refuses another format, version, or set of columns.
pub fn open<M: DeserializeOwned>(
    path: &Path,
    format: &str,
    version: u32,
    schema: impl FnOnce(&M) -> SchemaRef,
) -> anyhow::Result<(Table, M)> {
    let table = Table::open(path)?;
    // The header first: newer metadata may not parse, and its version says why.
    table.header::<Header>()?.expect(format, version, path)?;
    let metadata = table.header()?;
    let fields: Vec<_> = schema(&metadata).fields().iter().map(|field| field.as_ref().clone()).collect();
    table.expect(&fields)?;
    Ok((table, metadata))
}

/// The named columns of every row group that has rows, in order.
pub fn batches(table: Table, columns: Vec<String>) -> impl Iterator<Item = anyhow::Result<RecordBatch>> {
    let filled: Vec<usize> =
        table.row_groups().enumerate().filter(|(_, rows)| *rows > 0).map(|(index, _)| index).collect();
    filled.into_iter().map(move |index| {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        table.read_row_group(index, &names)
    })
}

/// One column of a batch in its Arrow type. Errors: missing, of another type, or with nulls.
pub fn column<'a, A: Array + 'static>(
    batch: &'a RecordBatch,
    name: &str,
    path: &Path,
) -> anyhow::Result<&'a A> {
    let array: &A = table::typed(batch, name, path)?;
    match array.null_count() {
        0 => Ok(array),
        n => {
            let message = format!("`{}`: column `{name}` holds {n} nulls, expected none", path.display());
            Err(UserError::bad_data(message).into())
        }
    }
}
