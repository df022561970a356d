//! Cells in compressed rows: flat arrays and offsets.

use crate::rng;
use crate::vectors::widest;
use std::ops::Range;

/// Cells in compressed rows. Cell `i` holds entries `offsets[i]..offsets[i + 1]` of `gene_ids`, `bins` and `counts`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellRows {
    /// [n_cells + 1], from 0.
    pub offsets: Vec<usize>,
    /// Vocabulary ids, ascending within a cell, never 0.
    pub gene_ids: Vec<u32>,
    /// 1 ..= n_bins - 1, one a gene.
    pub bins: Vec<u8>,
    /// Raw counts, one a gene; empty unless asked for.
    pub counts: Vec<f32>,
    /// Ranks of the binning `rank`, 1 for the highest, one a gene; empty unless asked for.
    pub ranks: Vec<u16>,
    /// Features of the modalities, in the order of the index; empty unless asked for.
    pub modalities: Vec<Lists>,
    /// Row of the panels, one a cell.
    pub panels: Vec<u16>,
    /// [`rng::name_hash`] of the cell ids: the key of a cell's random choices.
    pub hashes: Vec<u64>,
    /// Counts of the whole cell, genes outside the vocabulary included; empty unless asked for.
    pub total_counts: Vec<f64>,
    /// Empty unless asked for.
    pub cell_ids: Vec<String>,
}

/// One modality's features of some cells. Cell `i` holds entries `offsets[i]..offsets[i + 1]` of `ids` and `counts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists {
    /// [n_cells + 1], from 0.
    pub offsets: Vec<usize>,
    /// Feature ids, ascending within a cell, never 0.
    pub ids: Vec<u32>,
    /// One a feature.
    pub counts: Vec<f32>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { offsets: vec![0], ids: Vec::new(), counts: Vec::new() }
    }
}

impl Lists {
    fn extend(&mut self, other: &Lists, cells: Range<usize>) {
        let range = other.offsets[cells.start]..other.offsets[cells.end];
        let moved = self.ids.len();
        let ends = &other.offsets[cells.start + 1..cells.end + 1];
        self.offsets.extend(ends.iter().map(|end| end - range.start + moved));
        self.ids.extend_from_slice(&other.ids[range.clone()]);
        self.counts.extend_from_slice(&other.counts[range]);
    }
}

/// One cell of [`CellRows`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell<'a> {
    /// Vocabulary ids, ascending, never 0.
    pub gene_ids: &'a [u32],
    /// Bins of the genes, 1 ..= n_bins - 1.
    pub bins: &'a [u8],
    /// Row of the panels.
    pub panel: u16,
    /// The key of this cell's random choices.
    pub hash: u64,
}

impl CellRows {
    /// No cells yet.
    pub fn new() -> Self {
        Self { offsets: vec![0], ..Self::default() }
    }

    /// How many cells.
    pub fn n_cells(&self) -> usize {
        self.panels.len()
    }

