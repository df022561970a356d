//! AnnData in Zarr, version 2 (blosc) and 3 (zstd, sharded): what Python writes, and this program's own `cells.zarr`.
//!
//! The few features of Zarr that AnnData uses are read by hand: every size is checked before memory is spent on it, which
//! general readers do not do, and blosc needs no C++.

mod array;
mod codecs;
mod counts;
mod dataframe;
mod metadata;
mod store;
#[cfg(test)]
mod tests;

use super::{Frame, Matrix, Modality, Source, modality, raw_counts};
use crate::stage::UserError;
use anyhow::Result;
use std::path::Path;
use std::sync::Arc;
use store::{Node, Store};

/// Where this program keeps the names of a modality's features.
const FEATURES: &str = "uns/panfoma/features";

/// Opens the store; `wanted` names the matrix, else the one that holds raw counts is found.
pub(super) fn open(path: &Path, wanted: Option<&Source>) -> Result<Matrix> {
    let store = Arc::new(Store { path: path.to_owned() });
    if store.node("obs")?.is_none() {
        let message = format!("`{}` is a Zarr store but no AnnData: `obs` is missing", path.display());
        return Err(UserError::bad_data(message)
            .hint("an AnnData store holds `obs`, `var` and a matrix; of a larger one (SpatialData, MuData) pass the table")
            .into());
    }
    let candidates = candidates(&store)?;
    let cells = dataframe::read(&store, "obs")?;
    let open_one = |source: &Source| open_source(&store, &cells, source);
    let mut matrix = match wanted {
        Some(wanted) => open_one(&raw_counts::resolve(path, wanted, &candidates)?)?,
        None => raw_counts::choose(path, &candidates, open_one)?,
    };
    add_modalities(&store, &mut matrix)?;
    Ok(matrix)
}

/// The matrices of the store in the order in which raw counts are looked for.
fn candidates(store: &Store) -> Result<Vec<Source>> {
    let holds = |path: &str| {
        Ok::<_, anyhow::Error>(match store.node(path)? {
            // A matrix that is not there may be stored as nothing.
            Some(Node::Array(array)) => store::text(&array.attributes, "encoding-type") != Some("null"),
            Some(Node::Group(_)) => true,
            None => false,
        })
    };
    let mut candidates = Vec::new();
    if holds("X")? {
        candidates.push(Source::X);
    }
    let mut layers = store.names("layers")?;
    layers.sort_by_key(|name| raw_counts::layer_rank(name));
    candidates.extend(layers.into_iter().map(Source::Layer));
    if holds("raw/X")? {
        candidates.push(Source::Raw);
    }
    Ok(candidates)
}

fn open_source(store: &Arc<Store>, cells: &Frame, source: &Source) -> Result<Matrix> {
    let genes = dataframe::read(store, if *source == Source::Raw { "raw/var" } else { "var" })?;
    let path = source.to_string();
    let counts = counts::open(store, &path, cells.len(), genes.len())?;
    modality::split(Matrix::new(&store.path, &path, cells.clone(), genes, counts))
}

/// The modalities of this program's own stores.
fn add_modalities(store: &Arc<Store>, matrix: &mut Matrix) -> Result<()> {
    for name in store.names(FEATURES)? {
        let features = store.array_at(&format!("{FEATURES}/{name}"))?;
        let index = store.checked(&features.path, features.texts(false))?;
        let counts = counts::open(store, &format!("obsm/{name}"), matrix.n_cells(), index.len())?;
        matrix.modalities.push(Modality::new(&name, Frame { index, ..Frame::default() }, counts));
    }
    Ok(())
}
