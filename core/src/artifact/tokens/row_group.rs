//! A row group on its way into a part.

use super::chunks::ListColumn;
use super::{Block, CellRows, Modality, Split, modalities};
use crate::artifact::table::Chunk;
use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt16Array, UInt32Array};
use arrow_schema::SchemaRef;
use parquet::schema::types::SchemaDescriptor;
use std::ops::Range;
use std::sync::Arc;

/// Cells of one row group; texts as they are, so that blocks of differing levels may follow one another.
#[derive(Debug)]
pub struct RowGroup {
    pub rows: CellRows,
    pub splits: Vec<Split>,
    pub texts: Vec<Vec<Option<Arc<str>>>>,
}

impl From<Block> for RowGroup {
    fn from(block: Block) -> Self {
        let mut group = RowGroup::new(block.columns.len());
        group.extend_texts(&block, 0..block.splits.len());
        RowGroup { rows: block.rows, splits: block.splits, ..group }
    }
}

impl RowGroup {
    /// No cells, of so many text columns.
    pub fn new(n_texts: usize) -> Self {
        Self { rows: CellRows::new(), splits: Vec::new(), texts: vec![Vec::new(); n_texts] }
    }

    /// Appends these cells of a block.
    pub fn extend(&mut self, block: &Block, cells: Range<usize>) {
        self.rows.extend(&block.rows, cells.clone());
        self.splits.extend_from_slice(&block.splits[cells.clone()]);
        self.extend_texts(block, cells);
    }

    fn extend_texts(&mut self, block: &Block, cells: Range<usize>) {
        for (texts, column) in self.texts.iter_mut().zip(&block.columns) {
            // A level is shared by its run of cells: neighbours mostly have the same.
            let mut last: (i32, Option<Arc<str>>) = (-1, None);
            texts.extend(column.codes[cells.clone()].iter().map(|&code| {
                if code != last.0 {
                    let level =
                        usize::try_from(code).ok().map(|code| Arc::from(column.levels[code].as_str()));
                    last = (code, level);
                }
                last.1.clone()
            }));
        }
    }

    /// The columns as a part holds them: those of one value a cell, then the lists.
    pub fn encode(
        &self,
        schema: &SchemaRef,
        columns: &SchemaDescriptor,
        kinds: &[Modality],
    ) -> anyhow::Result<(RecordBatch, Vec<Chunk>)> {
        let rows = &self.rows;
        let lists = |name: &str| ListColumn::new(name, &rows.offsets, columns);
        let mut chunks = vec![
            lists("gene_ids")?.ascending(&rows.gene_ids)?,
            lists("counts")?.counts(&rows.counts)?,
            lists("bins")?.bytes(&rows.bins)?,
        ];
        if schema.field_with_name("ranks").is_ok() {
            let ranks: Vec<u32> = rows.ranks.iter().map(|&rank| u32::from(rank)).collect();
            chunks.push(lists("ranks")?.ascending(&ranks)?);
        }
        for (kind, lists) in kinds.iter().zip(&rows.modalities) {
            let [ids, counts] = modalities::columns(&kind.name);
            let column = |name: &str| ListColumn::new(name, &lists.offsets, columns);
            chunks.push(column(&ids)?.ascending(&lists.ids)?);
            chunks.push(column(&counts)?.counts(&lists.counts)?);
        }
        let n_genes = (0..rows.n_cells()).map(|i| rows.range(i).len() as u32);
        let mut leading: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(&rows.cell_ids))];
        leading.extend(self.texts.iter().map(|texts| text(texts)));
        leading.extend([
            Arc::new(StringArray::from_iter_values(self.splits.iter().map(|split| split.name()))) as ArrayRef,
            Arc::new(UInt16Array::from_iter_values(rows.panels.iter().copied())),
            Arc::new(Float64Array::from_iter_values(rows.total_counts.iter().copied())),
            Arc::new(UInt32Array::from_iter_values(n_genes)),
        ]);
        let fields: Vec<usize> = (0..leading.len()).collect();
        Ok((RecordBatch::try_new(Arc::new(schema.project(&fields)?), leading)?, chunks))
    }
}

fn text(texts: &[Option<Arc<str>>]) -> ArrayRef {
    let mut values = StringBuilder::new();
    texts.iter().for_each(|value| values.append_option(value.as_deref()));
    Arc::new(values.finish())
}
