//! Delimited text (`.csv`, `.tsv`, `.txt`, gzipped or not): genes x cells, cells x genes, or long tables of `gene cell count`.

mod dense;
mod fields;
mod long;
#[cfg(test)]
mod tests;

use super::Matrix;
use super::text::Lines;
use crate::stage::UserError;
use anyhow::Result;
use fields::{Delimiter, name};
use std::path::Path;

/// Opens the table.
///
/// Errors: 65 with line and column: rows of differing lengths, doubled names in the header, what is no number.
pub(super) fn open(path: &Path) -> Result<Matrix> {
    let mut lines = Lines::open(path)?;
    let (delimiter, header) = loop {
        match lines.next()? {
            None => {
                return Err(UserError::bad_data(format!("`{}` holds no table: it is empty", path.display()))
                    .hint("fetch or write the file again")
                    .into());
            }
            // Some tools write how they were called.
            Some(line) if line.trim_ascii().is_empty() || line.starts_with(b"#") => {}
            Some(line) => {
                let delimiter = Delimiter::of(line);
                break (delimiter, delimiter.split(line).map(name).collect::<Vec<_>>());
            }
        }
    };
    let table = Table { path: path.to_owned(), delimiter, header_line: lines.number() };
    match long::columns(&header) {
        Some(columns) => long::open(table, columns),
        None => dense::open(table, header, lines),
    }
}

/// A table whose header was read.
#[derive(Clone)]
struct Table {
    path: std::path::PathBuf,
    delimiter: Delimiter,
    header_line: u64,
}

impl Table {
    /// The lines after the header.
    fn body(&self) -> Result<Lines> {
        let mut lines = Lines::open(&self.path)?;
        while lines.number() < self.header_line && lines.next()?.is_some() {}
        Ok(lines)
    }
}
