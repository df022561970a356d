//! Flags, and the configuration they make.

use crate::doublets;
use crate::filters::Filters;
use crate::input::{Input, stem};
use crate::manifest;
use crate::scheme::Scheme;
use anyhow::Result;
use clap::{ValueEnum, ValueHint};
use panfoma_core::matrix::Source;
use panfoma_core::stage::UserError;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Read count matrices, compute quality metrics, remove poor cells, write cells.zarr
#[derive(clap::Args, Clone, Debug, Serialize)]
pub struct Args {
    /// Matrices: `.h5ad`, `.h5mu`, `.loom` and Cell Ranger `.h5` files, AnnData in Zarr, 10x directories (matrix.mtx, barcodes.tsv,
    /// features.tsv) or the `matrix.mtx` in them, tables (`.csv`, `.tsv`, `.txt`), gzipped or not; `/dev/stdin` and pipes
    #[arg(short, long, value_name = "PATH", num_args = 1.., value_hint = ValueHint::AnyPath, help_heading = "Input")]
    #[serde(skip)]
    pub input: Vec<PathBuf>,

    /// Name of each input's study, in the order of the inputs [default: the file's name without extension]
    #[arg(long, value_name = "NAME", num_args = 1.., help_heading = "Input")]
    pub study: Vec<String>,

    /// The inputs as a table (CSV) instead of -i: `study`, `path`; perhaps `layer`, `sample_column`, `patient_column`, `sample`,
    /// `patient`, `label:NAME` (the obs column that becomes NAME); any other column is a value for all cells of the input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    #[serde(skip)]
    pub manifest: Option<PathBuf>,

    /// Values of obs columns to bring to one scheme, as a table (CSV): `column`, `from`, `to`, perhaps `study`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    #[serde(skip)]
    pub label_map: Option<PathBuf>,

    /// Refuse values that the label map does not know
    #[arg(long, help_heading = "Input")]
    pub strict_labels: bool,

    /// Matrix with the raw counts: `X`, `raw`, a layer or, of Cell Ranger 2, a genome [default: the first that holds integers]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub layer: Option<String>,

    /// Round counts that a tool corrected (SoupX, DecontX, RSEM, kallisto) to integers, halves to the even one; log-normalised,
    /// normalised and scaled values are refused all the same
    #[arg(long, help_heading = "Input")]
    pub round_corrected_counts: bool,

    /// obs columns that may name the sample, best first [default: sample, sample_id, batch, library_id, orig.ident, …]
    #[arg(long, value_name = "COLUMN", num_args = 1.., help_heading = "Input")]
    pub sample_column: Vec<String>,

    /// obs columns that may name the patient, best first [default: patient, patient_id, donor_id, donor, individual, …]
    #[arg(long, value_name = "COLUMN", num_args = 1.., help_heading = "Input")]
    pub patient_column: Vec<String>,

    /// obs columns to carry over [default: all]
    #[arg(long, value_name = "COLUMN", num_args = 1.., help_heading = "Input")]
    pub keep_columns: Vec<String>,

    /// Skip inputs that cannot be used, with a warning, instead of failing
    #[arg(long, help_heading = "Input")]
    pub skip_unusable: bool,

