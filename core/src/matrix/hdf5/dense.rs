//! Dense matrices of an `.h5ad`.

use super::file::File;
use super::window::Window;
use crate::matrix::Rows;
use crate::matrix::counts::Counts;
use anyhow::Result;
use hdf5_reader::Dataset;
use std::ops::Range;
use std::sync::Arc;

/// Opens the dataset at `path` as a matrix of `n_cells` x `n_genes`.
pub(super) fn open(
    file: &Arc<File>,
    dataset: Dataset,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    if dataset.shape() != [n_cells as u64, n_genes as u64] {
        return Err(file.bad(format!(
            "`{path}` has shape {:?}, expected [{n_cells}, {n_genes}] (obs x var)",
            dataset.shape()
        )));
    }
    Ok(Box::new(Dense { window: Window::new(Arc::clone(file), dataset, path), n_genes }))
}

struct Dense {
    window: Window<f32>,
    n_genes: usize,
}

impl Counts for Dense {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let mut rows = Rows::default();
        if self.n_genes == 0 {
            rows.indptr = vec![0; cells.len() + 1];
            return Ok(rows);
        }
        self.window.read(cells, |piece| {
            for row in piece.chunks_exact(self.n_genes) {
                rows.push((0..).zip(row.iter().copied()).filter(|entry| entry.1 != 0.0));
            }
        })?;
        Ok(rows)
    }
}
