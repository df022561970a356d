//! Who was sampled where: studies, patients, samples, and what each of them does to the counts.

use super::gene_list::N_BLOCKS;
use super::programs::{self, PROGRAMS};
use super::random::{Purpose, log_normal};
use super::{Parameters, impossible};
use panfoma_core::rng::Philox;

/// The cancer types, by TCGA code: breast, lung and colon adenocarcinoma, melanoma.
pub const CANCER_TYPES: [&str; 4] = ["BRCA", "LUAD", "SKCM", "COAD"];

/// The tissue of each cancer type.
pub const TISSUES: [&str; 4] = ["breast", "lung", "skin", "colon"];

/// A type of cell that every tumour holds.
pub struct CellType {
    /// Its name in `obs`.
    pub name: &'static str,
    /// Programs it runs, with the activity of their regulators.
    pub programs: &'static [(&'static str, f64)],
    /// Does it also run its tissue's own program, and how strongly?
    pub lineage: f64,
    /// Share of a typical tumour.
    pub share: f64,
    /// Its depth relative to other cells.
    pub depth: f64,
    /// Logit of its mitochondrial share.
    pub mt_logit: f64,
}

/// Position of the malignant cells in `CELL_TYPES`.
pub const MALIGNANT: usize = 0;

/// The types of cells.
pub const CELL_TYPES: [CellType; 8] = [
    CellType {
        name: "malignant",
        programs: &[("epithelial", 0.6), ("growth", 1.0), ("hypoxia", 0.5)],
        lineage: 1.1,
        share: 0.34,
        depth: 1.7,
        mt_logit: -2.5,
    },
    CellType {
        name: "epithelial",
        programs: &[("epithelial", 1.4)],
        lineage: 0.9,
        share: 0.07,
        depth: 1.2,
        mt_logit: -2.7,
    },
    CellType {
        name: "T cell",
        programs: &[("T cell", 1.6)],
        lineage: 0.0,
        share: 0.22,
        depth: 0.7,
        mt_logit: -3.0,
    },
    CellType {
        name: "NK cell",
        programs: &[("NK cell", 1.6), ("T cell", -0.2)],
        lineage: 0.0,
        share: 0.05,
        depth: 0.65,
        mt_logit: -3.1,
    },
    CellType {
        name: "B cell",
        programs: &[("B cell", 1.6)],
        lineage: 0.0,
        share: 0.07,
        depth: 0.7,
        mt_logit: -3.1,
    },
    CellType {
        name: "macrophage",
        programs: &[("myeloid", 1.6)],
        lineage: 0.0,
        share: 0.13,
        depth: 1.2,
        mt_logit: -2.8,
    },
    CellType {
        name: "fibroblast",
        programs: &[("fibroblast", 1.6), ("mesenchymal", 0.9)],
        lineage: 0.0,
        share: 0.08,
        depth: 1.1,
        mt_logit: -2.9,
    },
    CellType {
        name: "endothelial",
        programs: &[("endothelial", 1.6), ("mesenchymal", 0.3)],
        lineage: 0.0,
        share: 0.04,
        depth: 1.0,
        mt_logit: -2.9,
    },
];

/// Activity of the regulators of a lineage that a cell does not belong to.
const OFF: f64 = -1.1;

/// How a study names its genes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Symbols as row names.
    Symbol,
    /// Ensembl ids as row names and a column `feature_name`, as CELLxGENE has it.
    EnsemblId,
}

/// One study: one file.
pub struct Study {
    /// `study_1` …
    pub name: String,
    /// Row of the study in all its streams.
    pub index: usize,
    /// How it names genes.
    pub naming: Naming,
    /// Column that names the patient: `patient`, or `donor_id` as CELLxGENE has it.
    pub patient_column: &'static str,
    /// The assay, for `obs`.
    pub assay: &'static str,
    /// Logarithm of its median depth.
    pub log_depth: f64,
    /// Share of the universe that its panel misses.
    pub missing: f64,
    /// Its samples, patient after patient.
    pub samples: Vec<Sample>,
}

