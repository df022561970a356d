//! `neighborhoods.parquet` of an evaluation: what the neighbours of single cells hold, a row for every cell and space.
//!
//! Columns: `cell_id` utf8 · `method` utf8 (`embedding`, `pca_counts`: where the neighbours were sought) · `label` utf8 ·
//! `batch` utf8, nullable · `lisi_label`, `lisi_batch` float64, nullable (how many labels or batches the 90 nearest effectively
//! hold, from 1) · `kbet_p_value` float64, nullable (of batches as uneven as those of the 50 nearest). Metadata `panfoma`: the
//! header.

use super::Header;
use super::table;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::path::Path;
use std::sync::Arc;

/// Cells of a row group.
const ROWS: usize = 65_536;

/// A cell's neighbourhood in one space.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighborhood<'a> {
    /// The cell.
    pub cell_id: &'a str,
    /// The space.
    pub method: &'a str,
    /// Its label.
    pub label: &'a str,
    /// Its batch, if there are any.
    pub batch: Option<&'a str>,
    /// Labels among its neighbours.
    pub lisi_label: Option<f64>,
    /// Batches among its neighbours.
    pub lisi_batch: Option<f64>,
    /// Of kBET's test.
    pub kbet_p_value: Option<f64>,
}

/// Writes the table.
pub fn write(path: &Path, header: &Header, cells: &[Neighborhood]) -> anyhow::Result<()> {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let number = |name| Field::new(name, DataType::Float64, true);
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        text("cell_id"),
        text("method"),
        text("label"),
        Field::new("batch", DataType::Utf8, true),
        number("lisi_label"),
        number("lisi_batch"),
        number("kbet_p_value"),
    ]));
    let batch = |cells: &[Neighborhood]| {
        let texts = |of: fn(&Neighborhood) -> Option<String>| -> ArrayRef {
            Arc::new(StringArray::from_iter(cells.iter().map(of)))
        };
        let numbers = |of: fn(&Neighborhood) -> Option<f64>| -> ArrayRef {
            // LISI is NaN where no neighbour is in sight.
            Arc::new(Float64Array::from_iter(cells.iter().map(of).map(|x| x.filter(|x| !x.is_nan()))))
        };
        let arrays = vec![
            texts(|cell| Some(cell.cell_id.to_owned())),
            texts(|cell| Some(cell.method.to_owned())),
            texts(|cell| Some(cell.label.to_owned())),
            texts(|cell| cell.batch.map(str::to_owned)),
            numbers(|cell| cell.lisi_label),
            numbers(|cell| cell.lisi_batch),
            numbers(|cell| cell.kbet_p_value),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&schema), arrays)?)
    };
    table::write(path, header, &schema, cells.chunks(ROWS).map(batch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Provenance;
    use crate::artifact::metrics::{FORMAT, VERSION};
    use arrow_array::Array;

    #[test]
    fn what_is_unknown_or_out_of_sight_is_null() {
        let cell = |cell_id, lisi_label, batch| Neighborhood {
            cell_id,
            method: "embedding",
            label: "T",
            batch,
            lisi_label,
            lisi_batch: None,
            kbet_p_value: Some(0.25),
        };
        let cells = [cell("a", Some(1.5), Some("one")), cell("b", Some(f64::NAN), None)];
        let made = Provenance {
            tool: "test".to_owned(),
            tool_version: String::new(),
            commit: String::new(),
            config: serde_json::json!({}),
            inputs: Vec::new(),
            seed: 0,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("neighborhoods.parquet");
        write(&path, &Header::new(FORMAT, VERSION, made), &cells).unwrap();
        let table = table::Table::open(&path).unwrap();
        let lisi: Float64Array = table.column(0, "lisi_label").unwrap();
        assert_eq!(lisi.iter().collect::<Vec<_>>(), [Some(1.5), None]);
        let batch: StringArray = table.column(0, "batch").unwrap();
        assert_eq!(batch.iter().collect::<Vec<_>>(), [Some("one"), None]);
        assert_eq!(table.column::<Float64Array>(0, "lisi_batch").unwrap().null_count(), 2);
    }
}
