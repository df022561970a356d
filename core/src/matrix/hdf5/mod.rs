//! Matrices in HDF5: AnnData (`.h5ad`), MuData (`.h5mu`), Cell Ranger (`.h5`) and loom.

mod categories;
mod chunks;
mod compound;
mod dataframe;
mod dense;
mod file;
mod filters;
mod guard;
mod h5ad;
mod h5mu;
mod loom;
#[cfg(test)]
mod malformed;
mod numbers;
mod obsm;
mod rare;
mod sparse;
mod tenx;
#[cfg(test)]
mod tests;
mod texts;

use super::counts::Counts;
use super::{Frame, Matrix, Source, modality};
use crate::stage::UserError;
use anyhow::Result;
use file::{File, Node};
use guard::{Guarded, guard};
use std::path::Path;
use std::sync::Arc;

/// Opens the file; `wanted` names the matrix, else the one that holds raw counts is found.
///
/// Errors: 65 if it is none of the formats above, or damaged: whatever the decoder stumbles over.
pub(super) fn open(path: &Path, wanted: Option<&Source>) -> Result<Matrix> {
    guard(path, || {
        let file = Arc::new(File::open(path)?);
        match format(&file)? {
            Format::Anndata => {
                let mut matrix = h5ad::open(&file, "", wanted)?;
                obsm::add_proteins(&file, &mut matrix)?;
                Ok(matrix)
            }
            Format::MuData => h5mu::open(&file, wanted),
            Format::TenX3 => tenx::open_v3(&file, wanted),
            Format::TenX2(genomes) => tenx::open_v2(&file, &genomes, wanted),
            Format::Loom => loom::open(&file, wanted),
        }
    })
}

enum Format {
    Anndata,
    MuData,
    TenX3,
    TenX2(Vec<String>),
    Loom,
}

/// What the file is, by what stands at its root.
fn format(file: &File) -> Result<Format> {
    if matches!(file.node("matrix")?, Some(Node::Dataset(_)))
        && (file.has("row_attrs")? || file.has("col_attrs")?)
    {
        return Ok(Format::Loom);
    }
    if file.has("matrix/barcodes")? {
        return Ok(Format::TenX3);
    }
    if file.group("mod")?.is_some() && !file.has("X")? {
        return Ok(Format::MuData);
    }
    if file.has("obs")? {
        return Ok(Format::Anndata);
    }
    let genomes = tenx::genomes(file)?;
    if !genomes.is_empty() {
        return Ok(Format::TenX2(genomes));
    }
    Err(unknown(file)?)
}

fn unknown(file: &File) -> Result<anyhow::Error> {
    let path = file.path.display();
    if file.has("assays")? && file.has("meta.data")? {
        let message = format!("`{path}` is a Seurat file (h5Seurat), which is not read");
        return Ok(UserError::bad_data(message)
            .hint("write it as h5ad: `SeuratDisk::Convert(path, dest = \"h5ad\")`")
            .into());
    }
    if file.has("barcode_idx")? {
        let message = format!("`{path}` lists molecules (Cell Ranger's `molecule_info.h5`), not counts");
        return Ok(UserError::bad_data(message).hint("pass `filtered_feature_bc_matrix.h5`").into());
    }
    let mut names = file.names("")?;
    let n = names.len();
    names.truncate(8);
    let found = match n {
        0 => "nothing".to_owned(),
        n if n > names.len() => format!("{} and {} more", names.join(", "), n - names.len()),
        _ => names.join(", "),
    };
    let message = format!("`{path}` is HDF5 but no matrix: `obs` is missing, at its root there is {found}");
    Ok(UserError::bad_data(message).hint("read are .h5ad, .h5mu, .loom and Cell Ranger's .h5").into())
}

/// A matrix of the file, its columns that are no genes divided off.
fn matrix(
    file: &File,
    source: &str,
    cells: Frame,
    features: Frame,
    counts: Box<dyn Counts>,
) -> Result<Matrix> {
    let counts = Guarded::boxed(&file.path, counts);
    modality::split(Matrix::new(&file.path, source, cells, features, counts))
}
