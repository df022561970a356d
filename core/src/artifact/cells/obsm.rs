//! A dense matrix beside the cells: `obsm/<key>`, float32 [cells x d].

use super::anndata::{NumberStream, Store};
use anyhow::{Result, ensure};
use std::path::Path;

/// Writes `obsm/<key>` of an AnnData Zarr, row block by row block.
pub struct ObsmWriter {
    stream: NumberStream<f32>,
    width: usize,
}

impl ObsmWriter {
    /// Begins `obsm/<key>` of `width` numbers a cell in the store at `directory`.
    pub fn create(directory: &Path, key: &str, width: usize) -> Result<Self> {
        let stream = Store::open(directory)?.stream(&format!("/obsm/{key}"), Some(width))?;
        Ok(Self { stream, width })
    }

    /// Adds whole rows: `values` is [rows x width].
    pub fn append(&mut self, values: &[f32]) -> Result<()> {
        ensure!(
            values.len().is_multiple_of(self.width),
            "{} values are no rows of {}",
            values.len(),
            self.width
        );
        self.stream.push(values)
    }

    /// Ends the array; returns the number of rows, which must be the number of cells.
    pub fn finish(self) -> Result<usize> {
        self.stream.finish()
    }
}
