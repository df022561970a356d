//! `<output>.qc.json`: what was read, understood, kept and removed; and the same in the log.

use crate::Measured;
use crate::columns::Carried;
use crate::config::Config;
use crate::doublets::SampleDoublets;
use crate::genes::Merged;
use crate::samples::{Sample, Tally};
use crate::scheme::Unmapped;
use panfoma_core::genes::{GeneTable, MapCounts};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole report.
#[derive(Serialize)]
pub struct Report {
    /// Cells written.
    pub n_cells: usize,
    /// Genes written.
    pub n_genes: usize,
    /// BLAKE3 of the gene table.
    pub gene_table: String,
    /// Inputs used, in order.
    pub studies: Vec<StudyReport>,
    /// Their samples.
    pub samples: Vec<Sample>,
    /// Inputs left out by `--skip-unusable`, with the reason.
    pub skipped: Vec<Skipped>,
    /// Columns that bear another name in the output.
    pub renamed_columns: BTreeMap<String, String>,
}

/// An input that was left out.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Its study.
    pub study: String,
    /// The error it would have ended with.
    pub reason: String,
}

/// One study.
#[derive(Serialize)]
pub struct StudyReport {
    study: String,
    input: String,
    source: String,
    gene_names: String,
    genes: MapCounts,
    unmapped_examples: Vec<String>,
    unmapped_labels: Unmapped,
    notes: Vec<String>,
    sample_column: Option<String>,
    patient_column: Option<String>,
    /// Features of each modality.
    modalities: BTreeMap<String, usize>,
    /// Modalities that are left out, each with a value that is no count.
    dropped_modalities: BTreeMap<String, String>,
    /// What `--round-corrected-counts` did.
    rounded: Option<Rounded>,
    skipped_columns: BTreeMap<String, String>,
    min_genes: u32,
    repeated_cell_names: usize,
    cells: Tally,
    /// By sample, where they were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    doublets: Option<BTreeMap<String, SampleDoublets>>,
}

/// Values of a study that were rounded.
#[derive(Serialize)]
struct Rounded {
    values: u64,
    not_integers: u64,
    share_not_integers: f64,
}

impl Report {
    /// Puts the report together.
    pub fn new(
        studies: &[Measured],
        repeated: &[usize],
        samples: Vec<Sample>,
        skipped: Vec<Skipped>,
        merged: &Merged,
        carried: &[Carried],
        config: &Config,
    ) -> Self {
        let studies: Vec<_> = studies
            .iter()
            .zip(repeated)
            .map(|(study, &repeated)| StudyReport::new(study, repeated, config))
            .collect();
        let written =
            |study: &StudyReport| if config.keep_removed { study.cells.read } else { study.cells.passed };
        let renamed = carried.iter().filter(|column| column.input_name != column.name);
        Self {
            n_cells: studies.iter().map(written).sum(),
            n_genes: merged.genes.len(),
            gene_table: GeneTable::digest(),
            studies,
            samples,
            skipped,
            renamed_columns: renamed.map(|column| (column.input_name.clone(), column.name.clone())).collect(),
        }
    }

    /// The same for people.
    pub fn log(&self) {
        for study in &self.studies {
            let (name, genes, cells) = (&study.study, &study.genes, &study.cells);
            tracing::info!(
                "`{name}`: {} of {} genes mapped by `{}` ({} ids, {} symbols, {} previous, {} aliases; {} ambiguous, {} unmapped, {} added to another)",
                genes.mapped(),
                genes.genes,
                study.gene_names,
                genes.ensembl,
                genes.approved,
                genes.previous,
                genes.alias,
                genes.ambiguous,
                genes.unmapped,
                genes.duplicated
            );
            let rules: Vec<String> = cells.removed.iter().map(|(rule, n)| format!("{n} by {rule}")).collect();
            let rules = if rules.is_empty() {
                "none removed".to_owned()
            } else {
                format!("removed {}", rules.join(", "))
            };
            tracing::info!("`{name}`: {} of {} cells pass; {rules}", cells.passed, cells.read);
            if cells.passed * 2 < cells.read {
                tracing::warn!("`{name}`: more than half of its cells are removed; see the rules above");
            }
            if study.repeated_cell_names > 0 {
                tracing::warn!(
                    "`{name}`: {} cell names appear again and were numbered",
                    study.repeated_cell_names
                );
            }
        }
        tracing::info!("{} cells x {} genes of {} studies", self.n_cells, self.n_genes, self.studies.len());
    }
}

impl StudyReport {
    fn new(measured: &Measured, repeated_cell_names: usize, config: &Config) -> Self {
        let study = &measured.study;
        let mut cells = Tally::default();
        measured.rules.iter().for_each(|&rule| cells.count(rule));
        let unmapped = study.genes.names.iter().zip(&study.genes.known).filter(|(_, known)| known.is_none());
        Self {
            study: study.name.clone(),
            input: study.input.file_name(),
            source: study.source.clone(),
            gene_names: study.genes.column.clone(),
            genes: study.genes.counts.clone(),
            unmapped_examples: unmapped.map(|(name, _)| name.clone()).take(10).collect(),
            unmapped_labels: study.unmapped_labels.clone(),
            notes: study.notes.clone(),
            sample_column: study.samples.column.clone(),
            patient_column: study.patients.column.clone(),
            modalities: study
                .modalities
                .iter()
                .map(|(name, features)| (name.clone(), features.len()))
                .collect(),
            dropped_modalities: study.dropped_modalities.iter().cloned().collect(),
            rounded: measured.rounding.map(|rounding| Rounded {
                values: rounding.values,
                not_integers: rounding.not_integers,
                share_not_integers: rounding.share(),
            }),
            skipped_columns: study.skipped_columns.iter().cloned().collect(),
            min_genes: config.filters.min_genes_of(study.genes.names.len()),
            repeated_cell_names,
            cells,
            doublets: measured.doublets.as_ref().map(|doublets| {
                study.samples.names.iter().cloned().zip(doublets.samples.iter().cloned()).collect()
            }),
        }
    }
}
