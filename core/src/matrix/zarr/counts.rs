//! Matrices of a store: compressed by rows or by columns, or dense.

use super::array::Array;
use super::store::{Node, Store, text};
use crate::matrix::compressed::{self, By};
use crate::matrix::counts::Counts;
use crate::matrix::dense;
use crate::matrix::number::FromStored;
use crate::matrix::stored::Stored;
use anyhow::{Error, Result};
use serde_json::{Value as Json, json};
use std::ops::Range;
use std::sync::Arc;

/// Opens the matrix at `path`, of `n_cells` x `n_genes`.
pub(super) fn open(
    store: &Arc<Store>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    match store.node(path)? {
        Some(Node::Array(array)) => open_dense(store, *array, n_cells, n_genes),
        Some(Node::Group(attributes)) => sparse(store, path, &attributes, n_cells, n_genes),
        None => Err(store.bad(format!("`{path}` is missing"))),
    }
}

fn open_dense(store: &Arc<Store>, array: Array, n_cells: usize, n_genes: usize) -> Result<Box<dyn Counts>> {
    if array.shape() != [n_cells, n_genes] {
        let (path, shape) = (&array.path, array.shape());
        return Err(
            store.bad(format!("`{path}` has shape {shape:?}, expected [{n_cells}, {n_genes}] (obs x var)"))
        );
    }
    Ok(dense::open(Numbers::new(store, array)))
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
    let by = if by_rows { By::Cells } else { By::Genes };
    let member = |name: &str| {
        let array = store.array_at(&format!("{path}/{name}"))?;
        match array.shape().len() {
            1 => Ok(array),
            axes => Err(store.bad(format!("`{path}/{name}` has {axes} axes, expected 1"))),
        }
    };
    let (indptr, indices, data) = (member("indptr")?, member("indices")?, member("data")?);
    let (n, what) = if by_rows { (n_cells, "cells") } else { (n_genes, "genes") };
    // Its length is checked before memory is spent on it.
    if indptr.shape()[0] != n + 1 {
        let found = indptr.shape()[0];
        return Err(
            store.bad(format!("`{path}/indptr` has {found} entries, expected {} ({n} {what} + 1)", n + 1))
        );
    }
    let indptr = store.checked(&indptr.path, indptr.numbers::<i64>(0..n + 1))?;
    let arrays = (Numbers::new(store, indices), Numbers::new(store, data));
    compressed::open(path, by, indptr, arrays, (n_cells, n_genes))
}

/// An array of numbers and the store it lies in.
struct Numbers {
    store: Arc<Store>,
    array: Array,
}

impl Numbers {
    fn new(store: &Arc<Store>, array: Array) -> Self {
        Self { store: Arc::clone(store), array }
    }
}

impl Stored for Numbers {
    fn n_rows(&self) -> usize {
        self.array.shape()[0]
    }

    fn width(&self) -> usize {
        self.array.width()
    }

    fn chunk_rows(&self) -> usize {
        self.array.metadata.layout.chunk[0]
    }

    fn read<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        self.store.checked(&self.array.path, self.array.numbers(rows))
    }

    fn bad(&self, message: String) -> Error {
        self.store.bad(message)
    }
}
