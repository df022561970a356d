//! `panfoma-qc`: reads count matrices, measures their cells, removes the poor ones and merges the rest into one cells.zarr.
//!
//! Every input is read once: every value is checked, every cell measured, and the counts are set aside in a temporary file
//! beside the output, about two bytes each. What follows (doublets, writing) reads that. Memory holds the metrics and
//! annotations of the cells and one block of counts; for doublets one sample.

mod args;
mod cell;
mod cell_ids;
mod columns;
mod config;
mod csv;
mod doublets;
mod filters;
mod genes;
mod html;
mod human;
mod input;
mod manifest;
mod metrics;
mod modalities;
mod names;
mod outliers;
mod outputs;
mod places;
mod plan;
mod report;
mod samples;
mod scheme;
mod stash;
mod study;
mod sums;
mod tsv;
mod write;

pub use args::{Args, Preset};

use anyhow::Result;
use config::Config;
use doublets::Doublets;
use filters::Rule;
use genes::{Merged, StudyGenes};
use input::Input;
use metrics::Metrics;
use panfoma_core::artifact::provenance;
use panfoma_core::matrix::{Frame, Matrix, Rounding, Spool};
use panfoma_core::stage::{Context, Kind, Progress, Stage, UserError};
use report::Skipped;
use stash::{Stash, StashFile};
use std::path::Path;
use std::time::Instant;
use study::Study;

/// A study whose cells were measured and judged.
struct Measured {
    study: Study,
    metrics: Metrics,
    /// The rule that removes each cell.
    rules: Vec<Option<Rule>>,
    /// If corrected counts were asked for.
    rounding: Option<Rounding>,
    /// If they were looked for.
    doublets: Option<Doublets>,
    /// The cells and what the input knows of them.
    cells: Frame,
    /// The counts, set aside: the input is not read again.
    counts: Stash,
    /// The counts of its modalities, in the order of `study.modalities`.
    modalities: Vec<Stash>,
    /// Cells to read at once.
    block_len: usize,
}

impl Stage for Args {
    const NAME: &'static str = "panfoma-qc";
    const ABOUT: &'static str =
        "Reads count matrices, removes poor cells, writes one AnnData-readable cells.zarr";
    const EXAMPLES: &'static str = "  # one study, default filters
  panfoma-qc -i tumour.h5ad -o cells.zarr

