//! Writes `tokens/` as cells stream by.

use super::{
    Binning, CellRows, Dropped, FORMAT, Index, PART_CELLS, Panel, Part, PerSplit, ROW_GROUP_CELLS, Split,
    SplitRecord, VERSION, VocabularyRecord, panels, part_schema,
};
use crate::artifact::table::{self, Writer};
use crate::artifact::vocabulary::Vocabulary;
use crate::artifact::{Header, Provenance, atomic};
use anyhow::Context as _;
use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, Float32Array, Float64Array, ListArray, RecordBatch, StringArray, UInt8Array, UInt16Array,
    UInt32Array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, SchemaRef};
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a tokens directory says of all its cells.
#[derive(Clone, Debug)]
pub struct Content {
    /// How it is made.
    pub provenance: Provenance,
    /// The genes.
    pub vocabulary: Vocabulary,
    /// How the genes were chosen, for people.
    pub selection: String,
    /// The studies' genes; a cell names its panel by position.
    pub panels: Vec<Panel>,
    /// Number of bins, the zero bin included; at most 256.
    pub n_bins: u16,
    /// How counts became bins.
    pub binning: Binning,
    /// Columns one may train on.
    pub label_columns: Vec<String>,
    /// Columns one may split and score by.
    pub group_columns: Vec<String>,
    /// How cells were divided; the writer counts `cells` itself.
    pub split: SplitRecord,
    /// Genes left out before writing; the caller adds cells before [`TokensWriter::finish`].
    pub dropped: Dropped,
}

/// One text column of a block: codes into `levels`, -1 for a missing value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextColumn {
    /// The distinct values.
    pub levels: Arc<Vec<String>>,
    /// One a cell.
    pub codes: Vec<i32>,
}

/// Cells on their way into the directory.
#[derive(Clone, Debug)]
pub struct Block {
    /// The cells with everything they have.
    pub rows: CellRows,
    /// One a cell.
    pub splits: Vec<Split>,
    /// One for each label column, then one for each group column that is no label.
    pub columns: Vec<TextColumn>,
}

/// Writes the parts as blocks arrive and the index at the end.
///
/// Blocks are cut into row groups of [`ROW_GROUP_CELLS`] whatever their own size, so the bytes do not depend on it.
pub struct TokensWriter {
    directory: PathBuf,
    content: Content,
    /// Of the vocabulary.
    digest: String,
    schema: SchemaRef,
    text_columns: Vec<String>,
    part: Option<(Writer, u64)>,
    parts: Vec<Part>,
    pending: Vec<RecordBatch>,
    open: Option<Block>,
    cells: PerSplit,
    /// Cells left out, for the index.
    pub dropped: Dropped,
}

impl TokensWriter {
    /// Starts in an existing empty directory; wrap it in [`atomic::write_directory`].
    pub fn create(directory: &Path, content: Content) -> anyhow::Result<Self> {
        anyhow::ensure!((2..=256).contains(&content.n_bins), "{} bins, expected 2 to 256", content.n_bins);
        let mut text_columns = content.label_columns.clone();
        text_columns
            .extend(content.group_columns.iter().filter(|c| !content.label_columns.contains(c)).cloned());
        content.vocabulary.write(&directory.join("_vocabulary.parquet"))?;
        panels::write(&directory.join("_panels.parquet"), &content.panels)?;
        Ok(Self {
            directory: directory.to_owned(),
            schema: part_schema(content.binning, text_columns.iter().map(String::as_str)),
            dropped: content.dropped,
            digest: content.vocabulary.digest(),
            content,
            text_columns,
            part: None,
            parts: Vec::new(),
            pending: Vec::new(),
            open: None,
            cells: PerSplit::default(),
        })
    }

    /// The text columns a block must bring, in order.
    pub fn text_columns(&self) -> &[String] {
        &self.text_columns
    }

    /// Appends cells. Errors: a row that breaks the schema, or I/O.
    pub fn push(&mut self, block: Block) -> anyhow::Result<()> {
        let n = block.rows.n_cells();
        let whole = block.splits.len() == n
            && block.rows.cell_ids.len() == n
            && block.rows.counts.len() == block.rows.gene_ids.len()
            && (self.content.binning != Binning::Rank || block.rows.ranks.len() == block.rows.gene_ids.len())
            && block.columns.len() == self.text_columns.len()
            && block.columns.iter().all(|column| column.codes.len() == n);
        assert!(whole, "a block of {n} cells lacks values of some column");
        let (n_genes, n_bins) = (self.content.vocabulary.n_genes(), self.content.n_bins);
        let checked = block.rows.check(n_genes, n_bins, self.content.panels.len());
        checked.map_err(|what| anyhow::anyhow!("writing an impossible cell: {what}"))?;
        for i in 0..n {
            self.cells.add(block.splits[i], 1);
            let open = self.open.get_or_insert_with(|| Block {
                rows: CellRows::new(),
                splits: Vec::new(),
                columns: vec![TextColumn::default(); block.columns.len()],
            });
            open.rows.push_from(&block.rows, i);
            open.splits.push(block.splits[i]);
            for (to, from) in open.columns.iter_mut().zip(&block.columns) {
                if to.codes.is_empty() {
                    to.levels = from.levels.clone();
                }
                assert!(to.levels == from.levels, "the levels of a text column changed between blocks");
                to.codes.push(from.codes[i]);
            }
            if open.splits.len() == ROW_GROUP_CELLS {
                self.close_row_group()?;
            }
        }
        Ok(())
    }

