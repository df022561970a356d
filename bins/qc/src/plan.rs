//! `--dry-run`: what would be done.

use crate::config::Config;
use crate::report::Skipped;
use crate::study::Study;
use anyhow::Result;
use std::io::Write;
use std::path::Path;

/// Bytes of compressed input a second and core: measured on gzipped `.h5ad`.
const BYTES_A_SECOND: u64 = 24 << 20;

/// Prints the plan to stdout.
pub fn print(studies: &[Study], skipped: &[Skipped], config: &Config) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "study\tinput\tcells\tgenes\tmapped\tgene_names\tcounts\tsample\tpatient\tmin_genes")?;
    for study in studies {
        let genes = &study.genes;
        let or = |column: &Option<String>| column.clone().unwrap_or_else(|| "-".to_owned());
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            study.name,
            study.input.file_name(),
            study.n_cells,
            genes.counts.genes,
            genes.counts.mapped(),
            genes.column,
            study.source,
            or(&study.samples.column),
            or(&study.patients.column),
            config.filters.min_genes_of(genes.counts.genes)
        )?;
    }
    for skipped in skipped {
        writeln!(out, "{}\tskipped: {}", skipped.study, skipped.reason)?;
    }
    let bytes: u64 = studies.iter().map(|study| size(&study.input.path)).sum();
    let cells: usize = studies.iter().map(|study| study.n_cells).sum();
    // Names, metrics and annotations of the cells, and what one matrix holds while it streams.
    let memory = cells as u64 * 400 / (1 << 20) + 512;
    writeln!(
        out,
        "would write `{}`: about {} s, {memory} MiB",
        config.output.display(),
        bytes / BYTES_A_SECOND + 1
    )?;
    Ok(())
}

/// Bytes of a file or of a directory's files; 0 if they cannot be seen.
fn size(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => {
            entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
        }
        Err(_) => std::fs::metadata(path).map_or(0, |file| file.len()),
    }
}
