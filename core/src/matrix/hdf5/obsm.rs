//! Protein counts that an `.h5ad` keeps in `obsm`, beside the genes.

use super::file::{File, Node};
use super::guard::Guarded;
use super::{dataframe, h5ad, texts};
use crate::matrix::counts::Counts;
use crate::matrix::modality::Modality;
use crate::matrix::{Frame, Matrix, Rows};
use anyhow::Result;
use hdf5_reader::{Dataset, Datatype};
use std::ops::Range;
use std::sync::Arc;

/// Names under which protein counts are kept, lower case.
const PROTEIN: [&str; 7] =
    ["protein", "proteins", "protein_expression", "protein_counts", "adt", "prot", "antibody_capture"];
/// Values of all columns that are held at once.
const HELD_VALUES: usize = 1 << 24;

/// Makes the protein counts of `obsm` a modality, if their names are known: a dataframe's columns, or a list in `uns`.
pub(super) fn add_proteins(file: &Arc<File>, matrix: &mut Matrix) -> Result<()> {
    if matrix.modalities.iter().any(|modality| modality.name == "protein") {
        return Ok(());
    }
    let keys = file.names("obsm")?;
    let Some(key) = keys.iter().find(|key| PROTEIN.contains(&key.to_lowercase().as_str())) else {
        return Ok(());
    };
    let path = format!("obsm/{key}");
    let n_cells = matrix.n_cells();
    let (names, counts): (Vec<String>, Box<dyn Counts>) = match file.group(&path)? {
        Some(group) if group.attribute("column-order").is_ok() => {
            let columns = Columns::open(file, &path, n_cells)?;
            (columns.columns.iter().map(|(name, _)| name.clone()).collect(), Box::new(columns))
        }
        _ => {
            let Some(names) = listed_names(file, key)? else {
                tracing::warn!(
                    "`{}`: the names of `{path}` are unknown: it is left out",
                    file.path.display()
                );
                let reason = format!("`{path}` has no names, nor has `uns/{key}_names`");
                matrix.dropped_modalities.push(("protein".to_owned(), reason));
                return Ok(());
            };
            let counts = h5ad::counts(file, &path, n_cells, names.len())?;
            (names, counts)
        }
    };
    if names.is_empty() {
        return Ok(());
    }
    tracing::info!("`{}`: {} proteins of `{path}` are read", file.path.display(), names.len());
    let features = Frame { index: names, ..Frame::default() };
    matrix.modalities.push(Modality::new("protein", features, Guarded::boxed(&file.path, counts)));
    Ok(())
}

/// `uns/protein_names`, as scvi-tools writes it, or `uns/<key>_names`.
fn listed_names(file: &File, key: &str) -> Result<Option<Vec<String>>> {
    for path in [format!("uns/{key}_names"), "uns/protein_names".to_owned()] {
        if let Some(Node::Dataset(dataset)) = file.node(&path)?
            && texts::is_text(dataset.dtype())
        {
            return texts::read(file, &dataset, &path).map(Some);
        }
    }
    Ok(None)
}

/// The numbers of a dataframe: one dataset a column.
struct Columns {
    file: Arc<File>,
    path: String,
    columns: Vec<(String, Dataset)>,
    n_cells: usize,
    held: Range<usize>,
    values: Vec<Vec<f32>>,
}

impl Columns {
    fn open(file: &Arc<File>, path: &str, n_cells: usize) -> Result<Self> {
        let Some(group) = file.group(path)? else { return Err(file.bad(format!("`{path}` is missing"))) };
        let mut columns = Vec::new();
        for name in dataframe::column_order(file, &group, path)? {
            let Some(Node::Dataset(dataset)) = file.node(&format!("{path}/{name}"))? else { continue };
            if !matches!(dataset.dtype(), Datatype::FixedPoint { .. } | Datatype::FloatingPoint { .. }) {
                continue;
            }
            if dataset.shape() != [n_cells as u64] {
                let shape = dataset.shape();
                return Err(file.bad(format!("`{path}/{name}` has shape {shape:?}, expected [{n_cells}]")));
            }
            columns.push((name, *dataset));
        }
        let (file, path) = (Arc::clone(file), path.to_owned());
        Ok(Self { file, path, columns, n_cells, held: 0..0, values: Vec::new() })
    }
}

impl Counts for Columns {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        if cells.start < self.held.start || cells.end > self.held.end {
            let most = (HELD_VALUES / self.columns.len().max(1)).max(cells.len());
            let held = cells.start..(cells.start + most).min(self.n_cells);
            self.held = 0..0;
            self.values.clear();
            for (name, dataset) in &self.columns {
                let path = format!("{}/{name}", self.path);
                self.values.push(self.file.slice(dataset, &path, held.clone())?);
            }
            self.held = held;
        }
        let mut rows = Rows::default();
        for cell in cells {
            let at = cell - self.held.start;
            rows.push((0..).zip(self.values.iter().map(|values| values[at])).filter(|entry| entry.1 != 0.0));
        }
        Ok(rows)
    }
}
