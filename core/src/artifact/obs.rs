//! What travels with each cell through embeddings and predictions: its name, its split, its labels and groups.

use super::streamed::column;
use super::table::typed;
use crate::stage::UserError;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field};
use std::path::Path;
use std::sync::Arc;

pub use super::tokens::Split;

/// The rows of some cells; every vector has one entry a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Obs {
    /// Names of the cells.
    pub cell_id: Vec<String>,
    /// Where each belongs.
    pub split: Vec<Split>,
    /// Label and group columns, in the order of the artifact's metadata: `columns[c][cell]`.
    pub columns: Vec<Vec<Option<String>>>,
}

impl Obs {
    /// No cells, `n_columns` columns.
    pub fn with_columns(n_columns: usize) -> Self {
        Self { columns: vec![Vec::new(); n_columns], ..Self::default() }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.cell_id.len()
    }

    /// True without cells.
    pub fn is_empty(&self) -> bool {
        self.cell_id.is_empty()
    }

    /// Appends a copy of `other`. Panics if the two have not the same number of columns.
    pub fn extend(&mut self, other: &Obs) {
        assert_eq!(self.columns.len(), other.columns.len(), "obs columns differ in number");
        self.cell_id.extend_from_slice(&other.cell_id);
        self.split.extend_from_slice(&other.split);
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.extend_from_slice(theirs);
        }
    }

    /// Takes the first `n` cells away and returns them.
    pub(super) fn drain(&mut self, n: usize) -> Obs {
        Obs {
            cell_id: self.cell_id.drain(..n).collect(),
            split: self.split.drain(..n).collect(),
            columns: self.columns.iter_mut().map(|column| column.drain(..n).collect()).collect(),
        }
    }

    /// Panics unless every vector has one entry a cell.
    pub(super) fn assert_consistent(&self, n_columns: usize) {
        assert_eq!(self.columns.len(), n_columns, "obs columns against the names in the metadata");
        assert_eq!(self.split.len(), self.len(), "splits against cells");
        self.columns.iter().for_each(|column| assert_eq!(column.len(), self.len(), "column against cells"));
    }

    pub(super) fn fields(names: &[String]) -> Vec<Field> {
        let mut fields = vec![Field::new("cell_id", DataType::Utf8, false)];
        fields.extend(names.iter().map(|name| Field::new(name, DataType::Utf8, true)));
        fields.push(Field::new("split", DataType::Utf8, false));
        fields
    }

    pub(super) fn arrays(&self) -> Vec<ArrayRef> {
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(&self.cell_id))];
        arrays.extend(self.columns.iter().map(|c| Arc::new(StringArray::from_iter(c.iter())) as ArrayRef));
        arrays.push(Arc::new(StringArray::from_iter_values(self.split.iter().map(|split| split.name()))));
        arrays
    }

    pub(super) fn from_batch(batch: &RecordBatch, names: &[String], path: &Path) -> anyhow::Result<Self> {
        let required =
            |name| Ok::<_, anyhow::Error>(column::<StringArray>(batch, name, path)?.iter().flatten());
        let parse = |name: &str| {
            let bad = |what| UserError::bad_data(format!("`{}`: {what}", path.display()));
            name.parse::<Split>().map_err(bad)
        };
        let columns = names.iter().map(|name| {
            let texts: &StringArray = typed(batch, name, path)?;
            Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
        });
        Ok(Self {
            cell_id: required("cell_id")?.map(str::to_owned).collect(),
            split: required("split")?.map(parse).collect::<Result<_, _>>()?,
            columns: columns.collect::<anyhow::Result<_>>()?,
        })
    }
}

/// Refuses columns that would hide one of the artifact's own, and doubled ones.
pub(super) fn check_names(names: &[String], reserved: &[&str]) -> Result<(), UserError> {
    for (i, name) in names.iter().enumerate() {
        if reserved.contains(&name.as_str()) || names[..i].contains(name) {
            return Err(UserError::bad_data(format!(
                "a label or group column may not be named `{name}`: the table has a column of that name"
            ))
            .hint("rename the column in the input of `panfoma-qc`"));
        }
    }
    Ok(())
}
