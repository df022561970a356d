//! Sequential reading of a long dataset: each compressed chunk is decompressed once, whatever its size.

use super::file::File;
use crate::matrix::number::FromStored;
use anyhow::Result;
use hdf5_reader::Dataset;
use std::ops::Range;
use std::sync::Arc;

/// Values read at once unless a chunk is larger.
const VALUES: usize = 1 << 20;
/// Values held at most, unless one row has more: chunks that ask for more are decompressed repeatedly instead.
const MAX_VALUES: usize = 1 << 27;

/// The part of a dataset that was read last.
pub(super) struct Window<T> {
    file: Arc<File>,
    dataset: Dataset,
    path: String,
    /// Values of one row (index of the first axis).
    width: usize,
    /// Rows read at once: whole chunks.
    rows: usize,
    n_rows: usize,
    held: Range<usize>,
    values: Vec<T>,
}

impl<T: FromStored + Copy> Window<T> {
    /// A window over a dataset of one or two axes.
    pub fn new(file: Arc<File>, dataset: Dataset, path: &str) -> Self {
        let shape = dataset.shape();
        let n_rows = shape.first().map_or(0, |&n| n as usize);
        let width = shape.get(1).map_or(1, |&n| n as usize).max(1);
        let chunk = dataset.chunks().and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1) as usize;
        let most = (MAX_VALUES / width).max(1);
        let rows = (VALUES / width).max(1).next_multiple_of(chunk).min(most).min(n_rows.max(1));
        Self { file, dataset, path: path.to_owned(), width, rows, n_rows, held: 0..0, values: Vec::new() }
    }

    /// Calls `each` with successive pieces that together are these rows.
    pub fn read(&mut self, rows: Range<usize>, mut each: impl FnMut(&[T])) -> Result<()> {
        let mut at = rows.start;
        while at < rows.end {
            if !self.held.contains(&at) {
                let start = at / self.rows * self.rows;
                let held = start..(start + self.rows).min(self.n_rows);
                self.held = 0..0;
                self.values = self.file.slice(&self.dataset, &self.path, held.clone())?;
                self.held = held;
            }
            let end = rows.end.min(self.held.end);
            let (from, to) = (at - self.held.start, end - self.held.start);
            each(&self.values[from * self.width..to * self.width]);
            at = end;
        }
        Ok(())
    }
}
