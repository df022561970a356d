//! Flags that fit together.

use crate::args::{Args, Preset};
use crate::doublets;
use crate::filters::Filters;
use crate::input::{Input, stem};
use crate::manifest;
use crate::scheme::Scheme;
use anyhow::Result;
use panfoma_core::matrix::Source;
use panfoma_core::stage::UserError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a run does.
pub struct Config {
    /// At least one; what begins their cell ids differs.
    pub inputs: Vec<Input>,
    /// The table that named them.
    pub manifest: Option<PathBuf>,
    /// The table of the scheme of labels.
    pub label_map: Option<PathBuf>,
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
            manifest: args.manifest.clone(),
            label_map: args.label_map.clone(),
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

    /// What was read besides the matrices: inputs, too.
    pub fn tables(&self) -> impl Iterator<Item = &PathBuf> {
        self.manifest.iter().chain(&self.label_map)
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