    /// Share of an input's genes that must be known human genes
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, help_heading = "Genes")]
    pub min_gene_coverage: f64,

    /// Keep genes that no table knows, as `input:NAME`
    #[arg(long, help_heading = "Genes")]
    pub keep_unmapped: bool,

    /// Remove genes seen in fewer of the cells that pass [default: 0; panfomabench: 3]
    #[arg(long, value_name = "N", help_heading = "Genes")]
    pub min_cells: Option<u64>,

    /// Start from a preset; flags given besides it win
    #[arg(long, value_enum, default_value_t, help_heading = "Cells")]
    pub preset: Preset,

    /// Remove cells with fewer genes [default: 200, but 5 % of the genes of a panel of fewer than 4,000]
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub min_genes: Option<u32>,

    /// Remove cells with more genes
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub max_genes: Option<u32>,

    /// Remove cells with fewer counts
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub min_counts: Option<f64>,

    /// Remove cells with more counts
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub max_counts: Option<f64>,

    /// Remove cells with more of their counts from mitochondrial genes, in percent; 100 keeps all
    #[arg(long, value_name = "PERCENT", default_value_t = 20.0, help_heading = "Cells")]
    pub max_pct_mt: f64,

    /// Remove cells whose log counts or log genes lie more than N median absolute deviations (not scaled) from their
    /// sample's median [default: off; panfomabench: 5]
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub max_mads: Option<f64>,

    /// Remove cells whose mitochondrial share lies more than N median absolute deviations above their sample's median
    /// [default: off; panfomabench: 3]
    #[arg(long, value_name = "N", help_heading = "Cells")]
    pub max_mads_mt: Option<f64>,

    /// Score doublets in each sample of at least 50 cells that pass (Scrublet, as scanpy runs it)
    #[arg(long, help_heading = "Doublets")]
    pub doublets: bool,

    /// Share of a sample's cells expected to be doublets; about 0.008 for each 1,000 cells of a 10x run
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, help_heading = "Doublets")]
    pub expected_doublet_rate: f64,

    /// Call cells with a higher score doublets [default: each sample's valley between the simulated doublets' two modes]
    #[arg(long, value_name = "SCORE", help_heading = "Doublets")]
    pub max_doublet_score: Option<f64>,

    /// Remove the cells called doublets; implies --doublets
    #[arg(long, help_heading = "Doublets")]
    pub remove_doublets: bool,

    /// Keep removed cells in the output, marked `passes_qc = False`
    #[arg(long, help_heading = "Cells")]
    pub keep_removed: bool,

    /// The cells.zarr to write
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    #[serde(skip)]
    pub output: PathBuf,
}

/// A named set of filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Few genes, high mitochondrial share
    #[default]
    Standard,
    /// The steps PanFoMaBench names (few genes, abnormally many genes or counts, high mitochondrial share, rare genes); the
    /// paper gives no thresholds, these are ours: 5 MADs of counts and genes, 3 MADs above and 20 % of mitochondrial
    /// counts, 3 cells
    Panfomabench,
}

/// Flags that fit together.
pub struct Config {
    /// At least one; what begins their cell ids differs.
    pub inputs: Vec<Input>,
    /// Tables that were read besides: they are inputs, too.
    pub tables: Vec<PathBuf>,
    /// The scheme of labels.
    pub scheme: Option<Scheme>,
    /// Refuse values that have no place in it.
    pub strict_labels: bool,
    /// The artifact.
    pub output: PathBuf,
    /// The matrix to read.
    pub source: Option<Source>,
    /// Round corrected counts.
    pub round_corrected_counts: bool,
    /// Asked-for sample columns.
    pub sample_columns: Vec<String>,
    /// Asked-for patient columns.
    pub patient_columns: Vec<String>,
    /// Columns to carry over; `None`: all.
    pub keep_columns: Option<BTreeSet<String>>,
    /// Skip what cannot be used.
    pub skip_unusable: bool,
    /// Between 0 and 1.
    pub min_gene_coverage: f64,
    /// Keep unknown genes.
    pub keep_unmapped: bool,
    /// Cells that must express a gene.
    pub min_cells: u64,
    /// Cell filters.
    pub filters: Filters,
    /// `None`: no doublets are looked for.
    pub doublets: Option<doublets::Settings>,
    /// Keep removed cells, marked.
    pub keep_removed: bool,
}

