//! A made-up cohort on disk: embeddings, predictions, tokens, edges and a reference, all of the same cells.

use panfoma_core::artifact::edges::{self, Edge};
use panfoma_core::artifact::obs::Obs;
use panfoma_core::artifact::tokens::{
    Binning, Block, CellRows, Content, Dropped, Panel, PerSplit, Split, SplitRecord, TextColumn, TokensWriter,
};
use panfoma_core::artifact::vocabulary::{Gene, Vocabulary};
use panfoma_core::artifact::{Provenance, embeddings, predictions};
use panfoma_core::rng::{Philox, Stream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TYPES: [&str; 4] = ["B cell", "NK cell", "T cell <CD8+>", "malignant"];
const N_GENES: u32 = 60;
const DIM: usize = 8;

/// What differs from test to test.
#[derive(Clone, Copy)]
pub struct World {
    pub n_cells: usize,
    pub n_patients: usize,
    /// How far the types lie apart in the embedding, in standard deviations of the noise.
    pub apart: f64,
    /// Share of cells that the model predicts right.
    pub skill: f64,
    /// Does the study decide the type?
    pub confounded: bool,
    /// Is every cell drawn into a split alone?
    pub random_split: bool,
    /// Have the test cells among the first hundred the counts of train cells?
    pub twins: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            n_cells: 900,
            n_patients: 15,
            apart: 4.0,
            skill: 0.85,
            confounded: false,
            random_split: false,
            twins: false,
        }
    }
}

fn provenance(tool: &str) -> Provenance {
    Provenance {
        tool: tool.to_owned(),
        tool_version: "0.1.0".to_owned(),
        commit: "test".to_owned(),
        config: serde_json::json!({}),
        inputs: Vec::new(),
        seed: 0,
    }
}

impl World {
    fn stream(self, cell: usize, purpose: u32) -> Stream {
        Philox::new(11).stream(cell as u64, purpose)
    }

    fn class(self, cell: usize) -> usize {
        if self.confounded { self.patient(cell) % 4 } else { self.stream(cell, 0).below(4) as usize }
    }

    fn patient(self, cell: usize) -> usize {
        cell % self.n_patients
    }

    fn study(self, cell: usize) -> usize {
        self.patient(cell) % 4
    }

    fn split(self, cell: usize) -> Split {
        let unit =
            if self.random_split { self.stream(cell, 1).below(5) as usize } else { self.patient(cell) % 5 };
        [Split::Train, Split::Train, Split::Train, Split::Valid, Split::Test][unit]
    }

    fn label(self, cell: usize) -> Option<String> {
        (cell % 50 != 7).then(|| TYPES[self.class(cell)].to_owned())
    }

    fn obs(self) -> Obs {
        let cells = || 0..self.n_cells;
        Obs {
            cell_id: cells().map(|cell| format!("cell{cell}")).collect(),
            split: cells().map(|cell| self.split(cell)).collect(),
            columns: vec![
                cells().map(|cell| self.label(cell)).collect(),
                cells().map(|cell| Some(format!("study {}", self.study(cell)))).collect(),
                cells().map(|cell| Some(format!("p{}", self.patient(cell)))).collect(),
            ],
        }
    }

    fn columns() -> Vec<String> {
        ["cell_type", "study", "patient"].map(str::to_owned).to_vec()
    }

    /// Writes everything.
    pub fn write(self, directory: &Path) {
        self.write_embeddings(&directory.join("embeddings.parquet"));
        self.write_predictions(&directory.join("predictions.parquet"));
        let tokens = directory.join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        self.write_tokens(&tokens);
        write_edges(directory);
    }

    fn write_embeddings(self, path: &Path) {
        let columns = Self::columns();
        let metadata =
            embeddings::Metadata::new(DIM, columns, vec!["cell_type".into()], provenance("panfoma-embed"));
        let vector = |cell: usize| {
            let mut stream = self.stream(cell, 2);
            let class = self.class(cell);
            (0..DIM).map(move |i| (stream.normal() + if i == class { self.apart } else { 0.0 }) as f32)
        };
        let values: Vec<f32> = (0..self.n_cells).flat_map(vector).collect();
        let mut writer = embeddings::Writer::create(path, metadata).unwrap();
        writer.push(&self.obs(), &values).unwrap();
        writer.finish().unwrap();
    }

