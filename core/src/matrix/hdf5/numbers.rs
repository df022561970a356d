//! A dataset as an array of numbers.

use super::file::File;
use crate::matrix::number::FromStored;
use crate::matrix::stored::Stored;
use anyhow::{Error, Result};
use hdf5_reader::Dataset;
use std::ops::Range;
use std::sync::Arc;

/// A dataset of one or two axes.
pub(super) struct Numbers {
    file: Arc<File>,
    dataset: Dataset,
    path: String,
}

impl Numbers {
    /// The dataset, which stands at `path`.
    pub fn new(file: &Arc<File>, dataset: Dataset, path: &str) -> Self {
        Self { file: Arc::clone(file), dataset, path: path.to_owned() }
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
        self.file.slice(&self.dataset, &self.path, rows)
    }

    fn bad(&self, message: String) -> Error {
        self.file.bad(message)
    }
}
