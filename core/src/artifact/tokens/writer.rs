//! Writes `tokens/` as cells stream by.

use super::row_group::RowGroup;
use super::{
    Binning, CellRows, Dropped, FORMAT, Index, Modality, ModalityRecord, PART_CELLS, Panel, Part, PerSplit,
    ROW_GROUP_CELLS, Split, SplitRecord, VERSION, VocabularyRecord, modalities, panels, part_schema,
};
use crate::artifact::table::{self, Writer};
use crate::artifact::vocabulary::Vocabulary;
use crate::artifact::{Header, Provenance, Shard, atomic};
use anyhow::Context as _;
use arrow_schema::SchemaRef;
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
    /// What the cells carry beside genes.
    pub modalities: Vec<Modality>,
    /// Which part of a corpus these are the cells of, if not all.
    pub shard: Option<Shard>,
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
    pending: Vec<RowGroup>,
    open: RowGroup,
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
        content.modalities.iter().try_for_each(|modality| modalities::write(directory, modality))?;
        panels::write(&directory.join("_panels.parquet"), &content.panels)?;
        Ok(Self {
            directory: directory.to_owned(),
            schema: part_schema(
                content.binning,
                content.modalities.iter().map(|modality| modality.name.as_str()),
                text_columns.iter().map(String::as_str),
            ),
            dropped: content.dropped,
            digest: content.vocabulary.digest(),
            content,
            open: RowGroup::new(text_columns.len()),
            text_columns,
            part: None,
            parts: Vec::new(),
            pending: Vec::new(),
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
            && block.rows.modalities.len() == self.content.modalities.len()
            && block.columns.len() == self.text_columns.len()
            && block.columns.iter().all(|column| column.codes.len() == n);
        assert!(whole, "a block of {n} cells lacks values of some column");
        let (n_genes, n_bins) = (self.content.vocabulary.n_genes(), self.content.n_bins);
        let checked = block.rows.check(n_genes, n_bins, self.content.panels.len());
        let impossible = |what: String| anyhow::anyhow!("writing an impossible cell: {what}");
        checked.map_err(impossible)?;
        for (modality, lists) in self.content.modalities.iter().zip(&block.rows.modalities) {
            lists.check(n, modality.features.len()).map_err(impossible)?;
        }
        block.splits.iter().for_each(|&split| self.cells.add(split, 1));
        if self.open.splits.is_empty() && n == ROW_GROUP_CELLS {
            self.open = RowGroup::new(block.columns.len());
            self.pending.push(block.into());
            return self.write_pending_if_many();
        }
        let mut start = 0;
        while start < n {
            let end = n.min(start + ROW_GROUP_CELLS - self.open.splits.len());
            self.open.extend(&block, start..end);
            start = end;
            if self.open.splits.len() == ROW_GROUP_CELLS {
                self.close_row_group()?;
            }
        }
        Ok(())
    }

    fn close_row_group(&mut self) -> anyhow::Result<()> {
        if !self.open.splits.is_empty() {
            let next = RowGroup::new(self.text_columns.len());
            self.pending.push(std::mem::replace(&mut self.open, next));
        }
        self.write_pending_if_many()
    }

    /// A row group a thread, but not so many that they fill the memory; columns are encoded in parallel too.
    fn write_pending_if_many(&mut self) -> anyhow::Result<()> {
        if self.pending.len() >= rayon::current_num_threads().min(16) { self.write_pending() } else { Ok(()) }
    }

    /// Writes the pending row groups, cut at the ends of parts.
    fn write_pending(&mut self) -> anyhow::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            let (mut writer, mut n_cells) = match self.part.take() {
                Some(open) => open,
                None => {
                    let path = self.directory.join(part_name(self.parts.len()));
                    (Writer::create(&path, &self.schema, table::properties().build())?, 0)
                }
            };
            let room = (PART_CELLS - n_cells as usize).div_ceil(ROW_GROUP_CELLS);
            let now = rest.split_off(..room.min(rest.len())).unwrap_or_default();
            let modalities = &self.content.modalities;
            writer.write_partly_encoded(now, |group, columns| {
                group.encode(&self.schema, columns, modalities)
            })?;
            n_cells += now.iter().map(|group| group.splits.len() as u64).sum::<u64>();
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
        let record = |modality: &Modality| -> anyhow::Result<ModalityRecord> {
            Ok(ModalityRecord {
                name: modality.name.clone(),
                n_features: modality.features.len() as u32,
                blake3: digest(&self.directory.join(modalities::file_name(&modality.name)))?,
            })
        };
        let records = content.modalities.iter().map(record).collect::<anyhow::Result<_>>()?;
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
            modalities: records,
            shard: content.shard,
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
