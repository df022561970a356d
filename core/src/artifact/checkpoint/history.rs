//! `metrics.parquet` of a model: what was measured while it trained. No times: the same run gives the same bytes.

use crate::artifact::table::{self, Table};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Steps done.
    pub step: u64,
    /// Passes over the training cells begun, from 0.
    pub epoch: u32,
    /// `train` or `valid`.
    pub split: String,
    /// `loss`, `baseline`, `accuracy`, …
    pub metric: String,
    /// In nats where it is a loss.
    pub value: f64,
}

/// Measurements in the order they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The measurements.
    pub records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    version: u32,
}

impl History {
    /// Values of one metric by step.
    pub fn values(&self, split: &str, metric: &str) -> Vec<(u64, f64)> {
        let wanted = |record: &&Record| record.split == split && record.metric == metric;
        self.records.iter().filter(wanted).map(|record| (record.step, record.value)).collect()
    }

    /// Writes the table.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let records = &self.records;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(records.iter().map(|record| record.step))),
            Arc::new(UInt32Array::from_iter_values(records.iter().map(|record| record.epoch))),
            Arc::new(StringArray::from_iter_values(records.iter().map(|record| &record.split))),
            Arc::new(StringArray::from_iter_values(records.iter().map(|record| &record.metric))),
            Arc::new(Float64Array::from_iter_values(records.iter().map(|record| record.value))),
        ];
        let batch = RecordBatch::try_new(schema(), columns)?;
        let metadata = Metadata { format: "panfoma.history".to_owned(), version: 1 };
        table::write(path, &metadata, &schema(), (!records.is_empty()).then_some(Ok(batch)))
    }

    /// Reads the table.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let table = Table::open(path)?;
        table.expect(&schema().fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>())?;
        let mut records = Vec::with_capacity(table.n_rows());
        for group in 0..table.row_groups().len() {
            let batch = table.read_row_group(group, &["step", "epoch", "split", "metric", "value"])?;
            let steps: &UInt64Array = table::typed(&batch, "step", path)?;
            let epochs: &UInt32Array = table::typed(&batch, "epoch", path)?;
            let splits: &StringArray = table::typed(&batch, "split", path)?;
            let metrics: &StringArray = table::typed(&batch, "metric", path)?;
            let values: &Float64Array = table::typed(&batch, "value", path)?;
            records.extend((0..batch.num_rows()).map(|row| Record {
                step: steps.value(row),
                epoch: epochs.value(row),
                split: splits.value(row).to_owned(),
                metric: metrics.value(row).to_owned(),
                value: values.value(row),
            }));
        }
        Ok(Self { records })
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("step", DataType::UInt64, false),
        Field::new("epoch", DataType::UInt32, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("metric", DataType::Utf8, false),
        Field::new("value", DataType::Float64, false),
    ]))
}
