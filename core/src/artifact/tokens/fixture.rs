//! A small corpus for unit tests: two studies, one with a small panel, three splits by patient.

use super::*;
use crate::artifact::vocabulary::{Gene, Vocabulary};
use crate::artifact::{Provenance, atomic};
use crate::rng::Philox;
use std::path::Path;

/// What the corpus looks like.
#[derive(Clone, Copy)]
pub struct Corpus {
    pub n_cells: usize,
    pub n_genes: u32,
    /// Genes the second study measured: the odd ids up to this one.
    pub small_panel: u32,
    pub n_bins: u16,
    pub seed: u64,
}

impl Default for Corpus {
    fn default() -> Self {
        Self { n_cells: 2500, n_genes: 40, small_panel: 21, n_bins: 11, seed: 1 }
    }
}

pub fn provenance() -> Provenance {
    Provenance {
        tool: "test".to_owned(),
        tool_version: "0".to_owned(),
        commit: "0".to_owned(),
        config: serde_json::Value::Null,
        inputs: Vec::new(),
        seed: 0,
    }
}

pub fn vocabulary(n_genes: u32, prefix: &str) -> Vocabulary {
    let gene =
        |id| Gene { ensembl_id: format!("{prefix}{id}"), symbol: format!("S{id}"), n_cells: 1, mean: 0.0 };
    Vocabulary::new((1..=n_genes).map(gene).collect()).unwrap()
}

impl Corpus {
    pub fn panels(&self) -> Vec<Panel> {
        vec![
            Panel { study: "whole".to_owned(), gene_ids: (1..=self.n_genes).collect() },
            Panel { study: "targeted".to_owned(), gene_ids: (1..=self.small_panel).step_by(2).collect() },
        ]
    }

    pub fn content(&self) -> Content {
        let split = SplitRecord {
            by: "patient".to_owned(),
            fractions: [0.6, 0.2, 0.2],
            seed: 0,
            stratify: None,
            valid_groups: Vec::new(),
            test_groups: Vec::new(),
            optimistic: false,
            cells: PerSplit::default(),
            groups: PerSplit { train: 3, valid: 1, test: 1 },
        };
        Content {
            provenance: provenance(),
            vocabulary: vocabulary(self.n_genes, "G"),
            selection: "all".to_owned(),
            panels: self.panels(),
            n_bins: self.n_bins,
            binning: Binning::Quantile,
            label_columns: vec!["cell_type".to_owned()],
            group_columns: vec!["study".to_owned(), "patient".to_owned()],
            split,
            dropped: Dropped::default(),
            modalities: Vec::new(),
            shard: None,
        }
    }

    /// Cell `i`: id `cell-i`, patient i % 5, panel 1 for every fourth cell, a random third of the panel expressed.
    pub fn rows(&self) -> CellRows {
        let panels = self.panels();
        let mut rows = CellRows::new();
        for cell in 0..self.n_cells {
            let panel = u16::from(cell % 4 == 0);
            let mut stream = Philox::new(self.seed).stream(cell as u64, 0);
            let ids: Vec<u32> = panels[usize::from(panel)]
                .gene_ids
                .iter()
                .copied()
                .filter(|_| stream.below(3) == 0)
                .collect();
            // Any bins do here: larger counts fall into larger ones.
            let genes: Vec<(u32, f32, u8)> = ids
                .iter()
                .map(|&id| (id, stream.below(u32::from(self.n_bins) - 1) + 1))
                .map(|(id, count)| (id, count as f32, count as u8))
                .collect();
            let total: f32 = genes.iter().map(|gene| gene.1).sum();
            rows.push(&format!("cell-{cell}"), panel, f64::from(total), &genes);
        }
        rows
    }

    pub fn splits(&self) -> Vec<Split> {
        let split =
            |cell: usize| [Split::Train, Split::Train, Split::Valid, Split::Test, Split::Train][cell % 5];
        (0..self.n_cells).map(split).collect()
    }

    pub fn block(&self) -> Block {
        let column = |levels: &[&str], code: fn(usize) -> i32| TextColumn {
            levels: std::sync::Arc::new(levels.iter().map(|&level| level.to_owned()).collect()),
            codes: (0..self.n_cells).map(code).collect(),
        };
        Block {
            rows: self.rows(),
            splits: self.splits(),
            columns: vec![
                // Unsorted levels, and every seventh cell has none.
                column(&["T cell", "B cell"], |cell| if cell % 7 == 0 { -1 } else { (cell % 2) as i32 }),
                column(&["whole", "targeted"], |cell| i32::from(cell % 4 == 0)),
                column(&["p0", "p1", "p2", "p3", "p4"], |cell| (cell % 5) as i32),
            ],
        }
    }

    pub fn write(&self, path: &Path) -> Index {
        atomic::write_directory(path, |directory| -> Result<Index, std::io::Error> {
            let mut writer = TokensWriter::create(directory, self.content()).unwrap();
            writer.push(self.block()).unwrap();
            Ok(writer.finish().unwrap())
        })
        .unwrap()
    }

    pub fn open(&self) -> (tempfile::TempDir, Tokens) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        self.write(&path);
        let tokens = Tokens::open(&path).unwrap();
        (directory, tokens)
    }
}