impl Config {
    /// Errors: 64 for flags that contradict one another.
    pub fn new(args: &Args) -> Result<Self> {
        let bench = args.preset == Preset::Panfomabench;
        let share = |flag: &str, value: f64, most: f64| match (0.0..=most).contains(&value) {
            true => Ok(value),
            false => Err(UserError::usage(format!("`{flag} {value}` is not between 0 and {most}"))),
        };
        let mads = |flag: &str, value: Option<f64>, of_bench: f64| match value.or(bench.then_some(of_bench)) {
            Some(mads) if mads.is_nan() || mads <= 0.0 => {
                Err(UserError::usage(format!("`{flag}` must be greater than 0")))
            }
            mads => Ok(mads),
        };
        if args.min_genes.zip(args.max_genes).is_some_and(|(min, max)| min > max) {
            return Err(UserError::usage("`--min-genes` is greater than `--max-genes`").into());
        }
        if args.min_counts.zip(args.max_counts).is_some_and(|(min, max)| min > max) {
            return Err(UserError::usage("`--min-counts` is greater than `--max-counts`").into());
        }
        if args.strict_labels && args.label_map.is_none() {
            return Err(UserError::usage("`--strict-labels` needs a `--label-map`").into());
        }
        Ok(Self {
            inputs: match &args.manifest {
                Some(path) => of_manifest(path, args)?,
                None => inputs(&args.input, &args.study)?,
            },
            tables: args.manifest.iter().chain(&args.label_map).cloned().collect(),
            scheme: args.label_map.as_deref().map(Scheme::read).transpose()?,
            strict_labels: args.strict_labels,
            output: args.output.clone(),
            source: args.layer.as_deref().map(|layer| layer.parse().unwrap_or_else(|never| match never {})),
            round_corrected_counts: args.round_corrected_counts,
            sample_columns: args.sample_column.clone(),
            patient_columns: args.patient_column.clone(),
            keep_columns: (!args.keep_columns.is_empty())
                .then(|| args.keep_columns.iter().cloned().collect()),
            skip_unusable: args.skip_unusable,
            min_gene_coverage: share("--min-gene-coverage", args.min_gene_coverage, 1.0)?,
            keep_unmapped: args.keep_unmapped,
            min_cells: args.min_cells.unwrap_or(if bench { 3 } else { 0 }),
            filters: Filters {
                min_genes: args.min_genes,
                max_genes: args.max_genes,
                min_counts: args.min_counts,
                max_counts: args.max_counts,
                max_pct_mt: share("--max-pct-mt", args.max_pct_mt, 100.0)?,
                max_mads: mads("--max-mads", args.max_mads, 5.0)?,
                max_mads_mt: mads("--max-mads-mt", args.max_mads_mt, 3.0)?,
            },
            doublets: doublets(args)?,
            keep_removed: args.keep_removed,
        })
    }
}

fn of_manifest(path: &Path, args: &Args) -> Result<Vec<Input>> {
    for (flag, given) in [("--input", !args.input.is_empty()), ("--study", !args.study.is_empty())] {
        if given {
            return Err(UserError::usage(format!("`{flag}` and `--manifest` exclude each other"))
                .hint("the manifest names all inputs and their studies")
                .into());
        }
    }
    manifest::read(path)
}

fn doublets(args: &Args) -> Result<Option<doublets::Settings>> {
    let rate = args.expected_doublet_rate;
    if !(rate > 0.0 && rate < 1.0) {
        let message = format!("`--expected-doublet-rate {rate}` is not between 0 and 1, both excluded");
        return Err(UserError::usage(message).into());
    }
    if args.max_doublet_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err(UserError::usage("`--max-doublet-score` is not between 0 and 1").into());
    }
    let asked = args.doublets || args.remove_doublets;
    if !asked && args.max_doublet_score.is_some() {
        return Err(UserError::usage("`--max-doublet-score` needs scores")
            .hint("pass `--doublets` to call doublets, or `--remove-doublets` to remove them")
            .into());
    }
    Ok(asked.then_some(doublets::Settings {
        expected_rate: rate,
        max_score: args.max_doublet_score,
        remove: args.remove_doublets,
    }))
}

fn inputs(paths: &[PathBuf], names: &[String]) -> Result<Vec<Input>> {
    if paths.is_empty() {
        return Err(UserError::usage("no input is named")
            .hint("pass matrices with `--input`, or a table of them with `--manifest`")
            .into());
    }
    if !names.is_empty() && names.len() != paths.len() {
        return Err(UserError::usage(format!(
            "`--study` names {} studies for {} inputs",
            names.len(),
            paths.len()
        ))
        .into());
    }
    let mut seen = BTreeSet::new();
    let mut inputs = Vec::with_capacity(paths.len());
    for (i, path) in paths.iter().enumerate() {
        let study = names.get(i).cloned().unwrap_or_else(|| stem(path));
        if study.trim().is_empty() {
            return Err(UserError::usage(format!("`{}` needs a name: pass `--study`", path.display())).into());
        }
        if study.contains(':') {
            return Err(UserError::usage(format!(
                "the study `{study}` holds a colon, which parts study and cell in cell ids"
            ))
            .hint("name it with `--study`")
            .into());
        }
        if !seen.insert(study.clone()) {
            return Err(UserError::usage(format!("two studies are called `{study}`"))
                .hint("name them with `--study A B …`, in the order of the inputs")
                .into());
        }
        inputs.push(Input::new(study, path.clone()));
    }
    Ok(inputs)
}
