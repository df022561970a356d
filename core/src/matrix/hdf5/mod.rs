//! Matrices in HDF5: AnnData's `.h5ad`.

mod dataframe;
mod dense;
mod file;
mod filters;
mod guard;
mod h5ad;
mod sparse;
mod window;

use super::{Matrix, Modality, Source};
use anyhow::Result;
use file::File;
use guard::{Guarded, guard};
use std::path::Path;
use std::sync::Arc;

/// Opens the file; `wanted` names the matrix, else the one that holds raw counts is found.
///
/// Errors: 65 if it is none of the formats above, or damaged: whatever the decoder stumbles over.
pub(super) fn open(path: &Path, wanted: Option<&Source>) -> Result<Matrix> {
    let mut matrix = guard(path, || h5ad::open(&Arc::new(File::open(path)?), wanted))?;
    matrix.counts = Guarded::new(path, matrix.counts);
    let guarded = |modality: Modality| Modality { counts: Guarded::new(path, modality.counts), ..modality };
    matrix.modalities = matrix.modalities.into_iter().map(guarded).collect();
    Ok(matrix)
}