    fn write_predictions(self, path: &Path) {
        let classes = TYPES.map(str::to_owned).to_vec();
        let made = provenance("panfoma-embed");
        let metadata = predictions::Metadata::new("cell_type".into(), classes, 0.5, Self::columns(), made);
        let row = |cell: usize| {
            let mut stream = self.stream(cell, 3);
            let class =
                if stream.uniform() < self.skill { self.class(cell) } else { stream.below(4) as usize };
            let sure = if stream.below(20) == 0 { 0.4 } else { 0.7 };
            (0..4).map(move |i| if i == class { sure } else { (1.0 - sure) / 3.0 } as f32)
        };
        let block = predictions::Block {
            obs: self.obs(),
            label: (0..self.n_cells).map(|cell| self.label(cell)).collect(),
            probabilities: (0..self.n_cells).flat_map(row).collect(),
            places: Vec::new(),
        };
        let mut writer = predictions::Writer::create(path, metadata).unwrap();
        writer.push(&block).unwrap();
        writer.finish().unwrap();
    }

    /// Every type expresses fifteen genes of its own three times as much as the others.
    fn write_tokens(self, directory: &Path) {
        let gene =
            |id| Gene { ensembl_id: format!("ENSG{id}"), symbol: format!("G{id}"), n_cells: 1, mean: 0.0 };
        let studies: Vec<String> = (0..4).map(|study| format!("study {study}")).collect();
        let panel = |study: &String| Panel { study: study.clone(), gene_ids: (1..=N_GENES).collect() };
        let content = Content {
            provenance: provenance("panfoma-tokenize"),
            vocabulary: Vocabulary::new((1..=N_GENES).map(gene).collect()).unwrap(),
            selection: "all".to_owned(),
            panels: studies.iter().map(panel).collect(),
            n_bins: 51,
            binning: Binning::Quantile,
            label_columns: vec!["cell_type".to_owned()],
            group_columns: vec!["study".to_owned(), "patient".to_owned()],
            split: SplitRecord {
                by: if self.random_split { "cell" } else { "patient" }.to_owned(),
                fractions: [0.6, 0.2, 0.2],
                seed: 0,
                stratify: None,
                valid_groups: Vec::new(),
                test_groups: Vec::new(),
                optimistic: self.random_split,
                cells: PerSplit::default(),
                groups: PerSplit::default(),
            },
            dropped: Dropped::default(),
            modalities: Vec::new(),
            shard: None,
        };
        let mut rows = CellRows::new();
        for cell in 0..self.n_cells {
            // The fifth patient's cells are of test, those of the third of train.
            let copied = if self.twins && cell < 100 && cell % 5 == 4 { cell - 2 } else { cell };
            let mut stream = self.stream(copied, 4);
            let class = self.class(copied) as u32;
            let genes: Vec<(u32, f32, u8)> = (1..=N_GENES)
                .map(|id| (id, stream.below(if (id - 1) / 15 == class { 9 } else { 3 })))
                .filter(|gene| gene.1 > 0)
                .map(|(id, count)| (id, count as f32, count as u8))
                .collect();
            let total: f32 = genes.iter().map(|gene| gene.1).sum();
            rows.push(&format!("cell{cell}"), self.study(cell) as u16, f64::from(total), &genes);
        }
        let text = |levels: Vec<String>, code: &dyn Fn(usize) -> i32| TextColumn {
            levels: Arc::new(levels),
            codes: (0..self.n_cells).map(code).collect(),
        };
        let patients = (0..self.n_patients).map(|patient| format!("p{patient}")).collect();
        let block = Block {
            rows,
            splits: (0..self.n_cells).map(|cell| self.split(cell)).collect(),
            columns: vec![
                text(TYPES.map(str::to_owned).to_vec(), &|cell| {
                    if self.label(cell).is_some() { self.class(cell) as i32 } else { -1 }
                }),
                text(studies, &|cell| self.study(cell) as i32),
                text(patients, &|cell| self.patient(cell) as i32),
            ],
        };
        let mut writer = TokensWriter::create(directory, content).unwrap();
        writer.push(block).unwrap();
        writer.finish().unwrap();
    }
}

/// The golden ranking and reference of BEELINE's GSD network, as stages pass them.
fn write_edges(directory: &Path) {
    let goldens = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/metrics/beeline");
    let text = std::fs::read_to_string(goldens.join("gsd_pearson_rankedEdges.csv")).unwrap();
    let edges = text.lines().skip(1).zip(1..).map(|(line, rank)| {
        let fields: Vec<&str> = line.split('\t').collect();
        Edge {
            regulator: fields[0].to_owned(),
            target: fields[1].to_owned(),
            score: fields[2].parse().unwrap(),
            rank,
            group: edges::ALL_CELLS.to_owned(),
            method: "attention".to_owned(),
        }
    });
    let mut writer =
        edges::Writer::create(&directory.join("edges.parquet"), provenance("panfoma-grn")).unwrap();
    writer.push(edges).unwrap();
    writer.finish().unwrap();
    std::fs::copy(goldens.join("gsd_pearson_gt.csv"), directory.join("network.csv")).unwrap();
}
