//! A simulated multi-study tumour cohort with a known regulatory network.
//!
//! Count of gene g in cell c of sample s, study t:
//!
//! ```text
//! activity[c, r] = state[cell type, cancer type][r] + patient[r] + noise[c, r] + sum over upstream r' of noise[c, r']
//! log rate[c, g] = base[g] + saturate(sum over regulators r of weight[r, g] * activity[c, r])
//!                  + copies[patient, block of g]  (malignant cells)  + effect[t, g] + effect[s, g]
//! share[c, .]    = (1 - mt[c]) * rate / sum of rates, and mt[c] spread over the mitochondrial genes
//! mean[c, g]     = depth[c] * ((1 - soup[s]) * share[c, g] + soup[s] * ambient[s, g])
//! count[c, g]    ~ negative binomial(mean, dispersion[g]): variance = mean + dispersion * mean^2
//! ```
//!
//! A regulator's own messenger follows its activity, so regulators and targets are coexpressed inside a cell type
//! too, not only between types. The network is the same in every cell: it is the truth for `grn` and `evaluate`.
//!
//! What real cohorts have and this one has as well: several patients of every cancer type in at least two studies;
//! studies that differ in depth, panel, gene names and gene-wise efficiency; samples with their own soup; malignant
//! cells with a patient's own aneuploidy; the tissue's normal epithelium beside them, which shares the malignant
//! cells' lineage program; doublets; damaged cells of little depth and a high mitochondrial share. What it has not:
//! splicing, cell-type specific regulation, spatial structure, continuous differentiation.
//!
//! Every draw is keyed by (seed, what is drawn, index), so a cell does not change when others are added.

mod cells;
mod design;
mod gene_list;
mod h5ad;
mod network;
mod programs;
mod random;
mod truth;

use anyhow::Context as _;
use panfoma_core::artifact::atomic;
use panfoma_core::rng::Philox;
use panfoma_core::stage::UserError;
use serde::Serialize;
use std::path::Path;

pub use design::CANCER_TYPES;

/// What to simulate.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Parameters {
    /// Number of studies, each a file.
    pub studies: usize,
    /// Patients of a study.
    pub patients_per_study: usize,
    /// Mean number of cells of a patient.
    pub cells_per_patient: usize,
    /// Genes of the universe; each study misses some.
    pub genes: usize,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { studies: 4, patients_per_study: 6, cells_per_patient: 120, genes: 4000, seed: 0 }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Cells of all studies.
    pub n_cells: usize,
    /// Non-zero counts of all studies.
    pub n_counts: usize,
}

/// Writes `study_1.h5ad` … and `truth/` into the directory `output`, which is replaced as a whole.
///
/// Errors: a usage error if some cancer type would not reach two studies; I/O.
pub fn write(output: &Path, parameters: &Parameters) -> anyhow::Result<Summary> {
    let philox = Philox::new(parameters.seed);
    let design = design::Design::new(parameters, &philox)?;
    let genes = gene_list::universe(parameters.genes)?;
    let network = network::Network::new(&genes, &philox);
    atomic::write_directory(output, |directory| {
        let mut summary = Summary { n_cells: 0, n_counts: 0 };
        let mut all_cells = Vec::new();
        for study in &design.studies {
            let cells = cells::simulate(study, &genes, &network, &philox);
            let path = directory.join(format!("{}.h5ad", study.name));
            summary.n_counts += h5ad::write(&path, study, &genes, &cells, &philox)
                .with_context(|| format!("writing `{}`", path.display()))?;
            summary.n_cells += cells.len();
            all_cells.extend(cells.into_iter().map(cells::Cell::without_counts));
        }
        truth::write(&directory.join("truth"), parameters, &design, &genes, &network, &all_cells)?;
        Ok(summary)
    })
}

fn impossible(message: String, hint: &str) -> anyhow::Error {
    UserError::usage(message).hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(self::files(&path));
            } else {
                files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        files.sort();
        files
    }

    #[test]
    fn the_same_seed_writes_the_same_bytes_and_another_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let cohort = directory.path().join("cohort");
        let small =
            Parameters { studies: 2, patients_per_study: 4, cells_per_patient: 4, genes: 600, seed: 1 };
        let write_and_read = |parameters| {
            write(&cohort, parameters).unwrap();
            files(&cohort)
        };
        let first = write_and_read(&small);
        assert_eq!(first.len(), 2 + 6);
        assert!(first == write_and_read(&small));
        assert!(first != write_and_read(&Parameters { seed: 2, ..small }));
    }
}
