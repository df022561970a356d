//! Sparse matrices of an `.h5ad`: CSR, and CSC through [`crate::matrix::transposed`].

use super::file::{File, text_attribute};
use super::numbers::Numbers;
use crate::matrix::compressed::{self, By};
use crate::matrix::counts::Counts;
use anyhow::Result;
use hdf5_reader::group::Group;
use std::sync::Arc;

/// Opens the group at `path` as a matrix of `n_cells` x `n_genes`.
pub(super) fn open(
    file: &Arc<File>,
    group: &Group,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    let arrays = Arrays::open(file, path, n_genes.max(n_cells))?;
    let attribute = |name: &str| text_attribute(group.attribute(name));
    let by_rows = match attribute("encoding-type").or_else(|| attribute("h5sparse_format")).as_deref() {
        Some("csr_matrix" | "csr") => true,
        Some("csc_matrix" | "csc") => false,
        Some(other) => {
            return Err(file.bad(format!("`{path}` is encoded as `{other}`, expected a sparse matrix")));
        }
        // Files without attributes: the length of indptr tells, unless the matrix is square.
        None if arrays.indptr.len() == n_cells + 1 && n_cells != n_genes => true,
        None if arrays.indptr.len() == n_genes + 1 && n_cells != n_genes => false,
        None => {
            return Err(file.bad(format!("`{path}` does not say whether it is stored by rows or by columns")));
        }
    };
    let shape = group.attribute("shape").or_else(|_| group.attribute("h5sparse_shape"));
    if let Ok(shape) = shape {
        let shape: Vec<i64> = shape
            .read_1d::<i64>()
            .or_else(|_| shape.read_1d::<i32>().map(|shape| shape.into_iter().map(i64::from).collect()))
            .map_err(|error| file.damaged(path, &error))?;
        if shape != [n_cells as i64, n_genes as i64] {
            return Err(file.bad(format!(
                "`{path}` says its shape is {shape:?}, expected [{n_cells}, {n_genes}] (obs x var)"
            )));
        }
    }
    let by = if by_rows { By::Cells } else { By::Genes };
    compressed::open(path, by, arrays.indptr, (arrays.indices, arrays.data), (n_cells, n_genes))
}

/// Opens the group at `path`, known to be stored by rows, as a matrix of `n_cells` x `n_genes`.
pub(super) fn by_rows(
    file: &Arc<File>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    let arrays = Arrays::open(file, path, n_cells)?;
    compressed::open(path, By::Cells, arrays.indptr, (arrays.indices, arrays.data), (n_cells, n_genes))
}

/// The three arrays of a compressed matrix.
struct Arrays {
    indptr: Vec<i64>,
    indices: Numbers,
    data: Numbers,
}

impl Arrays {
    fn open(file: &Arc<File>, path: &str, longest: usize) -> Result<Self> {
        let member = |name: &str| {
            let path = format!("{path}/{name}");
            let dataset = file.dataset(&path)?;
            if dataset.ndim() != 1 {
                return Err(file.bad(format!("`{path}` has {} axes, expected 1", dataset.ndim())));
            }
            Ok((dataset, path))
        };
        let (indptr, indptr_path) = member("indptr")?;
        // Its length is checked before memory is spent on it.
        if indptr.shape()[0] > longest as u64 + 1 {
            let n = indptr.shape()[0];
            return Err(
                file.bad(format!("`{indptr_path}` has {n} entries, expected at most {}", longest + 1))
            );
        }
        let (indices, indices_path) = member("indices")?;
        let (data, data_path) = member("data")?;
        Ok(Self {
            indptr: file.numbers(&indptr, &indptr_path)?,
            indices: Numbers::new(file, indices, &indices_path),
            data: Numbers::new(file, data, &data_path),
        })
    }
}
