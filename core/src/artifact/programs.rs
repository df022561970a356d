//! `programs.parquet`: groups of genes that a model holds together.
//!
//! Columns: `program` uint32 from 1, the largest first · `gene` utf8 (symbol) · `ensembl_id` utf8 · `weight` float32
//! (how central the gene is to its program; the highest first). Metadata `panfoma`: the header,
//!
//! ```json
//! {"format": "panfoma.programs", "version": 1, "revision": 0,
//!  "provenance": {"tool": "panfoma-grn", "tool_version": "0.1.0", "commit": "1a2b3c4", "config": {},
//!                 "inputs": [{"name": "model", "blake3": "..."}], "seed": 0}}
//! ```

use super::table;
use super::{Header, Provenance};
use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::path::Path;
use std::sync::Arc;

/// Name of the schema.
pub const FORMAT: &str = "panfoma.programs";
/// Its breaking version.
pub const VERSION: u32 = 1;

/// A gene of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// From 1.
    pub program: u32,
    /// Symbol.
    pub gene: String,
    /// Ensembl id.
    pub ensembl_id: String,
    /// How central it is.
    pub weight: f32,
}

/// Writes the table.
pub fn write(path: &Path, provenance: Provenance, members: &[Member]) -> anyhow::Result<()> {
    let field = |name, kind| Field::new(name, kind, false);
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        field("program", DataType::UInt32),
        field("gene", DataType::Utf8),
        field("ensembl_id", DataType::Utf8),
        field("weight", DataType::Float32),
    ]));
    let texts = |of: fn(&Member) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(members.iter().map(of)))
    };
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(members.iter().map(|member| member.program))),
        texts(|member| &member.gene),
        texts(|member| &member.ensembl_id),
        Arc::new(Float32Array::from_iter_values(members.iter().map(|member| member.weight))),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    table::write(path, &Header::new(FORMAT, VERSION, provenance), &schema, [Ok(batch)])
}
