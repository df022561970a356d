//! Opens `tokens/`: everything small in memory, cells a row group at a time.

use super::categories::{Categories, Interner};
use super::{
    Binning, Block, CellRows, FORMAT, Index, Lists, Modality, ModalityRecord, Panel, Split, TextColumn,
    VERSION, fixed_fields, modalities, panels, writer,
};
use crate::artifact::provenance::Input;
use crate::artifact::shard;
use crate::artifact::table::{self, Table};
use crate::artifact::vocabulary::Vocabulary;
use crate::rng;
use crate::stage::{Kind, UserError};
use anyhow::Context as _;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt8Type, UInt16Type, UInt32Type};
use arrow_array::{Array, Float64Array, ListArray, StringArray, UInt16Array};
use arrow_schema::{DataType, Field};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// An open tokens directory.
///
/// In memory: the index, the genes, the panels and one byte a cell. A part's bytes are digested once, before its
/// first cell is read, so a damaged file is refused and not trained on.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    index: Index,
    vocabulary: Vocabulary,
    panels: Vec<Panel>,
    modalities: Vec<Modality>,
    parts: Vec<PartTable>,
    row_groups: Vec<RowGroup>,
    splits: Vec<Split>,
}

#[derive(Debug)]
struct PartTable {
    table: Table,
    blake3: String,
    /// Do its bytes have the digest? Asked once; the error is that of reading them.
    intact: OnceLock<Result<bool, String>>,
}

/// Where a row group's cells stand in the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowGroup {
    part: u32,
    within: u32,
    /// Index of its first cell in the corpus.
    pub first_cell: usize,
    /// Its cells.
    pub n_cells: usize,
}

/// What to read of a cell besides gene ids, bins, panel and hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Raw counts and the cell's total.
    pub counts: bool,
    /// The cell ids as text.
    pub cell_ids: bool,
    /// The ranks of the binning `rank`.
    pub ranks: bool,
    /// The features of the modalities.
    pub modalities: bool,
}

