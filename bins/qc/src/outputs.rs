//! The files that a run leaves.

use crate::config::Config;
use crate::genes::Merged;
use crate::report::{Report, Skipped};
use crate::{Measured, columns, html, names, samples, write};
use anyhow::{Context as _, Result};
use panfoma_core::artifact::{Header, Provenance, atomic, cells};
use panfoma_core::genes::GeneTable;
use panfoma_core::stage::Context;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes the artifact, the removed cells and the report.
pub fn save(
    studies: &[Measured],
    merged: &Merged,
    skipped: Vec<Skipped>,
    config: &Config,
    context: &Context,
) -> Result<()> {
    let carried =
        columns::union(studies.iter().map(|study| study.study.columns.as_slice()), config.doublets.is_some());
    let paths: Vec<PathBuf> = studies.iter().map(|study| study.study.input.path.clone()).collect();
    let provenance = Provenance::new(context, paths.iter().chain(config.tables()).map(PathBuf::as_path))?
        .with_genes("gene_table", GeneTable::digest());
    let header = Header::new(cells::FORMAT, cells::VERSION, provenance);
    let repeated = atomic::write_file(&beside(&config.output, "removed.tsv"), |tsv| -> Result<Vec<usize>> {
        let mut removed = BufWriter::new(std::fs::File::create(tsv)?);
        let repeated = atomic::write_directory(&config.output, |directory| {
            write::cells(
                directory,
                &mut removed,
                studies,
                merged,
                &carried,
                &header,
                config,
                &context.interrupt,
            )
        })?;
        removed.flush()?;
        Ok(repeated)
    })
    .with_context(|| format!("writing `{}`", config.output.display()))?;
    let samples = samples::summarise(studies);
    beside_as_table(&config.output, "genes.tsv", |tsv| names::write(tsv, studies, merged))?;
    beside_as_table(&config.output, "samples.tsv", |tsv| samples::write(tsv, &samples))?;
    let shown = html::Shown {
        studies,
        skipped: &skipped,
        n_genes: merged.genes.len(),
        provenance: &header.provenance,
        config,
    };
    let [html, figures, multiqc] =
        ["qc.html", "qc_figures", "qc_mqc"].map(|name| beside(&config.output, name));
    html::write(&html::Paths { html: &html, figures: &figures, multiqc: &multiqc }, &shown)?;
    let report = Report::new(studies, &repeated, samples, skipped, merged, &carried, config);
    report.log();
    Ok(atomic::write_json(&beside(&config.output, "qc.json"), &report)?)
}

/// Writes `<output>.<extension>`, whole or not at all.
fn beside_as_table(
    output: &Path,
    extension: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let path = beside(output, extension);
    atomic::write_file(&path, |temporary| -> Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(temporary)?);
        write(&mut file)?;
        Ok(file.flush()?)
    })
    .with_context(|| format!("writing `{}`", path.display()))
}

/// `<output>.<extension>`.
fn beside(output: &Path, extension: &str) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{extension}"));
    PathBuf::from(name)
}