  # a corpus: one study a file, unusable files skipped and listed in cells.zarr.qc.json
  panfoma-qc -i studies/*.h5ad run1/filtered_feature_bc_matrix/ -o cells.zarr --skip-unusable --preset panfomabench

  # the same from a table that also names samples, patients and labels
  panfoma-qc --manifest studies.csv --label-map labels.csv -o cells.zarr

  # doublets, scored sample by sample and removed
  panfoma-qc -i tumour.h5ad -o cells.zarr --sample-column library --remove-doublets

  # what would happen
  panfoma-qc -i tumour.h5ad -o cells.zarr --layer counts --patient-column donor --dry-run";

    fn run(self, context: &Context) -> Result<()> {
        let started = Instant::now();
        let mut config = Config::new(&self)?;
        context.refuse_existing(&config.output)?;
        let mut spool = Spool::default();
        for input in &mut config.inputs {
            input.path = spool.take(&input.path)?;
        }
        let mut skipped = Vec::new();
        let opened = usable(&config.inputs, &config, &mut skipped, |input| {
            let matrix = input.located(input.open(&config))?;
            let study = input.located(Study::examine(input, &matrix, &config))?;
            Ok((study, (config.inputs.len() == 1).then_some(matrix)))
        })?;
        if let Some(scheme) = &config.scheme {
            let labels = opened.iter().map(|(study, _)| (study.name.as_str(), &study.unmapped_labels));
            scheme.check(labels, config.strict_labels)?;
        }
        if context.dry_run {
            let studies: Vec<Study> = opened.into_iter().map(|(study, _)| study).collect();
            return plan::print(&studies, &skipped, &config);
        }
        let mut studies = measure(opened, &config, context, &mut skipped)?;
        doublets::find(&mut studies, &config, context)?;
        let mut merged = merge(&studies, &config);
        if config.min_cells > 0 {
            let passes = |study: &Measured, cell: usize| study.rules[cell].is_none();
            let sums = sums::of_genes(&studies, &merged, passes, &context.interrupt)?;
            let keep: Vec<bool> = sums.iter().map(|sum| sum.n_cells >= config.min_cells).collect();
            merged.retain(&keep);
        }
        outputs::save(&studies, &merged, skipped, &config, context)?;
        provenance::write_run_record(&config.output, context, started)
    }
}

/// Applies `work` to every item; what cannot be used is an error, or under `--skip-unusable` a warning.
fn usable<I, T>(
    items: impl IntoIterator<Item = I>,
    config: &Config,
    skipped: &mut Vec<Skipped>,
    mut work: impl FnMut(I) -> Result<T>,
) -> Result<Vec<T>>
where
    I: Named,
{
    let mut done = Vec::new();
    for item in items {
        let name = item.name().to_owned();
        match work(item) {
            Ok(result) => done.push(result),
            Err(error) if config.skip_unusable && concerns_input(&error) => {
                tracing::warn!("skipped `{name}`: {error:#}");
                skipped.push(Skipped { study: name, reason: format!("{error:#}") });
            }
            Err(error) => return Err(error),
        }
    }
    if done.is_empty() {
        let message = format!("none of the {} inputs can be used", config.inputs.len());
        return Err(UserError::bad_data(message).hint("the warnings above say why").into());
    }
    Ok(done)
}

/// Something that belongs to a study.
trait Named {
    fn name(&self) -> &str;
}

impl Named for &Input {
    fn name(&self) -> &str {
        &self.study
    }
}

impl Named for (Study, Option<Matrix>) {
    fn name(&self) -> &str {
        &self.0.name
    }
}

fn concerns_input(error: &anyhow::Error) -> bool {
    let user = error.chain().find_map(|cause| cause.downcast_ref::<UserError>());
    user.is_some_and(|user| matches!(user.kind, Kind::BadData | Kind::InputMissing))
}

/// Reads the inputs.
fn measure(
    opened: Vec<(Study, Option<Matrix>)>,
    config: &Config,
    context: &Context,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<Measured>> {
    let mut progress =
        Progress::new("cells measured", opened.iter().map(|(study, _)| study.n_cells as u64).sum());
    let beside = config.output.parent().filter(|parent| !parent.as_os_str().is_empty());
    let file = StashFile::create(beside.unwrap_or(Path::new(".")))?;
    let measured = usable(opened, config, skipped, |(study, held)| {
        let input = study.input.clone();
        input.located(measure_study(study, held, &file, config, context, &mut progress))
    })?;
    progress.finish();
    Ok(measured)
}

/// Reads an input; `held` is the matrix if it is still open.
fn measure_study(
    study: Study,
    held: Option<Matrix>,
    file: &StashFile,
    config: &Config,
    context: &Context,
    progress: &mut Progress,
) -> Result<Measured> {
    let mut matrix = match held {
        Some(matrix) => matrix,
        None => study.input.open(config)?,
    };
    let (found, expected) = ((matrix.n_cells(), matrix.n_genes()), (study.n_cells, study.genes.names.len()));
    if found != expected {
        let message = format!(
            "`{}` changed while it was read: {} x {} cells x genes, {} x {} at first",
            study.input.path.display(),
            found.0,
            found.1,
            expected.0,
            expected.1
        );
        return Err(UserError::bad_data(message).hint("run again when nothing writes to it any more").into());
    }
    let mut counts = Stash::new(file);
    let mut modalities: Vec<Stash> = matrix.modalities.iter().map(|_| Stash::new(file)).collect();
    let interrupt = &context.interrupt;
    let metrics = metrics::measure(&study, &mut matrix, interrupt, progress, |cells, rows, matrix| {
        for (number, stash) in modalities.iter_mut().enumerate() {
            stash.push(&matrix.read_modality(number, cells.clone())?)?;
        }
        counts.push(rows)
    })?;
    let rules = config.filters.decide(&metrics, study.genes.names.len(), &study.samples.codes);
    if !rules.iter().any(Option::is_none) && !config.keep_removed {
        return Err(nothing_left(&study, &rules));
    }
    let rounding = matrix.rounding;
    let (block_len, cells) = (matrix.block_len(), std::mem::take(&mut matrix.cells));
    Ok(Measured { study, metrics, rules, rounding, doublets: None, cells, counts, modalities, block_len })
}

fn nothing_left(study: &Study, rules: &[Option<Rule>]) -> anyhow::Error {
    let mut counts = std::collections::BTreeMap::<Rule, usize>::new();
    rules.iter().flatten().for_each(|&rule| *counts.entry(rule).or_default() += 1);
    let counts: Vec<String> = counts.iter().map(|(rule, n)| format!("{n} by {}", rule.name())).collect();
    UserError::bad_data(format!(
        "`{}`: no cell of {} passes: {}",
        study.input.path.display(),
        rules.len(),
        counts.join(", ")
    ))
    .hint("loosen the filter that removed them, such as `--min-genes` or `--max-pct-mt`")
    .into()
}

fn merge(studies: &[Measured], config: &Config) -> Merged {
    let genes: Vec<(&str, &StudyGenes)> =
        studies.iter().map(|study| (study.study.name.as_str(), &study.study.genes)).collect();
    Merged::new(&genes, config.keep_unmapped)
}
