//! A stored array of numbers, whatever file holds it.

use super::number::FromStored;
use anyhow::{Error, Result};
use std::mem::MaybeUninit;
use std::ops::Range;

/// An array of one or two axes, read in runs of rows.
pub(crate) trait Stored: Send + Sync {
    /// Number of rows.
    fn n_rows(&self) -> usize;
    /// Values of a row.
    fn width(&self) -> usize;
    /// Rows of a chunk, which is decoded whole; 1 if it is not chunked.
    fn chunk_rows(&self) -> usize;
    /// Numbers of these rows, row by row.
    fn read<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>>;
    /// Fills `to` with the numbers of these rows.
    fn fill<T: FromStored + Copy + Send>(&self, rows: Range<usize>, to: &mut [MaybeUninit<T>]) -> Result<()> {
        copy(&self.read(rows)?, to);
        Ok(())
    }
    /// 65: the file does not fit together.
    fn bad(&self, message: String) -> Error;
}

/// Writes `values` to the places `to`, as many.
pub(crate) fn copy<T: Copy>(values: &[T], to: &mut [MaybeUninit<T>]) {
    assert_eq!(values.len(), to.len(), "values decoded, values wanted");
    to.iter_mut().zip(values).for_each(|(to, &value)| {
        to.write(value);
    });
}