impl Tokens {
    /// Opens and validates: format and version, digests of vocabulary and panels, columns and row counts of every
    /// part, the cells of each split. Refuses a shard: it is only part of a corpus.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let index = read_index(path)?;
        shard::refuse(index.shard, path, "panfoma-tokenize")?;
        Self::open_with(path, index)
    }

    /// Opens and validates a shard, or tokens that are whole.
    pub(super) fn open_shard(path: &Path) -> anyhow::Result<Self> {
        Self::open_with(path, read_index(path)?)
    }

    fn open_with(path: &Path, index: Index) -> anyhow::Result<Self> {
        let vocabulary = Vocabulary::read(&path.join("_vocabulary.parquet"))?;
        vocabulary.expect_digest(&index.vocabulary.digest, path)?;
        let panels_path = path.join("_panels.parquet");
        if writer::digest(&panels_path)? != index.panels_blake3 {
            return Err(damaged(&panels_path).into());
        }
        let panels = panels::read(&panels_path, vocabulary.n_genes())?;
        let read_modality = |record: &ModalityRecord| -> anyhow::Result<Modality> {
            let file = path.join(modalities::file_name(&record.name));
            if writer::digest(&file)? != record.blake3 {
                return Err(damaged(&file).into());
            }
            modalities::read(path, record)
        };
        let modalities = index.modalities.iter().map(read_modality).collect::<anyhow::Result<_>>()?;
        let parts = index
            .parts
            .iter()
            .map(|part| open_part(path, part, &index))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut row_groups = Vec::new();
        let mut first_cell = 0;
        for (part, table) in parts.iter().enumerate() {
            for (within, n_cells) in table.table.row_groups().enumerate() {
                row_groups.push(RowGroup { part: part as u32, within: within as u32, first_cell, n_cells });
                first_cell += n_cells;
            }
        }
        let mut tokens = Self {
            path: path.to_owned(),
            index,
            vocabulary,
            panels,
            modalities,
            parts,
            row_groups,
            splits: Vec::new(),
        };
        tokens.splits = tokens.read_splits()?;
        Ok(tokens)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `_index.json`.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The genes.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The studies' genes; a cell names its panel by position.
    pub fn panels(&self) -> &[Panel] {
        &self.panels
    }

    /// What the cells carry beside genes.
    pub fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// How many cells.
    pub fn n_cells(&self) -> usize {
        self.splits.len()
    }

    /// The split of every cell.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// The row groups in order.
    pub fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// This directory as an input of another artifact.
    ///
    /// The digest is that of `_index.json`, which names the digests of everything else: 3.5 million cells need not
    /// be read to say which they are.
    pub fn input(&self) -> anyhow::Result<Input> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned();
        Ok(Input { name, blake3: writer::digest(&self.path.join("_index.json"))? })
    }

    /// A label or group column over all cells. Errors: no such column, with those there are.
    pub fn column(&self, name: &str) -> anyhow::Result<Categories> {
        let known = || self.index.label_columns.iter().chain(&self.index.group_columns);
        if !known().any(|column| column == name) {
            let mut names: Vec<&str> = known().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            return Err(UserError::bad_data(format!("`{}` has no column `{name}`", self.path.display()))
                .hint(format!("its label and group columns are: {}", names.join(", ")))
                .into());
        }
        let mut interner = Interner::default();
        self.for_each_text(name, |_, value| {
            interner.push(value);
            Ok(())
        })?;
        Ok(interner.finish())
    }

    /// The cell ids in order, a row group at a time.
    pub fn cell_ids(&self) -> impl Iterator<Item = anyhow::Result<Vec<String>>> + '_ {
        self.row_groups.iter().map(|group| {
            let column: StringArray = self.intact(group)?.column(group.within as usize, "cell_id")?;
            Ok(column.iter().map(|id| id.unwrap_or_default().to_owned()).collect())
        })
    }

    /// The cells of one row group. Errors name the part, the row, what was found and what was expected.
    pub fn read_row_group(&self, index: usize, columns: Columns) -> anyhow::Result<CellRows> {
        let group = &self.row_groups[index];
        let table = self.intact(group)?;
        let mut names = vec!["cell_id", "panel", "gene_ids", "bins"];
        if columns.counts {
            names.extend(["counts", "total_counts"]);
        }
        if columns.ranks {
            names.push("ranks");
        }
        let of_modalities: Vec<String> = match columns.modalities {
            true => self.modalities.iter().flat_map(|modality| modalities::columns(&modality.name)).collect(),
            false => Vec::new(),
        };
        names.extend(of_modalities.iter().map(String::as_str));
        let batch = table.read_row_group(group.within as usize, &names)?;
        let path = table.path();
        let (offsets, gene_ids) = list::<UInt32Type>(table::typed(&batch, "gene_ids", path)?);
        let (bin_offsets, bins) = list::<UInt8Type>(table::typed(&batch, "bins", path)?);
        let first_row: usize = table.row_groups().take(group.within as usize).sum();
        same_lengths(&offsets, &bin_offsets, "bins", path, first_row)?;
        let mut counts = Vec::new();
        let mut total_counts = Vec::new();
        if columns.counts {
            let (count_offsets, values) = list::<Float32Type>(table::typed(&batch, "counts", path)?);
            same_lengths(&offsets, &count_offsets, "counts", path, first_row)?;
            counts = values;
            total_counts = table::typed::<Float64Array>(&batch, "total_counts", path)?.values().to_vec();
        }
        let mut ranks = Vec::new();
        if columns.ranks {
            let (rank_offsets, values) = list::<UInt16Type>(table::typed(&batch, "ranks", path)?);
            same_lengths(&offsets, &rank_offsets, "ranks", path, first_row)?;
            ranks = values;
        }
        let malformed = |what: String| {
            let at =
                format!("`{}`, row group {} (rows from {first_row}): {what}", path.display(), group.within);
            UserError::bad_data(at).hint("the tokens are malformed: make them again with `panfoma-tokenize`")
        };
        let mut features = Vec::new();
        for (columns, modality) in of_modalities.as_chunks::<2>().0.iter().zip(&self.modalities) {
            let [ids, counts] = columns;
            let (offsets, ids) = list::<UInt32Type>(table::typed(&batch, ids, path)?);
            let (count_offsets, values) = list::<Float32Type>(table::typed(&batch, counts, path)?);
            same_lengths(&offsets, &count_offsets, counts, path, first_row)?;
            let lists = Lists { offsets, ids, counts: values };
            lists.check(group.n_cells, modality.features.len()).map_err(malformed)?;
            features.push(lists);
        }
        let ids: &StringArray = table::typed(&batch, "cell_id", path)?;
        let rows = CellRows {
            offsets,
            gene_ids,
            bins,
            counts,
            ranks,
            modalities: features,
            panels: table::typed::<UInt16Array>(&batch, "panel", path)?.values().to_vec(),
            hashes: ids.iter().map(|id| rng::name_hash(id.unwrap_or_default())).collect(),
            total_counts,
            cell_ids: match columns.cell_ids {
                true => ids.iter().map(|id| id.unwrap_or_default().to_owned()).collect(),
                false => Vec::new(),
            },
        };
        rows.check(self.vocabulary.n_genes(), self.index.n_bins, self.panels.len()).map_err(malformed)?;
        Ok(rows)
    }

    /// Everything of one row group's cells.
    pub(super) fn read_block(&self, index: usize) -> anyhow::Result<Block> {
        let group = self.row_groups[index];
        let ranks = self.index.binning == Binning::Rank;
        let rows =
            self.read_row_group(index, Columns { counts: true, cell_ids: true, ranks, modalities: true })?;
        let labels = &self.index.label_columns;
        let groups = self.index.group_columns.iter().filter(|column| !labels.contains(column));
        let text = |name: &String| -> anyhow::Result<TextColumn> {
            let column: StringArray = self.intact(&group)?.column(group.within as usize, name)?;
            let Categories { levels, codes } = Categories::from_values(column.iter());
            Ok(TextColumn { levels: Arc::new(levels), codes })
        };
        Ok(Block {
            rows,
            splits: self.splits[group.first_cell..][..group.n_cells].to_vec(),
            columns: labels.iter().chain(groups).map(text).collect::<anyhow::Result<_>>()?,
        })
    }

    /// The table of a row group's part, after its bytes were found to be those of the index.
    fn intact(&self, group: &RowGroup) -> anyhow::Result<&Table> {
        let part = &self.parts[group.part as usize];
        let ask = || match writer::digest(part.table.path()) {
            Ok(found) => Ok(found == part.blake3),
            Err(error) => Err(format!("{error:#}")),
        };
        match part.intact.get_or_init(ask) {
            Ok(true) => Ok(&part.table),
            Ok(false) => Err(damaged(part.table.path()).into()),
            Err(error) => Err(UserError::new(Kind::Io, error.clone()).into()),
        }
    }

    fn read_splits(&self) -> anyhow::Result<Vec<Split>> {
        let read = |group: &RowGroup| -> anyhow::Result<Vec<Split>> {
            let table = &self.parts[group.part as usize].table;
            let column: StringArray = table.column(group.within as usize, "split")?;
            let parsed = column.iter().map(|value| value.unwrap_or_default().parse::<Split>());
            parsed
                .collect::<Result<_, _>>()
                .map_err(|what| UserError::bad_data(format!("`{}`: {what}", table.path().display())).into())
        };
        let groups: Vec<Vec<Split>> = self.row_groups.par_iter().map(read).collect::<anyhow::Result<_>>()?;
        let splits = groups.concat();
        for split in Split::ALL {
            let found = splits.iter().filter(|&&s| s == split).count() as u64;
            let expected = self.index.split.cells.get(split);
            if found != expected {
                return Err(UserError::bad_data(format!(
                    "`{}` holds {found} `{split}` cells, its index says {expected}",
                    self.path.display()
                ))
                .into());
            }
        }
        Ok(splits)
    }

    fn for_each_text(
        &self,
        name: &str,
        mut each: impl FnMut(usize, Option<&str>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for group in &self.row_groups {
            let column: StringArray = self.intact(group)?.column(group.within as usize, name)?;
            for (row, value) in column.iter().enumerate() {
                each(group.first_cell + row, value)?;
            }
        }
        Ok(())
    }
}

