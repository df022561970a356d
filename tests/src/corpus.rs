//! A small corpus of tokens with something to learn: three cell types, each with genes of its own.

use panfoma_core::artifact::tokens::{
    Binning, Block, CellRows, Content, Dropped, Index, Panel, PerSplit, Split, SplitRecord, TextColumn,
    TokensWriter,
};
use panfoma_core::artifact::vocabulary::{Gene, Vocabulary};
use panfoma_core::artifact::{Provenance, atomic};
use panfoma_core::rng::Philox;
use std::path::Path;
use std::sync::Arc;

/// What the corpus looks like.
#[derive(Clone, Copy, Debug)]
pub struct Corpus {
    /// Cells; every fifth is for validation, every sixth of the rest for testing.
    pub n_cells: usize,
    /// Genes; a third of them mark each cell type.
    pub n_genes: u32,
    /// Bins with bin 0.
    pub n_bins: u16,
    /// Give test cells labels and genes that nobody may have looked at.
    pub poison_test: bool,
    /// Leave the validation split empty.
    pub no_valid: bool,
}

impl Default for Corpus {
    fn default() -> Self {
        Self { n_cells: 240, n_genes: 48, n_bins: 9, poison_test: false, no_valid: false }
    }
}

const TYPES: [&str; 3] = ["B cell", "NK cell", "T cell"];

impl Corpus {
    /// Writes the tokens directory.
    pub fn write(&self, path: &Path) -> anyhow::Result<Index> {
        atomic::write_directory(path, |directory| {
            let mut writer = TokensWriter::create(directory, self.content()?)?;
            writer.push(self.block())?;
            writer.finish()
        })
    }

    /// The type of cell `i`; every thirteenth has none, as unannotated cells of real studies.
    pub fn type_of(&self, cell: usize) -> Option<usize> {
        (cell % 13 != 12).then_some(self.program_of(cell))
    }

    /// The split of cell `i`.
    pub fn split_of(&self, cell: usize) -> Split {
        match (cell % 5, cell % 6) {
            (4, _) if !self.no_valid => Split::Valid,
            (_, 5) => Split::Test,
            _ => Split::Train,
        }
    }

    fn program_of(&self, cell: usize) -> usize {
        // Not a multiple of what decides the split, so every split has every type.
        (cell / 7 + cell) % TYPES.len()
    }

    fn content(&self) -> anyhow::Result<Content> {
        let gene = |id| Gene {
            ensembl_id: format!("ENSG{id:011}"),
            symbol: format!("GENE{id}"),
            n_cells: 1,
            mean: 0.5,
        };
        Ok(Content {
            provenance: Provenance {
                tool: "fixture".to_owned(),
                tool_version: "0".to_owned(),
                commit: "0".to_owned(),
                config: serde_json::Value::Null,
                inputs: Vec::new(),
                seed: 0,
            },
            vocabulary: Vocabulary::new((1..=self.n_genes).map(gene).collect())?,
            selection: "all".to_owned(),
            panels: vec![Panel { study: "study".to_owned(), gene_ids: (1..=self.n_genes).collect() }],
            n_bins: self.n_bins,
            binning: Binning::Quantile,
            label_columns: vec!["cell_type".to_owned()],
            group_columns: vec!["study".to_owned(), "patient".to_owned()],
            split: SplitRecord {
                by: "cell".to_owned(),
                fractions: [0.7, 0.2, 0.1],
                seed: 0,
                stratify: None,
                valid_groups: Vec::new(),
                test_groups: Vec::new(),
                optimistic: true,
                cells: PerSplit::default(),
                groups: PerSplit::default(),
            },
            dropped: Dropped::default(),
            modalities: Vec::new(),
            shard: None,
        })
    }

    fn is_poisoned(&self, cell: usize) -> bool {
        self.poison_test && self.split_of(cell) == Split::Test
    }

    fn block(&self) -> Block {
        let mut rows = CellRows::new();
        for cell in 0..self.n_cells {
            let genes = if self.is_poisoned(cell) { vec![(1, 1e6, 1)] } else { self.genes(cell) };
            let total = genes.iter().map(|gene| f64::from(gene.1)).sum();
            rows.push(&format!("cell-{cell}"), 0, total, &genes);
        }
        let column = |levels: &[&str], codes: Vec<i32>| TextColumn {
            levels: Arc::new(levels.iter().map(|&level| level.to_owned()).collect()),
            codes,
        };
        let types = (0..self.n_cells).map(|cell| match (self.is_poisoned(cell), self.type_of(cell)) {
            (true, _) => 0,
            (false, kind) => kind.map_or(-1, |kind| kind as i32 + 1),
        });
        Block {
            rows,
            splits: (0..self.n_cells).map(|cell| self.split_of(cell)).collect(),
            columns: vec![
                column(&["A poisoned type", TYPES[0], TYPES[1], TYPES[2]], types.collect()),
                column(&["study"], vec![0; self.n_cells]),
                column(&["p0", "p1"], (0..self.n_cells).map(|cell| (cell % 2) as i32).collect()),
            ],
        }
    }

    /// Genes of the cell's type are expressed high and often, others low and seldom.
    fn genes(&self, cell: usize) -> Vec<(u32, f32, u8)> {
        let mut stream = Philox::new(11).stream(cell as u64, 0);
        let half = (u32::from(self.n_bins) - 1) / 2;
        let mut genes: Vec<(u32, f32, u8)> = Vec::new();
        for id in 1..=self.n_genes {
            let own = id as usize % TYPES.len() == self.program_of(cell);
            if stream.uniform() < if own { 0.9 } else { 0.3 } {
                let bin = 1 + stream.below(half) + if own { half } else { 0 };
                genes.push((id, bin as f32, bin as u8));
            }
        }
        if genes.is_empty() {
            genes.push((1, 1.0, 1));
        }
        genes
    }
}