    fn close_row_group(&mut self) -> anyhow::Result<()> {
        if let Some(block) = self.open.take() {
            self.pending.push(batch(&self.schema, block)?);
        }
        // A row group a thread, but not so many that they fill the memory; columns are encoded in parallel too.
        if self.pending.len() >= rayon::current_num_threads().min(16) { self.write_pending() } else { Ok(()) }
    }

    /// Writes the pending row groups, cut at the ends of parts.
    fn write_pending(&mut self) -> anyhow::Result<()> {
        let mut pending = std::mem::take(&mut self.pending).into_iter().peekable();
        while pending.peek().is_some() {
            let name = part_name(self.parts.len());
            let (mut writer, mut n_cells) = match self.part.take() {
                Some(open) => open,
                None => {
                    let path = self.directory.join(&name);
                    (Writer::create(&path, &self.schema, properties())?, 0)
                }
            };
            let room = (PART_CELLS - n_cells as usize).div_ceil(ROW_GROUP_CELLS);
            let now: Vec<RecordBatch> = pending.by_ref().take(room).collect();
            writer.write(&now)?;
            n_cells += now.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
            self.part = Some((writer, n_cells));
            if n_cells as usize >= PART_CELLS {
                self.close_part()?;
            }
        }
        Ok(())
    }

    fn close_part(&mut self) -> anyhow::Result<()> {
        let Some((writer, n_cells)) = self.part.take() else { return Ok(()) };
        let file = part_name(self.parts.len());
        let path = self.directory.join(&file);
        // A part that strayed from its directory still says what its numbers mean.
        writer.finish(&serde_json::json!({
            "format": FORMAT,
            "version": VERSION,
            "vocabulary_digest": self.digest,
            "n_bins": self.content.n_bins,
            "binning": self.content.binning,
        }))?;
        self.parts.push(Part { file, n_cells, blake3: digest(&path)? });
        Ok(())
    }

    /// Writes the last part and `_index.json`; returns the index.
    pub fn finish(mut self) -> anyhow::Result<Index> {
        self.close_row_group()?;
        self.write_pending()?;
        self.close_part()?;
        let content = self.content;
        let index = Index {
            header: Header::new(FORMAT, VERSION, content.provenance),
            n_cells: self.parts.iter().map(|part| part.n_cells).sum(),
            vocabulary: VocabularyRecord {
                n_genes: content.vocabulary.n_genes() as u32,
                digest: self.digest,
                selection: content.selection,
            },
            n_bins: content.n_bins,
            binning: content.binning,
            label_columns: content.label_columns,
            group_columns: content.group_columns,
            split: SplitRecord { cells: self.cells, ..content.split },
            dropped: self.dropped,
            panels_blake3: digest(&self.directory.join("_panels.parquet"))?,
            parts: self.parts,
        };
        atomic::write_json(&self.directory.join("_index.json"), &index)?;
        Ok(index)
    }
}

fn part_name(index: usize) -> String {
    format!("part-{index:05}.parquet")
}

/// BLAKE3 (hex) of a file.
pub(super) fn digest(path: &Path) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    hasher.update_reader(file).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn properties() -> WriterProperties {
    let ids = table::list_items("gene_ids");
    table::properties()
        .set_column_dictionary_enabled(ids.clone(), false)
        .set_column_encoding(ids, Encoding::DELTA_BINARY_PACKED)
        .build()
}

fn batch(schema: &SchemaRef, block: Block) -> anyhow::Result<RecordBatch> {
    let rows = block.rows;
    let n_genes = UInt32Array::from_iter_values((0..rows.n_cells()).map(|i| rows.range(i).len() as u32));
    let offsets: Vec<i32> = rows
        .offsets
        .iter()
        .map(|&offset| i32::try_from(offset))
        .collect::<Result<_, _>>()
        .context("a row group")?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let list = |item: DataType, values: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("item", item, false));
        Arc::new(ListArray::new(field, offsets.clone(), values, None))
    };
    let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(rows.cell_ids))];
    columns.extend(block.columns.iter().map(text));
    columns.extend([
        Arc::new(StringArray::from_iter_values(block.splits.iter().map(|split| split.name()))) as ArrayRef,
        Arc::new(UInt16Array::from(rows.panels)),
        Arc::new(Float64Array::from(rows.total_counts)),
        Arc::new(n_genes),
        list(DataType::UInt32, Arc::new(UInt32Array::from(rows.gene_ids))),
        list(DataType::Float32, Arc::new(Float32Array::from(rows.counts))),
        list(DataType::UInt8, Arc::new(UInt8Array::from(rows.bins))),
    ]);
    if schema.field_with_name("ranks").is_ok() {
        columns.push(list(DataType::UInt16, Arc::new(UInt16Array::from(rows.ranks))));
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

fn text(column: &TextColumn) -> ArrayRef {
    let mut values = StringBuilder::new();
    for &code in &column.codes {
        values.append_option(usize::try_from(code).ok().map(|code| column.levels[code].as_str()));
    }
    Arc::new(values.finish())
}
