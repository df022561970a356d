//! AnnData: `X`, `layers` and `raw` with `obs` and `var`, at the root of an `.h5ad` or within a MuData file.

use super::file::{File, Node, text_attribute};
use super::guard::Guarded;
use super::{dataframe, dense, sparse};
use crate::matrix::counts::Counts;
use crate::matrix::{Frame, Matrix, Source, raw_counts};
use anyhow::Result;
use std::sync::Arc;

/// Opens a matrix of the AnnData at `root` (empty, or ending in `/`): the one `wanted` names, else the one that holds
/// raw counts.
pub(super) fn open(file: &Arc<File>, root: &str, wanted: Option<&Source>) -> Result<Matrix> {
    let candidates = candidates(file, root)?;
    let cells = read_cells(file, root)?;
    let open_one = |source: &Source| {
        let (path, features, counts) = read_source(file, root, source, cells.len())?;
        super::matrix(file, &path, cells.clone(), features, counts)
    };
    match wanted {
        Some(wanted) => open_one(&raw_counts::resolve(&file.path, wanted, &candidates)?),
        None => raw_counts::choose(&file.path, &candidates, open_one),
    }
}

/// Opens the AnnData at `root` as it is, whatever its features are; the inner `Err` says why there are no counts.
pub(super) fn open_features(file: &Arc<File>, root: &str) -> Result<Result<Matrix, String>> {
    let cells = read_cells(file, root)?;
    let found = raw_counts::find(&candidates(file, root)?, |source| {
        let (path, features, counts) = read_source(file, root, source, cells.len())?;
        let counts = Guarded::boxed(&file.path, counts);
        Ok(Matrix::new(&file.path, &path, cells.clone(), features, counts))
    })?;
    Ok(found.map_err(|refused| refused.unwrap_or_else(|| "it has no matrix".to_owned())))
}

fn read_cells(file: &File, root: &str) -> Result<Frame> {
    dataframe::read(file, &format!("{root}obs"), &format!("{root}uns"))
}

/// The matrices of the AnnData in the order in which raw counts are looked for.
fn candidates(file: &File, root: &str) -> Result<Vec<Source>> {
    let mut candidates = Vec::new();
    let holds = |path: &str| {
        Ok::<_, anyhow::Error>(match file.node(&format!("{root}{path}"))? {
            // A matrix that is not there may be stored as nothing.
            Some(Node::Dataset(dataset)) => {
                text_attribute(dataset.attribute("encoding-type")).is_none_or(|kind| kind != "null")
            }
            Some(Node::Group(_)) => true,
            None => false,
        })
    };
    if holds("X")? {
        candidates.push(Source::X);
    }
    let mut layers = file.names(&format!("{root}layers"))?;
    layers.sort_by_key(|name| raw_counts::layer_rank(name));
    candidates.extend(layers.into_iter().map(Source::Layer));
    if holds("raw/X")? || holds("raw.X")? {
        candidates.push(Source::Raw);
    }
    Ok(candidates)
}

/// The path of a matrix, its columns and its values.
fn read_source(
    file: &Arc<File>,
    root: &str,
    source: &Source,
    n_cells: usize,
) -> Result<(String, Frame, Box<dyn Counts>)> {
    // Before anndata 0.7, raw was spread over `raw.X`, `raw.var` and `raw.cat` (the categories of `raw.var`).
    let (path, var, legacy) = match source {
        Source::Raw if file.has(&format!("{root}raw.X"))? => ("raw.X".to_owned(), "raw.var", "raw.cat"),
        Source::Raw => (source.to_string(), "raw/var", "uns"),
        _ => (source.to_string(), "var", "uns"),
    };
    let path = format!("{root}{path}");
    let features = dataframe::read(file, &format!("{root}{var}"), &format!("{root}{legacy}"))?;
    let counts = counts(file, &path, n_cells, features.len())?;
    Ok((path, features, counts))
}

/// The matrix at `path`, sparse or dense.
pub(super) fn counts(
    file: &Arc<File>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
) -> Result<Box<dyn Counts>> {
    match file.node(path)? {
        Some(Node::Dataset(dataset)) => dense::open(file, *dataset, path, n_cells, n_genes),
        Some(Node::Group(group)) => sparse::open(file, &group, path, n_cells, n_genes),
        None => Err(file.bad(format!("`{path}` is missing"))),
    }
}
