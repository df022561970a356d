//! Writing `cells.zarr`, block by block.

use super::anndata::{NumberStream, Store, TextStream};
use super::csr::CsrWriter;
use super::{FORMAT, Gene, VERSION};
use crate::artifact::Header;
use crate::matrix::{Column, Kind, Rows};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;

/// What is known only when all cells are written: the genes and which study measured them.
pub struct Var<'a> {
    /// The columns of X.
    pub genes: &'a [Gene],
    /// The studies, in the order of `measured`.
    pub studies: &'a [String],
    /// [genes x studies], row by row.
    pub measured: &'a [bool],
}

/// Writes a `cells.zarr` into an existing empty directory (see [`crate::artifact::atomic::write_directory`]).
///
/// Memory: one shard (4 Mi values) of each array of X, one of each obs column, and the categories.
pub struct CellsWriter {
    store: Store,
    n_genes: usize,
    x: CsrWriter,
    modalities: Vec<(String, CsrWriter)>,
    cell_ids: TextStream,
    obs: Vec<ObsStream>,
}

struct ObsStream {
    name: String,
    values: Stream,
}

enum Stream {
    Categorical { codes: NumberStream<i32>, categories: Vec<String>, seen: HashMap<String, i32> },
    Float(NumberStream<f64>),
    Int(NumberStream<i64>),
    Bool(NumberStream<bool>),
}

impl CellsWriter {
    /// Begins the store; `obs` names the columns, which every block must bring in this order.
    ///
    /// Errors: a column name that AnnData or Zarr cannot hold, or one given twice.
    pub fn create(directory: &Path, n_genes: usize, obs: &[(String, Kind)]) -> Result<Self> {
        let store = Store::create(directory)?;
        let x = CsrWriter::create(&store, "/X", n_genes)?;
        store.group(
            "/obs",
            "dataframe",
            "0.2.0",
            [("_index", json!("_index")), ("column-order", json!([]))],
        )?;
        let mut streams: Vec<ObsStream> = Vec::with_capacity(obs.len());
        for (name, kind) in obs {
            ensure!(valid_key(name), "`{name}` cannot be the name of a column");
            ensure!(streams.iter().all(|other| other.name != *name), "the column `{name}` is given twice");
            let path = format!("/obs/{name}");
            let values = match kind {
                Kind::Categorical => {
                    store.group(&path, "categorical", "0.2.0", [("ordered", json!(false))])?;
                    let codes = store.stream(&format!("{path}/codes"), None)?;
                    Stream::Categorical { codes, categories: Vec::new(), seen: HashMap::new() }
                }
                Kind::Float => Stream::Float(store.stream(&path, None)?),
                Kind::Int => Stream::Int(store.stream(&path, None)?),
                Kind::Bool => Stream::Bool(store.stream(&path, None)?),
            };
            streams.push(ObsStream { name: name.clone(), values });
        }
        Ok(Self {
            x,
            modalities: Vec::new(),
            cell_ids: store.stream_texts("/obs/_index")?,
            store,
            n_genes,
            obs: streams,
        })
    }

    /// Adds a modality, `obsm/<name>`; every block then brings its counts by [`CellsWriter::append_modality`]. Returns its
    /// number.
    ///
    /// Errors: a name that AnnData or Zarr cannot hold, or one given twice.
    pub fn add_modality(&mut self, name: &str, features: &[String]) -> Result<usize> {
        ensure!(valid_key(name), "`{name}` cannot be the name of a modality");
        ensure!(
            self.modalities.iter().all(|(other, _)| other != name),
            "the modality `{name}` is given twice"
        );
        for group in ["/uns/panfoma", "/uns/panfoma/features"] {
            self.store.group(group, "dict", "0.1.0", [])?;
        }
        self.store.texts(&format!("/uns/panfoma/features/{name}"), features)?;
        let counts = CsrWriter::create(&self.store, &format!("/obsm/{name}"), features.len())?;
        self.modalities.push((name.to_owned(), counts));
        Ok(self.modalities.len() - 1)
    }

    /// Adds a block of cells of a modality: the same cells as in [`CellsWriter::append`].
    pub fn append_modality(&mut self, modality: usize, rows: &[Rows]) -> Result<()> {
        self.modalities[modality].1.append(rows)
    }

    /// Adds a block of cells: their counts, in one or several blocks, ids and the obs columns in the order given to `create`.
    pub fn append(&mut self, rows: &[Rows], cell_ids: Vec<String>, obs: &[Column]) -> Result<()> {
        let n_cells = rows.iter().map(Rows::len).sum::<usize>();
        ensure!(cell_ids.len() == n_cells, "{} ids for {n_cells} cells", cell_ids.len());
        ensure!(obs.len() == self.obs.len(), "{} obs columns, expected {}", obs.len(), self.obs.len());
        self.x.append(rows)?;
        self.cell_ids.push(cell_ids)?;
        for (stream, column) in self.obs.iter_mut().zip(obs) {
            ensure!(
                column.len() == n_cells,
                "`{}`: {} values for {n_cells} cells",
                stream.name,
                column.len()
            );
            stream.push(column)?;
        }
        Ok(())
    }

    /// Number of cells so far.
    pub fn n_cells(&self) -> usize {
        self.x.n_rows()
    }

