//! `.h5ad`: AnnData in HDF5.

use super::file::{File, Node};
use super::{dataframe, dense, sparse};
use crate::matrix::counts::Counts;
use crate::matrix::{Matrix, Source, modality, raw_counts};
use crate::stage::UserError;
use anyhow::Result;
use std::sync::Arc;

/// Opens the matrix that `wanted` names, else the one that holds raw counts is found.
pub(super) fn open(file: &Arc<File>, wanted: Option<&Source>) -> Result<Matrix> {
    refuse_relatives(file)?;
    let candidates = candidates(file)?;
    let open_one = |source: &Source| open_source(file, source);
    match wanted {
        Some(wanted) => open_one(&resolve(file, wanted, &candidates)?),
        None => raw_counts::choose(&file.path, &candidates, open_one),
    }
}

/// Formats that are HDF5 too but not `.h5ad`.
fn refuse_relatives(file: &File) -> Result<()> {
    let has = |path: &str| file.has(path);
    let kind = if has("mod")? && !has("X")? {
        (
            "a MuData file (.h5mu), which is not read",
            "write one modality as h5ad: `mudata.read(path)[\"rna\"].write_h5ad(\"rna.h5ad\")`",
        )
    } else if has("matrix")? && has("row_attrs")? {
        (
            "a loom file, which is not read",
            "convert it: `anndata.io.read_loom(path).write_h5ad(\"cells.h5ad\")`",
        )
    } else if !has("obs")?
        && (has("matrix/barcodes")? || file.names("/")?.iter().any(|name| genome(file, name)))
    {
        (
            "a 10x HDF5 file, which is not read",
            "pass the directory with `matrix.mtx.gz` that Cell Ranger writes beside it",
        )
    } else if !has("obs")? {
        ("no AnnData: `obs` is missing", "an `.h5ad` holds `obs`, `var` and a matrix")
    } else {
        return Ok(());
    };
    let error = UserError::bad_data(format!("`{}` is {}", file.path.display(), kind.0));
    Err(error.hint(kind.1).into())
}

/// Cell Ranger 2 keeps a group a genome.
fn genome(file: &File, name: &str) -> bool {
    file.has(&format!("{name}/barcodes")).unwrap_or(false)
}

/// The matrices of the file in the order in which raw counts are looked for.
fn candidates(file: &File) -> Result<Vec<Source>> {
    let mut candidates = Vec::new();
    if file.has("X")? {
        candidates.push(Source::X);
    }
    let mut layers = file.names("layers")?;
    layers.sort_by_key(|name| raw_counts::layer_rank(name));
    candidates.extend(layers.into_iter().map(Source::Layer));
    if file.has("raw/X")? {
        candidates.push(Source::Raw);
    }
    Ok(candidates)
}

fn resolve(file: &File, wanted: &Source, candidates: &[Source]) -> Result<Source> {
    // `--layer raw` means raw/X, but a layer may bear that name.
    let layer = matches!(wanted, Source::Raw).then(|| Source::Layer("raw".to_owned()));
    for source in [Some(wanted), layer.as_ref()].into_iter().flatten() {
        if candidates.contains(source) {
            return Ok(source.clone());
        }
    }
    Err(UserError::bad_data(format!("`{}` has no `{wanted}`", file.path.display()))
        .hint(format!("its matrices are {}", raw_counts::list(candidates)))
        .into())
}

fn open_source(file: &Arc<File>, source: &Source) -> Result<Matrix> {
    let cells = dataframe::read(file, "obs")?;
    let genes = dataframe::read(file, if *source == Source::Raw { "raw/var" } else { "var" })?;
    let path = source.to_string();
    let (n_cells, n_genes) = (cells.len(), genes.len());
    let counts: Box<dyn Counts> = match file.node(&path)? {
        Some(Node::Dataset(dataset)) => dense::open(file, *dataset, &path, n_cells, n_genes)?,
        Some(Node::Group(group)) => sparse::open(file, &group, &path, n_cells, n_genes)?,
        None => return Err(file.bad(format!("`{path}` is missing"))),
    };
    modality::split(Matrix::new(&file.path, &path, cells, genes, counts))
}