fn read_index(path: &Path) -> anyhow::Result<Index> {
    if !path.exists() {
        return Err(UserError::missing(path).into());
    }
    let file = path.join("_index.json");
    let text = std::fs::read_to_string(&file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            let what = format!("`{}` is no tokens directory: it has no `_index.json`", path.display());
            anyhow::Error::new(UserError::bad_data(what).hint("`panfoma-tokenize` makes one"))
        }
        _ => anyhow::Error::new(error).context(format!("reading `{}`", file.display())),
    })?;
    let malformed = |error: serde_json::Error| UserError::bad_data(format!("`{}`: {error}", file.display()));
    // The header first: a newer index may not parse, and its version says why.
    let header: crate::artifact::Header = serde_json::from_str(&text).map_err(malformed)?;
    header.expect(FORMAT, VERSION, path)?;
    Ok(serde_json::from_str(&text).map_err(malformed)?)
}

fn open_part(directory: &Path, part: &super::Part, index: &Index) -> anyhow::Result<PartTable> {
    let path = directory.join(&part.file);
    let table = Table::open(&path)?;
    let text = index.label_columns.iter().chain(&index.group_columns);
    let modalities = index.modalities.iter().map(|modality| modality.name.as_str());
    let mut fields = fixed_fields(index.binning, modalities);
    fields.extend(text.map(|name| Field::new(name, DataType::Utf8, true)));
    table.expect(&fields).context("the index and its parts disagree")?;
    if table.n_rows() as u64 != part.n_cells {
        return Err(UserError::bad_data(format!(
            "`{}` has {} rows, its index says {}",
            path.display(),
            table.n_rows(),
            part.n_cells
        ))
        .into());
    }
    Ok(PartTable { table, blake3: part.blake3.clone(), intact: OnceLock::new() })
}