    /// Writes `var`, the header and what is left.
    pub fn finish(self, var: &Var<'_>, header: &Header) -> Result<()> {
        ensure!(header.format == FORMAT && header.version == VERSION, "not a header of `{FORMAT}` {VERSION}");
        ensure!(var.genes.len() == self.n_genes, "{} genes, expected {}", var.genes.len(), self.n_genes);
        let n_measured = var.genes.len() * var.studies.len();
        ensure!(
            var.measured.len() == n_measured,
            "{} in the mask, expected {n_measured}",
            var.measured.len()
        );
        let store = &self.store;
        let n_cells = self.x.n_rows();
        self.x.finish(store)?;
        for (name, counts) in self.modalities {
            let n = counts.n_rows();
            ensure!(n == n_cells, "the modality `{name}` has {n} cells, expected {n_cells}");
            counts.finish(store)?;
        }
        self.cell_ids.finish()?;
        let order: Vec<&str> = self.obs.iter().map(|column| column.name.as_str()).collect();
        store.group(
            "/obs",
            "dataframe",
            "0.2.0",
            [("_index", json!("_index")), ("column-order", json!(order))],
        )?;
        for column in self.obs {
            column.finish(store)?;
        }
        write_var(store, var, n_cells)?;
        store.group("/uns/panfoma", "dict", "0.1.0", [])?;
        store.texts("/uns/panfoma/studies", var.studies)?;
        store.text("/uns/panfoma/header", &serde_json::to_string(header)?)
    }
}

impl ObsStream {
    fn push(&mut self, column: &Column) -> Result<()> {
        match (&mut self.values, column) {
            (
                Stream::Categorical { codes, categories, seen },
                Column::Categorical { codes: new, categories: names },
            ) => {
                // Codes are given in the order in which cells bring the categories, so blocks do not change the bytes.
                let mut known: Vec<Option<i32>> = vec![None; names.len()];
                let mut translated = Vec::with_capacity(new.len());
                for &code in new {
                    let Ok(position) = usize::try_from(code) else {
                        translated.push(-1);
                        continue;
                    };
                    let name = names
                        .get(position)
                        .with_context(|| format!("`{}`: no category {code}", self.name))?;
                    translated.push(*known[position].get_or_insert_with(|| {
                        *seen.entry(name.clone()).or_insert_with(|| {
                            categories.push(name.clone());
                            categories.len() as i32 - 1
                        })
                    }));
                }
                codes.push(&translated)
            }
            (Stream::Float(stream), Column::Float(values)) => stream.push(values),
            (Stream::Int(stream), Column::Int(values)) => stream.push(values),
            (Stream::Bool(stream), Column::Bool(values)) => stream.push(values),
            _ => bail!("`{}`: a column of kind {:?} was not announced", self.name, column.kind()),
        }
    }

    fn finish(self, store: &Store) -> Result<()> {
        match self.values {
            Stream::Categorical { codes, categories, .. } => {
                codes.finish()?;
                store.texts(&format!("/obs/{}/categories", self.name), &categories)
            }
            Stream::Float(stream) => stream.finish().map(drop),
            Stream::Int(stream) => stream.finish().map(drop),
            Stream::Bool(stream) => stream.finish().map(drop),
        }
    }
}

fn write_var(store: &Store, var: &Var<'_>, n_cells: usize) -> Result<()> {
    let n = n_cells as f64;
    // scanpy's `calculate_qc_metrics`, over the cells of X.
    let metrics: [(&str, &dyn Fn(&Gene) -> f64); 5] = [
        ("mean_counts", &|gene| gene.total_counts / n),
        ("log1p_mean_counts", &|gene| (gene.total_counts / n).ln_1p()),
        ("pct_dropout_by_counts", &|gene| (1.0 - gene.n_cells_by_counts as f64 / n) * 100.0),
        ("total_counts", &|gene| gene.total_counts),
        ("log1p_total_counts", &|gene| gene.total_counts.ln_1p()),
    ];
    let mut order = vec!["symbol", "input_name", "mt", "ribo", "n_cells_by_counts"];
    order.extend(metrics.iter().map(|(name, _)| *name));
    let order = json!(order);
    store.group("/var", "dataframe", "0.2.0", [("_index", json!("_index")), ("column-order", order)])?;
    let texts = |path: &str, text: fn(&Gene) -> &str| {
        store.texts(path, &var.genes.iter().map(text).collect::<Vec<_>>())
    };
    texts("/var/_index", |gene| &gene.ensembl_id)?;
    texts("/var/symbol", |gene| &gene.symbol)?;
    texts("/var/input_name", |gene| &gene.input_name)?;
    store.numbers("/var/mt", None, &var.genes.iter().map(|gene| gene.mt).collect::<Vec<_>>())?;
    store.numbers("/var/ribo", None, &var.genes.iter().map(|gene| gene.ribo).collect::<Vec<_>>())?;
    let n_cells: Vec<i64> = var.genes.iter().map(|gene| gene.n_cells_by_counts as i64).collect();
    store.numbers("/var/n_cells_by_counts", None, &n_cells)?;
    for (name, value) in metrics {
        let values: Vec<f64> = var.genes.iter().map(value).collect();
        store.numbers(&format!("/var/{name}"), None, &values)?;
    }
    store.numbers("/varm/measured", Some(var.studies.len()), var.measured)
}

/// Can AnnData and Zarr hold a column of this name?
fn valid_key(name: &str) -> bool {
    !name.is_empty()
        && !name.contains('/')
        && !name.starts_with("__")
        && name != "_index"
        && !name.trim_matches('.').is_empty()
}
