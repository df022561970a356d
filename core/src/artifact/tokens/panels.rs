//! `_panels.parquet`: which genes each study measured. A gene outside a cell's panel is unknown, not zero.

use crate::artifact::table::{self, Table};
use crate::stage::UserError;
use arrow_array::builder::{ListBuilder, UInt32Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, UInt16Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::path::Path;
use std::sync::Arc;

/// The vocabulary genes one study measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The study's name.
    pub study: String,
    /// Vocabulary ids, ascending.
    pub gene_ids: Vec<u32>,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("panel", DataType::UInt16, false),
        Field::new("study", DataType::Utf8, false),
        Field::new_list("gene_ids", Field::new("item", DataType::UInt32, false), false),
    ]))
}

pub(super) fn write(path: &Path, panels: &[Panel]) -> anyhow::Result<()> {
    let item = Field::new("item", DataType::UInt32, false);
    let mut lists = ListBuilder::new(UInt32Builder::new()).with_field(item);
    for panel in panels {
        lists.values().append_slice(&panel.gene_ids);
        lists.append(true);
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt16Array::from_iter_values(0..panels.len() as u16)),
        Arc::new(StringArray::from_iter_values(panels.iter().map(|panel| &panel.study))),
        Arc::new(lists.finish()),
    ];
    let batch = RecordBatch::try_new(schema(), columns)?;
    table::write(path, &serde_json::json!({"format": "panfoma.panels", "version": 1}), &schema(), [Ok(batch)])
}

pub(super) fn read(path: &Path, n_genes: usize) -> anyhow::Result<Vec<Panel>> {
    let table = Table::open(path)?;
    table.expect(&schema().fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>())?;
    let mut panels = Vec::new();
    for group in 0..table.row_groups().len() {
        let batch = table.read_row_group(group, &["study", "gene_ids"])?;
        let studies: &StringArray = table::typed(&batch, "study", path)?;
        let lists: &ListArray = table::typed(&batch, "gene_ids", path)?;
        for row in 0..batch.num_rows() {
            let list = lists.value(row);
            let gene_ids = list.as_primitive::<UInt32Type>().values().to_vec();
            let ascending = gene_ids.windows(2).all(|pair| pair[0] < pair[1]);
            let within =
                gene_ids.first() != Some(&0) && gene_ids.last().is_none_or(|&id| id as usize <= n_genes);
            if !(ascending && within) {
                let what = format!(
                    "`{}`: the genes of study `{}` are not ascending ids in 1..={n_genes}",
                    path.display(),
                    studies.value(row)
                );
                return Err(UserError::bad_data(what).into());
            }
            panels.push(Panel { study: studies.value(row).to_owned(), gene_ids });
        }
    }
    Ok(panels)
}
