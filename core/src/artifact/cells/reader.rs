//! Reading `cells.zarr`, validated, in blocks of cells.

use super::anndata::{Store, StoredArray};
use super::{FORMAT, Gene, VERSION};
use crate::artifact::Header;
use crate::matrix::{Column, Kind, Rows};
use crate::stage::UserError;
use anyhow::{Context as _, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A column of `obs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObsColumn {
    /// Its name.
    pub name: String,
    /// How its values are stored.
    pub kind: Kind,
}

/// An opened `cells.zarr`.
pub struct Cells {
    path: PathBuf,
    store: Store,
    header: Header,
    genes: Vec<Gene>,
    studies: Vec<String>,
    measured: Vec<bool>,
    columns: Vec<ObsColumn>,
    index: StoredArray,
    data: StoredArray,
    indices: StoredArray,
    indptr: Vec<i64>,
}

impl Cells {
    /// Opens and validates the artifact; reads everything but the counts and the obs columns.
    ///
    /// Errors: 66 if there is nothing at `path`; 65 if it is no `panfoma.cells` of this version or its parts disagree.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(UserError::missing(path).into());
        }
        let store = Store::open(path).map_err(|_| not_cells(path))?;
        if !store.contains("/uns/panfoma/header") {
            return Err(not_cells(path).into());
        }
        let text = store.read_text("/uns/panfoma/header")?;
        let header: Header = serde_json::from_str(&text).map_err(|error| {
            UserError::bad_data(format!("`{}`: its header is not valid: {error}", path.display()))
        })?;
        header.expect(FORMAT, VERSION, path)?;
        // Whatever zarrs reports from here on is a broken artifact.
        Self::open_parts(path, store, header).map_err(|error| broken(path, error))
    }

    fn open_parts(path: &Path, store: Store, header: Header) -> Result<Self> {
        let shape = store.group_attributes("/X")?.get("shape").cloned().context("`X` has no shape")?;
        let [n_cells, n_genes]: [usize; 2] = serde_json::from_value(shape).context("the shape of `X`")?;
        let index = store.array("/obs/_index")?;
        expect_rows("obs", index.shape[0], n_cells)?;
        let indptr_array = store.array("/X/indptr")?;
        expect_rows("X/indptr", indptr_array.shape[0], n_cells + 1)?;
        let indptr: Vec<i64> = indptr_array.numbers(0..n_cells + 1)?;
        let (data, indices) = (store.array("/X/data")?, store.array("/X/indices")?);
        expect_rows("X/indices", indices.shape[0], data.shape[0])?;
        let monotone = indptr.windows(2).all(|pair| pair[0] <= pair[1]);
        if indptr[0] != 0 || !monotone || indptr[n_cells] != data.shape[0] as i64 {
            anyhow::bail!("`X/indptr` does not ascend from 0 to the {} stored values", data.shape[0]);
        }
        let genes = read_genes(&store, n_genes)?;
        let studies = store.array("/uns/panfoma/studies")?;
        let studies = studies.texts(0..studies.shape[0])?;
        let measured = store.array("/varm/measured")?;
        if measured.shape != [n_genes, studies.len()] {
            anyhow::bail!("`varm/measured` is {:?}, expected {:?}", measured.shape, [n_genes, studies.len()]);
        }
        let measured = measured.bools(0..n_genes)?;
        let columns = read_columns(&store)?;
        Ok(Self {
            path: path.to_owned(),
            store,
            header,
            genes,
            studies,
            measured,
            columns,
            index,
            data,
            indices,
            indptr,
        })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Format, version, provenance.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of stored counts.
    pub fn n_values(&self) -> usize {
        self.data.shape[0]
    }

    /// Number of stored counts of these cells, without reading them.
    pub fn n_values_of(&self, cells: Range<usize>) -> usize {
        (self.indptr[cells.end] - self.indptr[cells.start]) as usize
    }

    /// The columns of X.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// The studies, in the order of [`Cells::measured`].
    pub fn studies(&self) -> &[String] {
        &self.studies
    }

    /// Was this gene in that study's matrix?
    pub fn measured(&self, gene: usize, study: usize) -> bool {
        self.measured[gene * self.studies.len() + study]
    }

    /// The columns of obs.
    pub fn obs_columns(&self) -> &[ObsColumn] {
        &self.columns
    }

    /// Ids of these cells.
    pub fn cell_ids(&self, cells: Range<usize>) -> Result<Vec<String>> {
        self.index.texts(cells).map_err(|error| broken(&self.path, error))
    }

    /// Values of an obs column for all cells.
    pub fn obs(&self, name: &str) -> Result<Column> {
        self.obs_of(name, 0..self.n_cells())
    }

    /// Values of an obs column for these cells.
    ///
    /// Errors: 65 naming the columns there are, if there is no such column.
    pub fn obs_of(&self, name: &str, cells: Range<usize>) -> Result<Column> {
        let column = self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let there: Vec<String> = self.columns.iter().map(|column| format!("`{}`", column.name)).collect();
            UserError::bad_data(format!("`{}` has no obs column `{name}`", self.path.display()))
                .hint(format!("the columns are {}", there.join(", ")))
        })?;
        self.read_column(column, cells).map_err(|error| broken(&self.path, error))
    }

    fn read_column(&self, column: &ObsColumn, cells: Range<usize>) -> Result<Column> {
        let path = format!("/obs/{}", column.name);
        let codes = format!("{path}/codes");
        let categorical = self.store.contains(&codes);
        let array = self.store.array(if categorical { &codes } else { &path })?;
        expect_rows(&column.name, array.shape[0], self.n_cells())?;
        Ok(match column.kind {
            Kind::Categorical if categorical => {
                let categories = self.store.array(&format!("{path}/categories"))?;
                let categories = categories.texts(0..categories.shape[0])?;
                let codes: Vec<i64> = array.numbers(cells)?;
                if let Some(code) = codes.iter().find(|&&code| code < -1 || code >= categories.len() as i64) {
                    anyhow::bail!(
                        "`obs/{}` has code {code}, there are {} categories",
                        column.name,
                        categories.len()
                    );
                }
                Column::Categorical { codes: codes.into_iter().map(|code| code as i32).collect(), categories }
            }
            Kind::Categorical => {
                Column::from_texts(array.texts(cells)?.iter().map(|text| Some(text.as_str())))
            }
            Kind::Float => Column::Float(array.numbers(cells)?),
            Kind::Int => Column::Int(array.numbers(cells)?),
            Kind::Bool => Column::Bool(array.bools(cells)?),
        })
    }

    /// Counts of these cells.
    ///
    /// Errors: 65 if a gene index is out of range or a count is no positive integer, naming cell, gene and value.
    pub fn read_rows(&self, cells: Range<usize>) -> Result<Rows> {
        let (start, end) = (self.indptr[cells.start], self.indptr[cells.end]);
        let values = start as usize..end as usize;
        let read = || Ok((self.read_indices(values.clone())?, self.read_data(values.clone())?));
        let (indices, data) = read().map_err(|error: anyhow::Error| broken(&self.path, error))?;
        let indptr = self.indptr[cells.start..=cells.end].iter().map(|&at| (at - start) as usize).collect();
        let n_genes = self.genes.len() as u32;
        // Folded without a way out, so that it is done many at a time; which one is wrong is asked only if one is.
        let fits = |gene: u32, count: f32| (gene < n_genes) & is_count(count);
        if !indices.iter().zip(&data).fold(true, |all, (&gene, &count)| all & fits(gene, count)) {
            let wrong = indices.iter().zip(&data).position(|(&gene, &count)| !fits(gene, count));
            let at = wrong.expect("one does not fit");
            let cell = self.indptr.partition_point(|&begin| begin <= start + at as i64) - 1;
            return Err(broken(&self.path, self.describe(cell, indices[at] as i32, data[at])));
        }
        Ok(Rows { indptr, indices, data })
    }

    /// Gene indices; a negative or a too large one becomes one beyond all genes.
    fn read_indices(&self, values: Range<usize>) -> Result<Vec<u32>> {
        if let Some(stored) = self.indices.stored::<i32>(values.clone())? {
            return Ok(stored.into_iter().map(|gene| gene as u32).collect());
        }
        let stored = self.indices.numbers::<i64>(values)?;
        Ok(stored.into_iter().map(|gene| u32::try_from(gene).unwrap_or(u32::MAX)).collect())
    }

    fn read_data(&self, values: Range<usize>) -> Result<Vec<f32>> {
        match self.data.stored::<f32>(values.clone())? {
            Some(stored) => Ok(stored),
            None => self.data.numbers(values),
        }
    }

    fn describe(&self, cell: usize, gene: i32, count: f32) -> anyhow::Error {
        let cell = self.cell_ids(cell..cell + 1).map_or_else(|_| cell.to_string(), |ids| ids.concat());
        match usize::try_from(gene).ok().and_then(|gene| self.genes.get(gene)) {
            None => {
                anyhow::anyhow!("cell `{cell}` has gene index {gene}, there are {} genes", self.genes.len())
            }
            Some(gene) => anyhow::anyhow!("X[{cell}, {}] is {count}, not a count", gene.ensembl_id),
        }
    }
}

/// Is it a whole number and not negative? From 2^23 on every finite f32 is whole.
fn is_count(count: f32) -> bool {
    const WHOLE_FROM: f32 = 8_388_608.0;
    let small = (count as i32) as f32 == count;
    (count >= 0.0) & (small | ((count >= WHOLE_FROM) & (count < f32::INFINITY)))
}

fn read_genes(store: &Store, n_genes: usize) -> Result<Vec<Gene>> {
    let texts = |name: &str| -> Result<Vec<String>> {
        if store.contains(&format!("/var/{name}/codes")) {
            // anndata turns repeated texts into categories when it writes.
            let column = store.array(&format!("/var/{name}/codes"))?;
            expect_rows(name, column.shape[0], n_genes)?;
            let categories = store.array(&format!("/var/{name}/categories"))?;
            let categories = categories.texts(0..categories.shape[0])?;
            let codes: Vec<i64> = column.numbers(0..n_genes)?;
            return codes
                .into_iter()
                .map(|code| usize::try_from(code).ok().and_then(|code| categories.get(code)).cloned())
                .collect::<Option<_>>()
                .with_context(|| format!("`var/{name}` has a code without category"));
        }
        let array = store.array(&format!("/var/{name}"))?;
        expect_rows(name, array.shape[0], n_genes)?;
        array.texts(0..n_genes)
    };
    let bools = |name: &str| -> Result<Vec<bool>> {
        let array = store.array(&format!("/var/{name}"))?;
        expect_rows(name, array.shape[0], n_genes)?;
        array.bools(0..n_genes)
    };
    let n_cells = store.array("/var/n_cells_by_counts")?;
    expect_rows("n_cells_by_counts", n_cells.shape[0], n_genes)?;
    let n_cells: Vec<i64> = n_cells.numbers(0..n_genes)?;
    let (ids, symbols, names) = (texts("_index")?, texts("symbol")?, texts("input_name")?);
    let (mt, ribo) = (bools("mt")?, bools("ribo")?);
    let genes =
        ids.into_iter().zip(symbols).zip(names).enumerate().map(|(i, ((ensembl_id, symbol), input_name))| {
            let (mt, ribo, n_cells_by_counts) = (mt[i], ribo[i], n_cells[i].max(0) as u64);
            Gene { ensembl_id, symbol, input_name, mt, ribo, n_cells_by_counts }
        });
    Ok(genes.collect())
}

fn read_columns(store: &Store) -> Result<Vec<ObsColumn>> {
    let attributes = store.group_attributes("/obs")?;
    let order = attributes.get("column-order").cloned().context("`obs` has no column-order")?;
    let names: Vec<String> = serde_json::from_value(order).context("the column-order of `obs`")?;
    let mut columns = Vec::new();
    for name in names {
        let path = format!("/obs/{name}");
        let kind = if store.contains(&format!("{path}/codes")) {
            Kind::Categorical
        } else {
            let array = store.array(&path)?;
            match array.encoding() {
                "string-array" => Kind::Categorical,
                _ if array.is_bool() => Kind::Bool,
                _ if array.is_float() => Kind::Float,
                _ => Kind::Int,
            }
        };
        columns.push(ObsColumn { name, kind });
    }
    Ok(columns)
}

fn expect_rows(what: &str, found: usize, expected: usize) -> Result<()> {
    anyhow::ensure!(found == expected, "`{what}` has {found} entries, expected {expected}");
    Ok(())
}

fn not_cells(path: &Path) -> UserError {
    UserError::bad_data(format!("`{}` is no `{FORMAT}` artifact", path.display()))
        .hint("make it with `panfoma-qc -i INPUT -o cells.zarr`")
}

fn broken(path: &Path, error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<UserError>().is_some() {
        return error;
    }
    UserError::bad_data(format!("`{}` is broken: {error:#}", path.display()))
        .hint("make the artifact again, or fetch it again if it was copied")
        .into()
}
