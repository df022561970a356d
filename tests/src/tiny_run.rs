//! The smallest cohort and model that pass through every stage, in seconds.

use crate::simulate::{self, Parameters};
use crate::stages::{self, Ended};
use std::path::{Path, PathBuf};

/// Two studies of six patients: each cancer type in both, with three patients, one for each split.
const COHORT: Parameters =
    Parameters { studies: 2, patients_per_study: 6, cells_per_patient: 20, genes: 700, seed: 11 };

/// One flag with its values.
pub type Flag = (&'static str, Vec<String>);

/// A directory in which the stages run one after the other.
pub struct TinyRun {
    /// `cohort/`, then what the stages write.
    pub root: PathBuf,
}

impl TinyRun {
    /// Simulates the cohort; no stage has run yet.
    pub fn new(root: &Path) -> Self {
        simulate::write(&root.join("cohort"), &COHORT).expect("the tiny cohort can be simulated");
        Self { root: root.to_owned() }
    }

    /// Simulates the cohort and runs every stage.
    pub fn complete(root: &Path, threads: usize) -> Self {
        let run = Self::new(root);
        run.run_all(&["--threads", &threads.to_string()]);
        run
    }

    /// Runs every stage with these flags besides its own; panics if one fails or prints to stdout.
    pub fn run_all(&self, flags: &[&str]) {
        for stage in stages::STAGES {
            let ended = self.run(stage, flags).expect_code(0);
            assert_eq!(ended.stdout, "", "{} printed to stdout", ended.command);
        }
    }

    /// Runs one stage with these flags besides its own.
    pub fn run(&self, stage: &str, flags: &[&str]) -> Ended {
        let mut arguments = command_line(&self.flags(stage));
        arguments.extend(flags.iter().map(|&flag| flag.to_owned()));
        stages::run(stage, arguments)
    }

    /// What a stage writes, below the root.
    pub fn outputs(stage: &str) -> &'static [&'static str] {
        match stage {
            "qc" => &["cells.zarr"],
            "tokenize" => &["tokens"],
            "pretrain" => &["model"],
            "finetune" => &["annotator"],
            "embed" => &["embeddings.parquet", "predictions.parquet", "annotated.zarr"],
            "grn" => {
                &["edges.parquet", "programs.parquet", "programs.parquet.enrichment.tsv", "differences.tsv"]
            }
            "evaluate" => &["evaluation"],
            _ => panic!("no stage is called `{stage}`"),
        }
    }

    /// The flags of a stage, long names.
    pub fn flags(&self, stage: &str) -> Vec<Flag> {
        let path = |name: &str| vec![self.root.join(name).display().to_string()];
        let text = |value: &str| vec![value.to_owned()];
        let mut flags = match stage {
            "qc" => {
                let inputs = ["cohort/study_1.h5ad", "cohort/study_2.h5ad"].map(|name| path(name).remove(0));
                vec![("input", inputs.to_vec()), ("min-genes", text("60"))]
            }
            "tokenize" => vec![
                ("input", path("cells.zarr")),
                ("split", text("patient:0.5,0.25,0.25")),
                ("stratify", text("cancer_type")),
            ],
            "pretrain" => vec![
                ("input", path("tokens")),
                ("preset", text("tiny")),
                ("d-model", text("16")),
                ("n-heads", text("2")),
                ("n-encoder-layers", text("1")),
                ("n-decoder-layers", text("1")),
                ("n-chunks", text("2")),
                ("chunk-len", text("48")),
                ("d-state", text("4")),
                ("epochs", text("1")),
            ],
            "finetune" => vec![
                ("input", path("tokens")),
                ("model", path("model")),
                ("label", text("cell_type")),
                ("epochs", text("2")),
            ],
            "embed" => vec![
                ("input", path("tokens")),
                ("model", path("annotator")),
                ("predictions", path("predictions.parquet")),
                ("zarr", path("annotated.zarr")),
                ("cells", path("cells.zarr")),
            ],
            "grn" => vec![
                ("input", path("tokens")),
                ("model", path("model")),
                ("regulators", path("cohort/truth/regulators.txt")),
                ("method", text("attention,embedding,correlation,trees")),
                ("attention-form", text("lift,rank")),
                ("programs", path("programs.parquet")),
                ("gene-sets", path("cohort/truth/programs.gmt")),
                ("group-by", text("malignant")),
                ("differential", path("differences.tsv")),
                ("min-cells-per-group", text("5")),
                ("max-cells-per-group", text("40")),
            ],
            "evaluate" => vec![
                ("embeddings", path("embeddings.parquet")),
                ("predictions", path("predictions.parquet")),
                ("tokens", path("tokens")),
                ("model", path("annotator")),
                ("qc", path("cells.zarr.qc.json")),
                ("batch", text("batch")),
                ("edges", path("edges.parquet")),
                ("reference-network", path("cohort/truth/network.csv")),
                ("universe", text("tf")),
            ],
            _ => panic!("no stage is called `{stage}`"),
        };
        flags.push(("output", path(Self::outputs(stage)[0])));
        flags
    }
}

/// `--flag value` for every value; flags of many values take them at once.
pub fn command_line(flags: &[Flag]) -> Vec<String> {
    flags
        .iter()
        .flat_map(|(flag, values)| std::iter::once(format!("--{flag}")).chain(values.iter().cloned()))
        .collect()
}

/// The same flags as a configuration file.
pub fn toml(flags: &[Flag]) -> String {
    let quoted = |value: &String| format!("{value:?}");
    let line = |(flag, values): &Flag| match values.as_slice() {
        [value] => format!("{flag} = {}\n", quoted(value)),
        values => format!("{flag} = [{}]\n", values.iter().map(quoted).collect::<Vec<_>>().join(", ")),
    };
    flags.iter().map(line).collect()
}
