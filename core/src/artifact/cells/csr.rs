//! A compressed sparse matrix in AnnData's layout: `X`, and the modalities in `obsm`.

use super::anndata::{NumberStream, Store, StoredArray};
use crate::matrix::Rows;
use crate::matrix::counts::{are_counts, is_count};
use crate::matrix::window::Window;
use crate::vectors::widest;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::ops::Range;

/// A `csr_matrix` of float32 being written, block by block; holds one shard of each of its arrays.
pub(super) struct CsrWriter {
    path: String,
    n_columns: usize,
    n_values: i64,
    n_rows: usize,
    data: NumberStream<f32>,
    indices: NumberStream<i32>,
    /// Held until the end, which tells its type: 8 bytes a row.
    indptr: Vec<i64>,
}

impl CsrWriter {
    /// Begins the matrix at `path`.
    pub fn create(store: &Store, path: &str, n_columns: usize) -> Result<Self> {
        store.group(path, "csr_matrix", "0.1.0", [("shape", json!([0, n_columns]))])?;
        Ok(Self {
            path: path.to_owned(),
            n_columns,
            n_values: 0,
            n_rows: 0,
            data: store.stream(&format!("{path}/data"), None)?,
            indices: store.stream(&format!("{path}/indices"), None)?,
            indptr: vec![0],
        })
    }

    /// Adds rows, in blocks one after another.
    pub fn append(&mut self, blocks: &[Rows]) -> Result<()> {
        for rows in blocks {
            let most = widest(|| rows.indices.iter().fold(0, |most, &index| most.max(index)));
            if !rows.indices.is_empty() && most as usize >= self.n_columns.min(1 << 31) {
                bail!("`{}`: column {most} in a matrix of {}", self.path, self.n_columns);
            }
            self.indptr.extend(rows.indptr[1..].iter().map(|&end| self.n_values + end as i64));
            self.n_values += rows.data.len() as i64;
            self.n_rows += rows.len();
        }
        self.data.push_all(&blocks.iter().map(|rows| rows.data.as_slice()).collect::<Vec<_>>())?;
        self.indices.push_all(&blocks.iter().map(|rows| as_signed(&rows.indices)).collect::<Vec<_>>())
    }

    /// Number of rows so far.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Writes what is left.
    pub fn finish(self, store: &Store) -> Result<()> {
        self.data.finish()?;
        self.indices.finish()?;
        let path = format!("{}/indptr", self.path);
        // scipy changes a matrix in place only if its indptr is of the type of its indices.
        match self.indptr.iter().map(|&at| i32::try_from(at)).collect::<Result<Vec<i32>, _>>() {
            Ok(indptr) => store.numbers(&path, None, &indptr)?,
            Err(_) => store.numbers(&path, None, &self.indptr)?,
        }
        store.group(&self.path, "csr_matrix", "0.1.0", [("shape", json!([self.n_rows, self.n_columns]))])
    }
}

/// The same numbers, all below 2^31, as `csr_matrix` stores them.
fn as_signed(indices: &[u32]) -> &[i32] {
    // SAFETY: both types have four bytes, the same alignment, and no bits that are not a number.
    unsafe { std::slice::from_raw_parts(indices.as_ptr().cast(), indices.len()) }
}

/// A stored `csr_matrix` of counts.
pub(super) struct Csr {
    name: String,
    n_columns: usize,
    indptr: Vec<i64>,
    indices: StoredArray,
    data: StoredArray,
}

/// An entry that no count matrix holds.
pub(super) struct WrongEntry {
    /// Its row.
    pub row: usize,
    /// Its column as stored.
    pub column: i64,
    /// Its value.
    pub value: f32,
}

impl Csr {
    /// Opens the matrix at `path` and checks that its arrays fit together.
    pub fn open(store: &Store, path: &str) -> Result<Self> {
        let name = path.trim_start_matches('/').to_owned();
        let shape = store.group_attributes(path)?.get("shape").cloned();
        let shape = shape.with_context(|| format!("`{name}` has no shape"))?;
        let [n_rows, n_columns]: [usize; 2] =
            serde_json::from_value(shape).with_context(|| format!("the shape of `{name}`"))?;
        let indptr = store.array(&format!("{path}/indptr"))?;
        let n = indptr.shape[0];
        ensure!(n == n_rows + 1, "`{name}/indptr` has {n} entries, expected {}", n_rows + 1);
        let indptr: Vec<i64> = indptr.numbers(0..n)?;
        let (data, indices) =
            (store.array(&format!("{path}/data"))?, store.array(&format!("{path}/indices"))?);
        let (n_data, n_indices) = (data.shape[0], indices.shape[0]);
        ensure!(n_indices == n_data, "`{name}/indices` has {n_indices} entries, expected {n_data}");
        let monotone = indptr.windows(2).all(|pair| pair[0] <= pair[1]);
        ensure!(
            indptr[0] == 0 && monotone && indptr[n_rows] == n_data as i64,
            "`{name}/indptr` does not ascend from 0 to the {n_data} stored values"
        );
        Ok(Self { name, n_columns, indptr, indices, data })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of stored values of these rows, without reading them.
    pub fn n_values(&self, rows: Range<usize>) -> usize {
        (self.indptr[rows.end] - self.indptr[rows.start]) as usize
    }

    /// Something to read rows with, one block after another.
    pub fn reader(&self) -> CsrReader<'_> {
        CsrReader { csr: self, indices: Window::new(&self.indices), data: Window::new(&self.data) }
    }
}

/// Reads blocks of rows; what two of them share of a chunk is decoded once.
pub(super) struct CsrReader<'a> {
    csr: &'a Csr,
    indices: Window<&'a StoredArray, u32>,
    data: Window<&'a StoredArray, f32>,
}

impl CsrReader<'_> {
    /// Counts of these rows; the inner `Err` is the first entry that is out of range or no count.
    pub fn read(&mut self, rows: Range<usize>) -> Result<Result<Rows, WrongEntry>> {
        let csr = self.csr;
        let (start, end) = (csr.indptr[rows.start], csr.indptr[rows.end]);
        let values = start as usize..end as usize;
        let (indices, data) = (self.indices.take(values.clone())?, self.data.take(values)?);
        let n_columns = csr.n_columns as u32;
        // Folded without a way out, so that many are checked at a time; which is wrong is asked only if one is.
        let most = widest(|| indices.iter().fold(0, |most, &column| most.max(column)));
        if !data.is_empty() && (most >= n_columns || !are_counts(&data)) {
            let fits = |column: u32, count: f32| column < n_columns && is_count(count);
            let wrong = indices.iter().zip(&data).position(|(&column, &count)| !fits(column, count));
            let at = wrong.expect("one does not fit");
            let entry = start as usize + at;
            let row = csr.indptr.partition_point(|&begin| begin <= entry as i64) - 1;
            // As it is stored: it may not be an index at all.
            let column = csr.indices.numbers::<i64>(entry..entry + 1)?[0];
            return Ok(Err(WrongEntry { row, column, value: data[at] }));
        }
        let indptr = csr.indptr[rows.start..=rows.end].iter().map(|&at| (at - start) as usize).collect();
        Ok(Ok(Rows { indptr, indices, data }))
    }
}

impl WrongEntry {
    /// `X[AAAC-1, TP53] is 1.5, not a count`.
    pub fn describe(&self, matrix: &Csr, row: &str, column: Option<&str>) -> String {
        match column {
            Some(column) => format!("{}[{row}, {column}] is {}, not a count", matrix.name, self.value),
            None => {
                format!("{}[{row}] has column {}, there are {}", matrix.name, self.column, matrix.n_columns)
            }
        }
    }
}
