//! What was measured beside genes: features as `_features_<modality>.parquet`, counts as two list columns a modality.

use super::Lists;
use crate::artifact::table::{self, Table};
use crate::stage::UserError;
use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// A modality that the tokens carry: `protein`, `crispr`, `atac`, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modality {
    /// Its name.
    pub name: String,
    /// Names of its features; feature `id` is `features[id - 1]`.
    pub features: Vec<String>,
}

/// A modality in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModalityRecord {
    /// Its name: the columns are `<name>_ids` and `<name>_counts`.
    pub name: String,
    /// Ids run from 1 to this.
    pub n_features: u32,
    /// BLAKE3 of `_features_<name>.parquet`.
    pub blake3: String,
}

/// The columns of a modality's ids and counts.
pub fn columns(name: &str) -> [String; 2] {
    [format!("{name}_ids"), format!("{name}_counts")]
}

pub(super) fn fields(name: &str) -> [Field; 2] {
    let [ids, counts] = columns(name);
    let list = |name, item| Field::new_list(name, Field::new("item", item, false), false);
    [list(ids, DataType::UInt32), list(counts, DataType::Float32)]
}

pub(super) fn file_name(name: &str) -> String {
    format!("_features_{name}.parquet")
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::UInt32, false),
        Field::new("name", DataType::Utf8, false),
    ]))
}

pub(super) fn write(directory: &Path, modality: &Modality) -> anyhow::Result<()> {
    let features = &modality.features;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(1..=features.len() as u32)),
        Arc::new(StringArray::from_iter_values(features)),
    ];
    let batch = RecordBatch::try_new(schema(), columns)?;
    let header = serde_json::json!({"format": "panfoma.features", "version": 1, "modality": modality.name});
    table::write(&directory.join(file_name(&modality.name)), &header, &schema(), [Ok(batch)])
}

pub(super) fn read(directory: &Path, record: &ModalityRecord) -> anyhow::Result<Modality> {
    let path = directory.join(file_name(&record.name));
    let table = Table::open(&path)?;
    table.expect(&schema().fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>())?;
    let mut features = Vec::new();
    for group in 0..table.row_groups().len() {
        let names: StringArray = table.column(group, "name")?;
        features.extend(names.iter().map(|name| name.unwrap_or_default().to_owned()));
    }
    if features.len() != record.n_features as usize {
        let (n, expected) = (features.len(), record.n_features);
        let what = format!("`{}` holds {n} features, the index says {expected}", path.display());
        return Err(UserError::bad_data(what).into());
    }
    Ok(Modality { name: record.name.clone(), features })
}

impl Lists {
    /// Appends one cell's features: ids ascending, from 1.
    pub fn push(&mut self, features: impl IntoIterator<Item = (u32, f32)>) {
        for (id, count) in features {
            self.ids.push(id);
            self.counts.push(count);
        }
        self.offsets.push(self.ids.len());
    }

    /// The first violation of what a reader may rely on.
    pub(super) fn check(&self, n_cells: usize, n_features: usize) -> Result<(), String> {
        if self.offsets.len() != n_cells + 1 || self.ids.len() != self.counts.len() {
            return Err(format!("{} lists for {n_cells} cells", self.offsets.len().saturating_sub(1)));
        }
        for (row, pair) in self.offsets.windows(2).enumerate() {
            let ids = &self.ids[pair[0]..pair[1]];
            let within = ids.first() != Some(&0) && ids.last().is_none_or(|&id| id as usize <= n_features);
            if !within || ids.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(format!("row {row}: expected ascending feature ids, 1 to {n_features}"));
            }
        }
        Ok(())
    }
}