/// One sample: a patient's cells of one library.
pub struct Sample {
    /// `S1_P2_T1`.
    pub name: String,
    /// `S1_P2`.
    pub patient: String,
    /// Stream of the patient.
    pub patient_key: u64,
    /// Row in `CANCER_TYPES`.
    pub cancer_type: usize,
    /// Library batch in the study, from 0.
    pub batch: usize,
    /// Number of cells.
    pub n_cells: usize,
    /// Stream of the first cell; the others follow.
    pub first_cell: u64,
    /// Share of the ambient soup in every cell's counts.
    pub soup: f64,
    /// Weights of `CELL_TYPES`.
    pub composition: Vec<f64>,
    /// Logarithm of copies / 2 of each block of genes in the patient's malignant cells.
    pub copies: Vec<f64>,
}

/// All studies.
pub struct Design {
    /// In the order of their files.
    pub studies: Vec<Study>,
}

impl Design {
    /// Patients get cancer types in turn; a study lacks one type where there are studies enough.
    ///
    /// Errors: a usage error unless every cancer type stands in two studies.
    pub fn new(parameters: &Parameters, philox: &Philox) -> anyhow::Result<Self> {
        let n_types = CANCER_TYPES.len();
        let window = if parameters.studies > 2 { n_types - 1 } else { n_types };
        let type_of = |study: usize, patient: usize| (study + patient % window) % n_types;
        for (cancer_type, name) in CANCER_TYPES.iter().enumerate() {
            let holds =
                |study: usize| (0..parameters.patients_per_study).any(|p| type_of(study, p) == cancer_type);
            let n = (0..parameters.studies).filter(|&study| holds(study)).count();
            if n < 2 {
                return Err(impossible(
                    format!(
                        "{name} would stand in {n} of {} studies, expected at least 2",
                        parameters.studies
                    ),
                    "raise `--studies` or `--patients-per-study` (2 studies of 4 patients are the least)",
                ));
            }
        }
        let studies =
            (0..parameters.studies).map(|index| study(parameters, index, type_of, philox)).collect();
        Ok(Self { studies })
    }
}

fn study(
    parameters: &Parameters,
    index: usize,
    type_of: impl Fn(usize, usize) -> usize,
    philox: &Philox,
) -> Study {
    // Depths and panels of droplet assays; the second study follows CELLxGENE's conventions.
    const DEPTHS: [f64; 4] = [3200.0, 2300.0, 4600.0, 1700.0];
    const MISSING: [f64; 4] = [0.03, 0.05, 0.12, 0.04];
    const ASSAYS: [&str; 4] = ["10x 3' v2", "10x 3' v3", "10x 5' v1", "10x 3' v2"];
    let mut samples = Vec::new();
    for patient in 0..parameters.patients_per_study {
        let key = (index as u64) << 32 | patient as u64;
        let mut draws = philox.stream(key, Purpose::Patient as u32);
        let composition = CELL_TYPES
            .iter()
            .map(|cell_type| log_normal(&mut draws, libm::log(cell_type.share), 0.5))
            .collect();
        let copies = (0..N_BLOCKS).map(|_| copy_shift(draws.uniform())).collect::<Vec<_>>();
        let n_cells = (parameters.cells_per_patient as f64 * (0.75 + 0.5 * draws.uniform())).round() as usize;
        // Every third patient gave two samples, the second in the other batch.
        let n_samples = if patient % 3 == 2 { 2 } else { 1 };
        for sample in 0..n_samples {
            let mut draws = philox.stream(key << 8 | sample as u64, Purpose::Sample as u32);
            samples.push(Sample {
                name: format!("S{}_P{}_T{}", index + 1, patient + 1, sample + 1),
                patient: format!("S{}_P{}", index + 1, patient + 1),
                patient_key: key,
                cancer_type: type_of(index, patient),
                batch: (patient + sample) % 2,
                n_cells: (n_cells / n_samples).max(1),
                first_cell: (key << 8 | sample as u64) << 20,
                soup: 0.01 + 0.06 * draws.uniform(),
                composition: Vec::clone(&composition),
                copies: copies.clone(),
            });
        }
    }
    let cellxgene = index % 4 == 1;
    Study {
        name: format!("study_{}", index + 1),
        index,
        naming: if cellxgene { Naming::EnsemblId } else { Naming::Symbol },
        patient_column: if cellxgene { "donor_id" } else { "patient" },
        assay: ASSAYS[index % 4],
        log_depth: libm::log(DEPTHS[index % 4]),
        missing: MISSING[index % 4],
        samples,
    }
}

