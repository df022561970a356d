//! Reading `cells.zarr`, validated, in blocks of cells.

use super::anndata::{Store, StoredArray};
use super::csr::{Csr, CsrReader, WrongEntry};
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

/// What was measured beside genes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellsModality {
    /// `protein`, `crispr`, `atac`, ...
    pub name: String,
    /// Names of its features: the columns of `obsm/<name>`.
    pub features: Vec<String>,
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
    x: Csr,
    modalities: Vec<CellsModality>,
    modality_counts: Vec<Csr>,
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
        let x = Csr::open(&store, "/X")?;
        let (n_cells, n_genes) = (x.n_rows(), x.n_columns());
        let index = store.array("/obs/_index")?;
        expect_rows("obs", index.shape[0], n_cells)?;
        let genes = read_genes(&store, n_genes)?;
        let studies = store.array("/uns/panfoma/studies")?;
        let studies = studies.texts(0..studies.shape[0])?;
        let measured = store.array("/varm/measured")?;
        if measured.shape != [n_genes, studies.len()] {
            anyhow::bail!("`varm/measured` is {:?}, expected {:?}", measured.shape, [n_genes, studies.len()]);
        }
        let measured = measured.bools(0..n_genes)?;
        let columns = read_columns(&store)?;
        let (modalities, modality_counts) = open_modalities(&store, n_cells)?.into_iter().unzip();
        Ok(Self {
            path: path.to_owned(),
            store,
            header,
            genes,
            studies,
            measured,
            columns,
            index,
            x,
            modalities,
            modality_counts,
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
        self.x.n_rows()
    }

    /// Number of stored counts.
    pub fn n_values(&self) -> usize {
        self.x.n_values(0..self.n_cells())
    }

    /// Number of stored counts of these cells, without reading them.
    pub fn n_values_of(&self, cells: Range<usize>) -> usize {
        self.x.n_values(cells)
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

    /// Counts of these cells; of several blocks of cells by [`Cells::counts`].
    ///
    /// Errors: 65 if a gene index is out of range or a count is no positive integer, naming cell, gene and value.
    pub fn read_rows(&self, cells: Range<usize>) -> Result<Rows> {
        self.counts().read(cells)
    }

    /// Something to read blocks of cells with, one after another.
    pub fn counts(&self) -> CountsReader<'_> {
        CountsReader { cells: self, of: &self.x, modality: None, reader: self.x.reader() }
    }

    /// What was measured beside genes, sorted by name; the order is that of [`Cells::read_modality`].
    pub fn modalities(&self) -> &[CellsModality] {
        &self.modalities
    }

    /// Counts of these cells in one of [`Cells::modalities`]; columns are its features. Cells of a study without the
    /// modality have no entries.
    ///
    /// Errors: as [`Cells::read_rows`].
    pub fn read_modality(&self, modality: usize, cells: Range<usize>) -> Result<Rows> {
        let of = &self.modality_counts[modality];
        CountsReader { cells: self, of, modality: Some(modality), reader: of.reader() }.read(cells)
    }
}

/// Reads blocks of cells; what two of them share is decoded once.
pub struct CountsReader<'a> {
    cells: &'a Cells,
    of: &'a Csr,
    modality: Option<usize>,
    reader: CsrReader<'a>,
}

impl CountsReader<'_> {
    /// Counts of these cells.
    ///
    /// Errors: as [`Cells::read_rows`].
    pub fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let counts = self.reader.read(cells);
        counts
            .and_then(|rows| rows.map_err(|wrong| self.describe(&wrong)))
            .map_err(|error| broken(&self.cells.path, error))
    }

    fn describe(&self, wrong: &WrongEntry) -> anyhow::Error {
        let row = wrong.row;
        let ids = self.cells.cell_ids(row..row + 1);
        let cell = ids.map_or_else(|_| row.to_string(), |ids| ids.concat());
        let column = usize::try_from(wrong.column).ok().and_then(|column| match self.modality {
            None => self.cells.genes.get(column).map(|gene| gene.ensembl_id.as_str()),
            Some(modality) => self.cells.modalities[modality].features.get(column).map(String::as_str),
        });
        anyhow::anyhow!(wrong.describe(self.of, &cell, column))
    }
}

fn open_modalities(store: &Store, n_cells: usize) -> Result<Vec<(CellsModality, Csr)>> {
    let mut modalities = Vec::new();
    for name in store.names("/uns/panfoma/features")? {
        let features = store.array(&format!("/uns/panfoma/features/{name}"))?;
        let features = features.texts(0..features.shape[0])?;
        let counts = Csr::open(store, &format!("/obsm/{name}"))?;
        expect_rows(&name, counts.n_rows(), n_cells)?;
        anyhow::ensure!(
            counts.n_columns() == features.len(),
            "`obsm/{name}` has {} columns, but there are {} features",
            counts.n_columns(),
            features.len()
        );
        modalities.push((CellsModality { name, features }, counts));
    }
    Ok(modalities)
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
    let totals = store.array("/var/total_counts")?;
    expect_rows("total_counts", totals.shape[0], n_genes)?;
    let totals: Vec<f64> = totals.numbers(0..n_genes)?;
    let (ids, symbols, names) = (texts("_index")?, texts("symbol")?, texts("input_name")?);
    let (mt, ribo) = (bools("mt")?, bools("ribo")?);
    let genes =
        ids.into_iter().zip(symbols).zip(names).enumerate().map(|(i, ((ensembl_id, symbol), input_name))| {
            let (mt, ribo, n_cells_by_counts) = (mt[i], ribo[i], n_cells[i].max(0) as u64);
            Gene { ensembl_id, symbol, input_name, mt, ribo, n_cells_by_counts, total_counts: totals[i] }
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