    /// Where the entries of cell `i` stand in the flat arrays.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.offsets[i]..self.offsets[i + 1]
    }

    /// Cell `i`.
    pub fn cell(&self, i: usize) -> Cell<'_> {
        let range = self.range(i);
        Cell {
            gene_ids: &self.gene_ids[range.clone()],
            bins: &self.bins[range],
            panel: self.panels[i],
            hash: self.hashes[i],
        }
    }

    /// The cells in order.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Cell<'_>> {
        (0..self.n_cells()).map(|i| self.cell(i))
    }

    /// Makes room for the ids, counts and bins of so many genes: growing step by step would copy them.
    pub fn reserve(&mut self, n_values: usize) {
        self.gene_ids.reserve(n_values);
        self.counts.reserve(n_values);
        self.bins.reserve(n_values);
    }

    /// Appends one cell with everything it has.
    pub fn push(&mut self, cell_id: &str, panel: u16, total_counts: f64, genes: &[(u32, f32, u8)]) {
        let ids: Vec<u32> = genes.iter().map(|gene| gene.0).collect();
        let counts: Vec<f32> = genes.iter().map(|gene| gene.1).collect();
        self.push_cell(cell_id, panel, total_counts, &ids, &counts);
        self.bins.extend(genes.iter().map(|gene| gene.2));
    }

    /// Appends one cell without bins and ranks, which the caller appends.
    pub fn push_cell(&mut self, cell_id: &str, panel: u16, total: f64, gene_ids: &[u32], counts: &[f32]) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.gene_ids.extend_from_slice(gene_ids);
        self.counts.extend_from_slice(counts);
        self.offsets.push(self.gene_ids.len());
        self.panels.push(panel);
        self.hashes.push(rng::name_hash(cell_id));
        self.total_counts.push(total);
        self.cell_ids.push(cell_id.to_owned());
    }

    /// Appends these cells of `other`, as far as `other` holds their columns.
    pub fn extend(&mut self, other: &CellRows, cells: Range<usize>) {
        let range = other.offsets[cells.start]..other.offsets[cells.end];
        fn append<T: Clone>(to: &mut Vec<T>, from: &[T], range: &Range<usize>) {
            to.extend_from_slice(from.get(range.clone()).unwrap_or_default());
        }
        let moved = self.gene_ids.len();
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        let ends = &other.offsets[cells.start + 1..cells.end + 1];
        self.offsets.extend(ends.iter().map(|end| end - range.start + moved));
        self.modalities.resize_with(other.modalities.len().max(self.modalities.len()), Lists::default);
        for (to, from) in self.modalities.iter_mut().zip(&other.modalities) {
            to.extend(from, cells.clone());
        }
        append(&mut self.gene_ids, &other.gene_ids, &range);
        append(&mut self.bins, &other.bins, &range);
        append(&mut self.counts, &other.counts, &range);
        append(&mut self.ranks, &other.ranks, &range);
        append(&mut self.panels, &other.panels, &cells);
        append(&mut self.hashes, &other.hashes, &cells);
        append(&mut self.total_counts, &other.total_counts, &cells);
        append(&mut self.cell_ids, &other.cell_ids, &cells);
    }

    /// Appends cell `i` of `other`, as far as `other` holds its columns.
    pub fn push_from(&mut self, other: &CellRows, i: usize) {
        self.extend(other, i..i + 1);
    }

    /// The first violation of what a reader may rely on, as `row N: …`.
    pub fn check(&self, n_genes: usize, n_bins: u16, n_panels: usize) -> Result<(), String> {
        for (row, cell) in self.cells().enumerate() {
            let ids = cell.gene_ids;
            // Folded without a way out, so that many are checked at a time; which is wrong is asked only if one is.
            let pairs = ids.iter().zip(ids.get(1..).unwrap_or_default());
            let ascending = widest(|| pairs.fold(true, |all, (a, b)| all & (a < b)));
            if !ascending && let Some(pair) = ids.windows(2).find(|pair| pair[0] >= pair[1]) {
                return Err(format!(
                    "row {row}: gene id {} after {}, expected ascending ids",
                    pair[1], pair[0]
                ));
            }
            // Ascending, so the ends decide.
            if let Some(id) =
                [ids.first(), ids.last()].into_iter().flatten().find(|&&id| id == 0 || id as usize > n_genes)
            {
                return Err(format!("row {row}: gene id {id}, expected 1 to {n_genes}"));
            }
            let wrong = |bin: u8| (bin == 0) | (u16::from(bin) >= n_bins);
            if widest(|| cell.bins.iter().fold(false, |any, &bin| any | wrong(bin))) {
                let bin = cell.bins.iter().find(|&&bin| wrong(bin)).expect("one is wrong");
                return Err(format!("row {row}: bin {bin}, expected 1 to {}", n_bins - 1));
            }
            if usize::from(cell.panel) >= n_panels {
                return Err(format!("row {row}: panel {}, expected less than {n_panels}", cell.panel));
            }
        }
        Ok(())
    }
}
