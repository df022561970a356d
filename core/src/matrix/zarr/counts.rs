//! Matrices of a store: compressed by rows or by columns, or dense.

use super::array::Array;
use super::store::{Node, Store, text};
use super::window::Window;
use crate::matrix::Rows;
use crate::matrix::counts::Counts;
use crate::matrix::transposed::{Transposed, Triplets};
use anyhow::Result;
use serde_json::{Value as Json, json};
use std::ops::Range;
use std::sync::Arc;

/// Entries of a cell beyond the number of genes that are believed: repeated ones are legal, but rare.
const REPEATED: usize = 4;

/// Opens the matrix at `path`, of `n_cells` x `n_genes`.
pub(super) fn open(
    store: &Arc<Store>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    match store.node(path)? {
        Some(Node::Array(array)) => dense(store, *array, n_cells, n_genes),
        Some(Node::Group(attributes)) => sparse(store, path, &attributes, n_cells, n_genes),
        None => Err(store.bad(format!("`{path}` is missing"))),
    }
}

fn dense(store: &Arc<Store>, array: Array, n_cells: usize, n_genes: usize) -> Result<Box<dyn Counts>> {
    if array.shape() != [n_cells, n_genes] {
        let (path, shape) = (&array.path, array.shape());
        return Err(
            store.bad(format!("`{path}` has shape {shape:?}, expected [{n_cells}, {n_genes}] (obs x var)"))
        );
    }
    Ok(Box::new(Dense { window: Window::new(store, array), n_genes }))
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

fn sparse(
    store: &Arc<Store>,
    path: &str,
    attributes: &Json,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    let by_rows = match text(attributes, "encoding-type").or(text(attributes, "h5sparse_format")) {
        Some("csr_matrix" | "csr") => true,
        Some("csc_matrix" | "csc") => false,
        Some(other) => {
            return Err(store.bad(format!("`{path}` is encoded as `{other}`, expected a matrix")));
        }
        None => {
            return Err(
                store.bad(format!("`{path}` does not say whether it is stored by rows or by columns"))
            );
        }
    };
    let shape = attributes.get("shape").or(attributes.get("h5sparse_shape"));
    if let Some(shape) = shape.filter(|shape| **shape != json!([n_cells, n_genes])) {
        return Err(store.bad(format!(
            "`{path}` says its shape is {shape}, expected [{n_cells}, {n_genes}] (obs x var)"
        )));
    }
    let (n, limit, what) = if by_rows { (n_cells, n_genes, "cells") } else { (n_genes, n_cells, "genes") };
    let compressed = Compressed::open(store, path, n, limit, what)?;
    Ok(match by_rows {
        true => Box::new(Csr(compressed)),
        false => Box::new(Transposed::new(Csc(compressed), n_cells)?),
    })
}

/// The three arrays of a compressed matrix.
struct Compressed {
    store: Arc<Store>,
    path: String,
    /// Indices are smaller.
    limit: usize,
    indptr: Vec<i64>,
    indices: Window<i64>,
    data: Window<f32>,
}

impl Compressed {
    fn open(store: &Arc<Store>, path: &str, n: usize, limit: usize, what: &str) -> Result<Self> {
        let member = |name: &str| {
            let array = store.array_at(&format!("{path}/{name}"))?;
            match array.shape().len() {
                1 => Ok(array),
                axes => Err(store.bad(format!("`{path}/{name}` has {axes} axes, expected 1"))),
            }
        };
        let (indptr, indices, data) = (member("indptr")?, member("indices")?, member("data")?);
        // Its length is checked before memory is spent on it.
        if indptr.shape()[0] != n + 1 {
            let found = indptr.shape()[0];
            return Err(store
                .bad(format!("`{path}/indptr` has {found} entries, expected {} ({n} {what} + 1)", n + 1)));
        }
        let indptr = store.checked(&indptr.path, indptr.numbers::<i64>(0..n + 1))?;
        let (indices, data) = (Window::new(store, indices), Window::new(store, data));
        let compressed =
            Self { store: Arc::clone(store), path: path.to_owned(), limit, indptr, indices, data };
        compressed.check()?;
        Ok(compressed)
    }

    fn check(&self) -> Result<()> {
        let Self { store, path, indptr, .. } = self;
        let (n_indices, n_data) = (self.indices.len(), self.data.len());
        if n_indices != n_data {
            return Err(
                store.bad(format!("`{path}/indices` has {n_indices} entries, `{path}/data` has {n_data}"))
            );
        }
        let mut previous = 0;
        for (i, &at) in indptr.iter().enumerate() {
            if at < previous || at > n_data as i64 || (i == 0 && at != 0) {
                let expected = if i == 0 { "0".to_owned() } else { format!("{previous} to {n_data}") };
                return Err(store.bad(format!("`{path}/indptr[{i}]` is {at}, expected {expected}")));
            }
            if (at - previous) as usize > self.limit.saturating_mul(REPEATED) {
                let (n, limit) = (at - previous, self.limit);
                return Err(
                    store.bad(format!("`{path}/indptr[{i}]` spans {n} entries, expected at most {limit}"))
                );
            }
            previous = at;
        }
        if previous != n_data as i64 {
            return Err(
                store.bad(format!("`{path}/indptr` ends at {previous}, but {n_data} values are stored"))
            );
        }
        Ok(())
    }

    /// Indices and data of a run of rows (or columns).
    fn read(&mut self, run: Range<usize>) -> Result<(Vec<u32>, Vec<f32>)> {
        let (start, end) = (self.indptr[run.start] as usize, self.indptr[run.end] as usize);
        let (mut indices, mut data) = (Vec::with_capacity(end - start), Vec::with_capacity(end - start));
        let (limit, mut wrong) = (self.limit as i64, None);
        self.indices.read(start..end, |piece| {
            for &index in piece {
                if index < 0 || index >= limit {
                    wrong.get_or_insert((start + indices.len(), index));
                }
                indices.push(index as u32);
            }
        })?;
        if let Some((at, index)) = wrong {
            let most = limit.saturating_sub(1);
            return Err(self
                .store
                .bad(format!("`{}/indices[{at}]` is {index}, expected 0 to {most}", self.path)));
        }
        self.data.read(start..end, |piece| data.extend_from_slice(piece))?;
        Ok((indices, data))
    }
}

struct Csr(Compressed);

impl Counts for Csr {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let (indices, data) = self.0.read(cells.clone())?;
        let indptr = &self.0.indptr[cells.start..=cells.end];
        Ok(Rows { indptr: indptr.iter().map(|&at| (at - indptr[0]) as usize).collect(), indices, data })
    }
}

struct Csc(Compressed);

impl Triplets for Csc {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        for gene in 0..self.0.indptr.len() - 1 {
            let (cells, values) = self.0.read(gene..gene + 1)?;
            for (&cell, &value) in cells.iter().zip(&values) {
                each(cell as usize, gene as u32, value);
            }
        }
        Ok(())
    }
}