/// Copies of a block of genes: lost, gained once or twice, or untouched.
fn copy_shift(uniform: f64) -> f64 {
    match uniform {
        u if u < 0.12 => libm::log(0.5),
        u if u < 0.30 => libm::log(1.5),
        u if u < 0.35 => libm::log(2.0),
        _ => 0.0,
    }
}

/// Mean activity of every regulator in a cell type of a tumour of this type.
///
/// The lineage of the cell stands at 1 to 2, other lineages at `OFF`, states about 0. A cancer type shifts the states
/// of all cells a little, which is what a diagnosis from a single normal cell must live on.
pub fn state(cell_type: usize, cancer_type: usize, philox: &Philox) -> Vec<f64> {
    let first_state = programs::index("proliferation");
    let mut activity: Vec<f64> =
        (0..PROGRAMS.len()).map(|p| if p < first_state { OFF } else { 0.0 }).collect();
    activity[programs::index("proliferation")] = -0.9;
    activity[programs::index("mesenchymal")] = -0.6;
    let kind = &CELL_TYPES[cell_type];
    for &(program, level) in kind.programs {
        activity[programs::index(program)] = level;
    }
    if kind.lineage > 0.0 {
        activity[programs::index(CANCER_TYPES[cancer_type])] = kind.lineage;
        if CANCER_TYPES[cancer_type] == "SKCM" {
            // Melanocytes are no epithelium.
            activity[programs::index("epithelial")] = -0.8;
            activity[programs::index("mesenchymal")] = 0.5;
        }
    }
    let mut shift = philox.stream(cancer_type as u64, Purpose::CancerType as u32);
    let mut levels = Vec::new();
    for (program, level) in PROGRAMS.iter().zip(&activity) {
        let of_program = shift.normal();
        let shared = if *level > OFF { 0.35 * of_program } else { 0.0 };
        levels.extend(program.regulators.iter().map(|_| level + shared + 0.12 * shift.normal()));
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn types_by_study(studies: usize, patients_per_study: usize) -> Vec<BTreeSet<usize>> {
        let parameters = Parameters { studies, patients_per_study, ..Parameters::default() };
        let design = Design::new(&parameters, &Philox::new(0)).unwrap();
        design.studies.iter().map(|study| study.samples.iter().map(|s| s.cancer_type).collect()).collect()
    }

    #[test]
    fn every_cancer_type_stands_in_two_studies_and_not_in_all_of_four() {
        for (studies, patients) in [(2, 4), (3, 6), (4, 6), (5, 3)] {
            let sets = types_by_study(studies, patients);
            for cancer_type in 0..CANCER_TYPES.len() {
                let n = sets.iter().filter(|set| set.contains(&cancer_type)).count();
                assert!(n >= 2, "type {cancer_type} stands in {n} of {studies} studies");
            }
        }
        assert!(types_by_study(4, 6).iter().all(|set| set.len() == 3));
    }

    #[test]
    fn a_design_that_confounds_label_and_study_is_refused() {
        let parameters = Parameters { studies: 1, ..Parameters::default() };
        assert!(Design::new(&parameters, &Philox::new(0)).is_err());
    }
}
