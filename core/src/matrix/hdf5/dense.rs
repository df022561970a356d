//! Dense matrices of an `.h5ad`.

use super::file::File;
use super::numbers::Numbers;
use crate::matrix::counts::Counts;
use crate::matrix::dense;
use anyhow::Result;
use hdf5_reader::Dataset;
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
    Ok(dense::open(Numbers::new(file, dataset, path)))
}