fn damaged(path: &Path) -> UserError {
    UserError::bad_data(format!(
        "`{}` is damaged: its BLAKE3 is not the one in `_index.json`",
        path.display()
    ))
    .hint("copy the directory again, or make it again with `panfoma-tokenize`")
}

/// Offsets from 0 and values of a list column.
fn list<T: arrow_array::ArrowPrimitiveType>(lists: &ListArray) -> (Vec<usize>, Vec<T::Native>) {
    let offsets = lists.value_offsets();
    let first = offsets[0] as usize;
    let last = offsets[lists.len()] as usize;
    let values = &lists.values().as_primitive::<T>().values()[first..last];
    (offsets.iter().map(|&offset| offset as usize - first).collect(), values.to_vec())
}

fn same_lengths(
    ids: &[usize],
    other: &[usize],
    name: &str,
    path: &Path,
    first_row: usize,
) -> Result<(), UserError> {
    match (1..ids.len()).find(|&end| ids[end] != other[end]) {
        None => Ok(()),
        Some(end) => Err(UserError::bad_data(format!(
            "`{}`, row {}: {} `{name}` for {} gene ids",
            path.display(),
            first_row + end - 1,
            other[end] - other[end - 1],
            ids[end] - ids[end - 1]
        ))),
    }
}
