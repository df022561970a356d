//! What is said of the split, the genes and the cost.

use crate::annotations::Annotations;
use crate::args::{Config, GeneSource};
use crate::cohort::Cohort;
use crate::genes::Genes;
use panfoma_core::artifact::tokens::{Index, Split};
use std::fmt::Write as _;

/// Values (non-zero counts) one thread tokenizes in a second, both passes; measured, see the commit.
const VALUES_PER_SECOND: f64 = 4e6;

/// Cells and groups of each split, by level of the stratifying label, and what to beware of.
pub fn split_table(of_cells: &Annotations) -> String {
    let record = &of_cells.record;
    let mut text = format!("split by `{}`", record.by);
    if let Some(label) = &record.stratify {
        let _ = write!(text, ", stratified by `{label}`");
    }
    let _ = write!(text, ", seed {}", record.seed);
    let width = of_cells.tallies.keys().map(|level| level.chars().count()).max().unwrap_or(0).clamp(5, 40);
    let names = |kind: &str| Split::ALL.map(|split| format!("{kind} {split}"));
    let header: Vec<String> = names("groups").into_iter().chain(names("cells")).collect();
    let _ = write!(text, "\n  {:width$}", "level");
    header.iter().for_each(|name| _ = write!(text, " {name:>12}"));
    let mut line = |level: &str, groups: [u64; 3], cells: [u64; 3]| {
        let _ = write!(text, "\n  {level:width$}");
        groups.iter().chain(&cells).for_each(|n| _ = write!(text, " {n:>12}"));
    };
    for (level, tally) in &of_cells.tallies {
        line(
            level,
            Split::ALL.map(|split| tally.groups.get(split)),
            Split::ALL.map(|split| tally.cells.get(split)),
        );
    }
    if of_cells.tallies.len() > 1 {
        line("total", Split::ALL.map(|s| record.groups.get(s)), Split::ALL.map(|s| record.cells.get(s)));
    }
    text
}

/// What a reader of the split must know.
pub fn warnings(of_cells: &Annotations) -> Vec<String> {
    let record = &of_cells.record;
    let mut warnings = Vec::new();
    if record.optimistic {
        warnings.push(format!(
            "this split is optimistic: cells of one patient fall into several splits (`--split {}`), \
             and scores on it flatter every method",
            record.by
        ));
    }
    for (split, fraction) in Split::ALL.into_iter().zip(record.fractions) {
        if fraction > 0.0 && record.groups.get(split) == 0 {
            warnings.push(format!(
                "no group is left for `{split}`: {} groups of `{}` are too few",
                Split::ALL.map(|split| record.groups.get(split)).iter().sum::<u64>(),
                record.by
            ));
        }
        let lacking: Vec<&str> = of_cells
            .tallies
            .iter()
            .filter(|(_, tally)| of_cells.tallies.len() > 1 && fraction > 0.0 && tally.groups.get(split) == 0)
            .map(|(level, _)| level.as_str())
            .collect();
        if !lacking.is_empty() {
            let levels = lacking.join("`, `");
            warnings.push(format!("too few groups for `{split}` cells of `{levels}`"));
        }
    }
    warnings
}

/// The plan that `--dry-run` prints.
pub fn plan(cells: &Cohort, of_cells: &Annotations, config: &Config, threads: usize) -> String {
    let n_values = cells.n_values() as f64;
    let threads = threads as f64;
    let genes = match &config.genes {
        GeneSource::Given { path, .. } => format!("those of `{}`", path.display()),
        GeneSource::Fitted { min_cells, n_top_genes: None } => {
            format!("every gene that {min_cells} training cells express")
        }
        GeneSource::Fitted { min_cells, n_top_genes: Some(n) } => {
            format!("the {n} most variable that {min_cells} training cells express")
        }
    };
    // A block a thread as read and as tokens, a row group a thread as it is encoded, and what is known of every cell.
    let mean_values = n_values / (cells.n_cells().max(1) as f64);
    let per_cell = 32.0 + 4.0 * of_cells.columns.len() as f64;
    let memory = (threads * 40.0 + threads.min(16.0) * 30.0) * 1024.0 * mean_values
        + cells.n_cells() as f64 * per_cell
        + 5e7;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "input    {} cells ({} pass), {} genes, {} studies, {:.1} million counts",
        cells.n_cells(),
        of_cells.n_kept(),
        cells.genes().len(),
        cells.studies().len(),
        n_values / 1e6
    );
    let _ = writeln!(text, "genes    {genes}");
    let _ = writeln!(text, "bins     {} by {}", config.n_bins, config.binning);
    let _ = writeln!(text, "labels   {}", list(&of_cells.label_columns));
    let _ = writeln!(text, "groups   {}", list(&of_cells.group_columns));
    let _ = writeln!(text, "{}", split_table(of_cells));
    for warning in warnings(of_cells) {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(
        text,
        "cost     about {:.0} s, {:.1} GiB of memory, {:.2} GiB on disk",
        (n_values / VALUES_PER_SECOND / threads).ceil(),
        memory / (1u64 << 30) as f64,
        n_values * 2.5 / (1u64 << 30) as f64
    );
    text
}

/// The genes that `--fit-only` chose, to the log.
pub fn log_vocabulary(genes: &Genes, output: &std::path::Path) {
    let (n_genes, selection) = (genes.vocabulary.n_genes(), &genes.selection);
    tracing::info!("`{}`: {n_genes} genes ({selection})", output.display());
    tracing::info!("vocabulary {}", genes.vocabulary.digest());
}

/// What was written and what was left out, to the log.
pub fn log_result(index: &Index, output: &std::path::Path) {
    let dropped = index.dropped;
    tracing::info!(
        "`{}`: {} cells ({} train, {} valid, {} test), {} genes, {} bins",
        output.display(),
        index.n_cells,
        index.split.cells.train,
        index.split.cells.valid,
        index.split.cells.test,
        index.vocabulary.n_genes,
        index.n_bins
    );
    tracing::info!(
        "left out: {} cells that fail quality control, {} cells without a vocabulary gene, {} genes outside the \
         vocabulary",
        dropped.cells_failing_qc,
        dropped.cells_without_vocabulary_gene,
        dropped.genes_outside_vocabulary
    );
    tracing::info!("vocabulary {}", index.vocabulary.digest);
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
