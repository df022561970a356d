//! The labelled cells that a query is mapped to.

use crate::args::{Mapping, ReferenceCells};
use panfoma_core::artifact::embeddings::{Metadata, Reader};
use panfoma_core::artifact::obs::Split;
use panfoma_core::artifact::provenance::Input;
use panfoma_core::rng::name_hash;
use panfoma_core::stage::{Context, UserError};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Labelled cells and their embeddings. Memory: four bytes a dimension, and 12 more a cell.
pub struct Reference {
    /// Name of the label column.
    pub label_column: String,
    /// Its values among these cells, sorted.
    pub classes: Vec<String>,
    /// The class of each cell.
    pub labels: Vec<u32>,
    /// [cells × dim].
    pub points: Vec<f32>,
    /// Numbers of an embedding.
    pub dim: usize,
    /// Where a cell stands, by the hash of its name.
    pub positions: HashMap<u64, u32>,
}

/// Opens the reference and refuses one that another model made, or in another way. `own`: how the query is embedded.
pub fn open(path: &Path, own: &Metadata, model: &Input) -> anyhow::Result<Reader> {
    let reader = Reader::open(path)?;
    let (theirs, mine) = (&reader.metadata.header.provenance, &own.header.provenance);
    let refuse = |what: String, hint: &str| -> anyhow::Error {
        UserError::bad_data(format!("`{}` {what}", path.display())).hint(hint).into()
    };
    if !theirs.inputs.iter().any(|input| input.blake3 == model.blake3) {
        let what = format!("was not embedded by `{}`: distances to it mean nothing", model.name);
        return Err(refuse(what, "embed the reference with the same model"));
    }
    for setting in ["pool", "draws"] {
        let (theirs, mine) = (&theirs.config[setting], &mine.config[setting]);
        if theirs != mine {
            let what = format!("was embedded with `{setting}` {theirs}, the query with {mine}");
            return Err(refuse(what, &format!("embed both with the same `--{setting}`")));
        }
    }
    if reader.metadata.dim != own.dim {
        let what = format!("has {} dimensions, the query {}", reader.metadata.dim, own.dim);
        return Err(refuse(what, "embed both with the same model and `--pool`"));
    }
    Ok(reader)
}

impl Reference {
    /// Reads the labelled cells. learnt: the column that the model was fine-tuned for.
    ///
    /// Errors: no such column, or fewer labelled cells than vote.
    pub fn read(
        reader: &Reader,
        path: &Path,
        mapping: &Mapping,
        learnt: Option<&str>,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let learnt = learnt.filter(|learnt| reader.metadata.columns.iter().any(|name| name == learnt));
        let wanted = mapping.reference_label.as_deref().or(learnt);
        let (label_column, at) = label_column(&reader.metadata, wanted, path)?;
        let dim = reader.metadata.dim;
        let (mut names, mut points, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for block in reader.blocks()? {
            context.interrupt.check()?;
            let (obs, values) = block?;
            for (i, label) in obs.columns[at].iter().enumerate() {
                let Some(label) = label else { continue };
                if mapping.reference_cells == ReferenceCells::Train && obs.split[i] != Split::Train {
                    continue;
                }
                names.push(label.clone());
                points.extend_from_slice(&values[i * dim..(i + 1) * dim]);
                ids.push(name_hash(&obs.cell_id[i]));
            }
        }
        if names.len() <= mapping.neighbors {
            let message = format!(
                "`{}` has {} cells with a `{label_column}` to give, more than `--neighbors {}` are needed",
                path.display(),
                names.len(),
                mapping.neighbors
            );
            return Err(UserError::bad_data(message)
                .hint("lower `--neighbors`, or pass `--reference-cells all` to use valid and test cells, too")
                .into());
        }
        let classes: Vec<String> = names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let code = |name: &String| classes.binary_search(name).expect("every name was collected") as u32;
        let labels = names.iter().map(code).collect();
        let positions = ids.into_iter().zip(0..).collect();
        Ok(Self { label_column, classes, labels, points, dim, positions })
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.labels.len()
    }
}

/// The column with the labels, and its place.
fn label_column(
    metadata: &Metadata,
    wanted: Option<&str>,
    path: &Path,
) -> Result<(String, usize), UserError> {
    let only = match metadata.label_columns.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    let choose = format!("pass `--reference-label`, one of: {}", metadata.columns.join(", "));
    let Some(name) = wanted.or(only) else {
        let message = format!("`{}` has {} label columns", path.display(), metadata.label_columns.len());
        return Err(UserError::usage(message).hint(choose));
    };
    match metadata.columns.iter().position(|column| column == name) {
        Some(at) => Ok((name.to_owned(), at)),
        None => Err(UserError::usage(format!("`{}` has no column `{name}`", path.display())).hint(choose)),
    }
}
