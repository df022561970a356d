//! Flags.

use clap::{ValueEnum, ValueHint};
use serde::Serialize;
use std::path::PathBuf;

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
