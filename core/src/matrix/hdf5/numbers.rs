//! A dataset as an array of numbers.

use super::chunks::Chunks;
use super::file::File;
use crate::matrix::number::FromStored;
use crate::matrix::stored::{Stored, copy};
use anyhow::{Error, Result};
use hdf5_reader::Dataset;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::Arc;

/// A dataset of one or two axes.
pub(super) struct Numbers {
    file: Arc<File>,
    dataset: Dataset,
    path: String,
    chunks: Option<Chunks>,
}

impl Numbers {
    /// The dataset, which stands at `path`.
    pub fn new(file: &Arc<File>, dataset: Dataset, path: &str) -> Self {
        let chunks = Chunks::of(file, &dataset);
        Self { file: Arc::clone(file), dataset, path: path.to_owned(), chunks }
    }

    fn axis(&self, number: usize) -> Option<usize> {
        self.dataset.shape().get(number).map(|&n| n as usize)
    }
}

impl Stored for Numbers {
    fn n_rows(&self) -> usize {
        self.axis(0).unwrap_or(0)
    }

    fn width(&self) -> usize {
        self.axis(1).unwrap_or(1)
    }

    fn chunk_rows(&self) -> usize {
        self.dataset.chunks().and_then(|chunk| chunk.first().copied()).unwrap_or(1) as usize
    }

    fn read<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        if let Some(chunks) = &self.chunks {
            let mut values = Vec::with_capacity(rows.len());
            if chunks.fill(rows.clone(), &mut values.spare_capacity_mut()[..rows.len()]).is_some() {
                // SAFETY: `fill` has written so many.
                unsafe { values.set_len(rows.len()) };
                return Ok(values);
            }
        }
        self.file.slice(&self.dataset, &self.path, rows)
    }

    fn fill<T: FromStored + Copy + Send>(&self, rows: Range<usize>, to: &mut [MaybeUninit<T>]) -> Result<()> {
        if self.chunks.as_ref().is_some_and(|chunks| chunks.fill(rows.clone(), to).is_some()) {
            return Ok(());
        }
        copy(&self.file.slice(&self.dataset, &self.path, rows)?, to);
        Ok(())
    }

    fn bad(&self, message: String) -> Error {
        self.file.bad(message)
    }
}
