//! Matrices compressed by rows or by columns (CSR, CSC), whatever file holds their three arrays.

use super::Rows;
use super::counts::Counts;
use super::stored::Stored;
use super::transposed::{Transposed, Triplets};
use super::window::Window;
use crate::vectors::widest;
use anyhow::{Error, Result};
use std::ops::Range;

/// Entries of a row beyond the number of columns that are believed: repeated ones are legal, but rare.
const REPEATED: usize = 4;

/// By what a matrix is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Cells: CSR.
    Cells,
    /// Genes: CSC.
    Genes,
}

/// The arrays as a matrix of `n_cells` x `n_genes`; `path` names it in messages.
///
/// Errors: 65 if they do not fit together.
pub(super) fn open<S: Stored + 'static>(
    path: &str,
    by: By,
    indptr: Vec<i64>,
    (indices, data): (S, S),
    (n_cells, n_genes): (usize, usize),
) -> Result<Box<dyn Counts>> {
    let (indices, data) = (Window::new(indices), Window::new(data));
    let limit = if by == By::Cells { n_genes } else { n_cells };
    let compressed = Compressed { path: path.to_owned(), limit, indptr, indices, data };
    match by {
        By::Cells => compressed.check(n_cells, "cells")?,
        By::Genes => compressed.check(n_genes, "genes")?,
    }
    Ok(match by {
        By::Cells => Box::new(Csr(compressed)),
        By::Genes => Box::new(Transposed::new(Csc(compressed), n_cells)?),
    })
}

struct Compressed<S> {
    path: String,
    /// Indices are smaller.
    limit: usize,
    indptr: Vec<i64>,
    indices: Window<S, u32>,
    data: Window<S, f32>,
}

impl<S: Stored> Compressed<S> {
    fn bad(&self, message: String) -> Error {
        self.indices.stored().bad(message)
    }

    fn check(&self, n: usize, what: &str) -> Result<()> {
        let Self { path, indptr, limit, .. } = self;
        let (n_indices, n_data) = (self.indices.stored().n_rows(), self.data.stored().n_rows());
        if indptr.len() != n + 1 {
            let (found, expected) = (indptr.len(), n + 1);
            return Err(self
                .bad(format!("`{path}/indptr` has {found} entries, expected {expected} ({n} {what} + 1)")));
        }
        if n_indices != n_data {
            return Err(
                self.bad(format!("`{path}/indices` has {n_indices} entries, `{path}/data` has {n_data}"))
            );
        }
        let mut previous = 0;
        for (i, &at) in indptr.iter().enumerate() {
            if at < previous || at > n_data as i64 || (i == 0 && at != 0) {
                let expected = if i == 0 { "0".to_owned() } else { format!("{previous} to {n_data}") };
                return Err(self.bad(format!("`{path}/indptr[{i}]` is {at}, expected {expected}")));
            }
            if (at - previous) as usize > limit.saturating_mul(REPEATED) {
                let n = at - previous;
                return Err(
                    self.bad(format!("`{path}/indptr[{i}]` spans {n} entries, expected at most {limit}"))
                );
            }
            previous = at;
        }
        if previous != n_data as i64 {
            return Err(
                self.bad(format!("`{path}/indptr` ends at {previous}, but {n_data} values are stored"))
            );
        }
        Ok(())
    }

    /// Where the entries of a run of rows (or columns) stand.
    fn entries(&self, run: Range<usize>) -> Range<usize> {
        self.indptr[run.start] as usize..self.indptr[run.end] as usize
    }

    fn check_indices(&self, indices: &[u32], start: usize) -> Result<()> {
        let most = widest(|| indices.iter().fold(0, |most, &index| most.max(index)));
        if most as usize >= self.limit && !indices.is_empty() {
            return Err(self.out_of_range(start, indices));
        }
        Ok(())
    }

    /// 65, naming the first index that is too large; it is read once more, since it may not fit an index at all.
    fn out_of_range(&self, start: usize, indices: &[u32]) -> Error {
        let at = start + indices.iter().position(|&index| index as usize >= self.limit).unwrap_or(0);
        let path = &self.path;
        match self.indices.stored().read::<i64>(at..at + 1).as_deref() {
            Ok([index]) => {
                let most = self.limit.saturating_sub(1);
                self.bad(format!("`{path}/indices[{at}]` is {index}, expected 0 to {most}"))
            }
            _ => self.bad(format!("`{path}/indices[{at}]` is out of range")),
        }
    }
}

struct Csr<S>(Compressed<S>);

impl<S: Stored> Counts for Csr<S> {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let entries = self.0.entries(cells.clone());
        let indices = self.0.indices.take(entries.clone())?;
        self.0.check_indices(&indices, entries.start)?;
        let data = self.0.data.take(entries.clone())?;
        let indptr = self.0.indptr[cells.start..=cells.end].iter().map(|&at| at as usize - entries.start);
        Ok(Rows { indptr: indptr.collect(), indices, data })
    }
}

struct Csc<S>(Compressed<S>);

impl<S: Stored> Triplets for Csc<S> {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let (mut cells, mut values) = (Vec::new(), Vec::new());
        for gene in 0..self.0.indptr.len() - 1 {
            let entries = self.0.entries(gene..gene + 1);
            cells.clear();
            self.0.indices.read(entries.clone(), |piece| cells.extend_from_slice(piece))?;
            self.0.check_indices(&cells, entries.start)?;
            values.clear();
            self.0.data.read(entries, |piece| values.extend_from_slice(piece))?;
            for (&cell, &value) in cells.iter().zip(&values) {
                each(cell as usize, gene as u32, value);
            }
        }
        Ok(())
    }
}
