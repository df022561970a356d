//! `metrics.parquet` of an evaluation: one number a row, with its definition.
//!
//! Columns: `metric` utf8 · `value` float64, nullable · `reason` utf8, nullable (why there is no value) ·
//! `ci_low`, `ci_high` float64, nullable (95 % bootstrap interval) · `ci_over` utf8, nullable (`patients`, `cells`, `rankings`) ·
//! `n` uint64 (cells or edges counted) · `split`, `group`, `method`, `definition` utf8. Metadata `panfoma`: the header.

use super::Header;
use super::table;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// Name of the schema.
pub const FORMAT: &str = "panfoma.evaluation";
/// Its breaking version.
pub const VERSION: u32 = 1;

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What is measured, `macro_f1`.
    pub metric: String,
    /// The number, or none if it is undefined here.
    pub value: Option<f64>,
    /// Why it is undefined.
    pub reason: Option<String>,
    /// 95 % bootstrap interval.
    pub interval: Option<Interval>,
    /// How many cells (or pairs of genes) it was computed on.
    pub n: u64,
    /// `train`, `valid`, `test`, or `all`.
    pub split: String,
    /// A class, a group of edges, or `all`.
    pub group: String,
    /// `panfoma` or the baseline.
    pub method: String,
    /// In one sentence.
    pub definition: String,
}

/// A 95 % bootstrap interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
    /// What was drawn: `patients` or `cells` with replacement, or random `rankings`.
    pub over: Cow<'static, str>,
}

/// Writes the table.
pub fn write(path: &Path, header: &Header, metrics: &[Metric]) -> anyhow::Result<()> {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let maybe = |name, kind| Field::new(name, kind, true);
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        text("metric"),
        maybe("value", DataType::Float64),
        maybe("reason", DataType::Utf8),
        maybe("ci_low", DataType::Float64),
        maybe("ci_high", DataType::Float64),
        maybe("ci_over", DataType::Utf8),
        Field::new("n", DataType::UInt64, false),
        text("split"),
        text("group"),
        text("method"),
        text("definition"),
    ]));
    let texts = |of: fn(&Metric) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(metrics.iter().map(of)))
    };
    let numbers = |of: fn(&Metric) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(metrics.iter().map(of)))
    };
    let arrays: Vec<ArrayRef> = vec![
        texts(|m| &m.metric),
        numbers(|m| m.value),
        Arc::new(StringArray::from_iter(metrics.iter().map(|m| m.reason.as_deref()))),
        numbers(|m| m.interval.as_ref().map(|interval| interval.low)),
        numbers(|m| m.interval.as_ref().map(|interval| interval.high)),
        Arc::new(StringArray::from_iter(
            metrics.iter().map(|m| m.interval.as_ref().map(|interval| &*interval.over)),
        )),
        Arc::new(UInt64Array::from_iter_values(metrics.iter().map(|m| m.n))),
        texts(|m| &m.split),
        texts(|m| &m.group),
        texts(|m| &m.method),
        texts(|m| &m.definition),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    table::write(path, header, &schema, [Ok(batch)])
}
