//! Sparse matrices of an `.h5ad`: CSR, and CSC through [`crate::matrix::transposed`].

use super::file::{File, text_attribute};
use super::window::Window;
use crate::matrix::Rows;
use crate::matrix::counts::Counts;
use crate::matrix::transposed::{Transposed, Triplets};
use anyhow::Result;
use hdf5_reader::group::Group;
use std::ops::Range;
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
    if by_rows {
        arrays.check(n_cells, "cells")?;
        Ok(Box::new(Csr { arrays, n_genes }))
    } else {
        arrays.check(n_genes, "genes")?;
        Ok(Box::new(Transposed::new(Csc { arrays, n_cells }, n_cells)?))
    }
}

/// Opens the group at `path`, known to be stored by rows, as a matrix of `n_cells` x `n_genes`.
pub(super) fn by_rows(
    file: &Arc<File>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    let arrays = Arrays::open(file, path, n_cells)?;
    arrays.check(n_cells, "cells")?;
    Ok(Box::new(Csr { arrays, n_genes }))
}

/// The three arrays of a compressed matrix.
struct Arrays {
    file: Arc<File>,
    path: String,
    indptr: Vec<i64>,
    n_indices: usize,
    n_data: usize,
    indices: Window<u32>,
    data: Window<f32>,
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
            path: path.to_owned(),
            indptr: file.numbers(&indptr, &indptr_path)?,
            n_indices: indices.shape()[0] as usize,
            n_data: data.shape()[0] as usize,
            indices: Window::new(Arc::clone(file), indices, &indices_path),
            data: Window::new(Arc::clone(file), data, &data_path),
            file: Arc::clone(file),
        })
    }

    fn check(&self, n: usize, what: &str) -> Result<()> {
        let Self { file, path, indptr, n_indices, n_data, .. } = self;
        if indptr.len() != n + 1 {
            return Err(file.bad(format!(
                "`{path}/indptr` has {} entries, expected {} ({n} {what} + 1)",
                indptr.len(),
                n + 1
            )));
        }
        if n_indices != n_data {
            return Err(
                file.bad(format!("`{path}/indices` has {n_indices} entries, `{path}/data` has {n_data}"))
            );
        }
        let mut previous = 0;
        for (i, &at) in indptr.iter().enumerate() {
            if at < previous || at > *n_data as i64 || (i == 0 && at != 0) {
                let expected = if i == 0 { "0".to_owned() } else { format!("{previous} to {n_data}") };
                return Err(file.bad(format!("`{path}/indptr[{i}]` is {at}, expected {expected}")));
            }
            previous = at;
        }
        if previous != *n_data as i64 {
            return Err(
                file.bad(format!("`{path}/indptr` ends at {previous}, but {n_data} values are stored"))
            );
        }
        Ok(())
    }

    /// Indices and data of a run of rows (or columns), the indices checked against `limit`.
    fn read(&mut self, run: Range<usize>, limit: usize) -> Result<(Vec<u32>, Vec<f32>)> {
        let (start, end) = (self.indptr[run.start] as usize, self.indptr[run.end] as usize);
        let mut indices: Vec<u32> = Vec::with_capacity(end - start);
        self.indices.read(start..end, |piece| indices.extend_from_slice(piece))?;
        if indices.iter().fold(0, |most, &index| most.max(index)) as usize >= limit && !indices.is_empty() {
            return Err(self.out_of_range(start, &indices, limit));
        }
        let mut data = Vec::with_capacity(end - start);
        self.data.read(start..end, |piece| data.extend_from_slice(piece))?;
        Ok((indices, data))
    }

    /// 65, naming the first index that is too large; it is read once more, since it may not fit an index at all.
    fn out_of_range(&self, start: usize, indices: &[u32], limit: usize) -> anyhow::Error {
        let Self { file, path, .. } = self;
        let at = start + indices.iter().position(|&index| index as usize >= limit).unwrap_or(0);
        let indices = format!("{path}/indices");
        let stored =
            file.dataset(&indices).and_then(|dataset| file.slice::<i64>(&dataset, &indices, at..at + 1));
        match stored.as_deref() {
            Ok([index]) => {
                file.bad(format!("`{indices}[{at}]` is {index}, expected 0 to {}", limit.saturating_sub(1)))
            }
            Ok(_) => file.bad(format!("`{indices}[{at}]` is out of range")),
            Err(_) => stored.unwrap_err(),
        }
    }
}

struct Csr {
    arrays: Arrays,
    n_genes: usize,
}

impl Counts for Csr {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let (indices, data) = self.arrays.read(cells.clone(), self.n_genes)?;
        let start = self.arrays.indptr[cells.start];
        let indptr =
            self.arrays.indptr[cells.start..=cells.end].iter().map(|&at| (at - start) as usize).collect();
        Ok(Rows { indptr, indices, data })
    }
}

struct Csc {
    arrays: Arrays,
    n_cells: usize,
}

impl Triplets for Csc {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let n_genes = self.arrays.indptr.len() - 1;
        for gene in 0..n_genes {
            let (cells, values) = self.arrays.read(gene..gene + 1, self.n_cells)?;
            for (&cell, &value) in cells.iter().zip(&values) {
                each(cell as usize, gene as u32, value);
            }
        }
        Ok(())
    }
}
