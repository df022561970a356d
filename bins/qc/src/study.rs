//! One input, examined: its genes, samples, patients and columns.

use crate::args::{Config, Input};
use crate::genes::StudyGenes;
use crate::human;
use crate::modalities::Brought;
use anyhow::Result;
use panfoma_core::matrix::{Column, Frame, Kind, Matrix, Source};
use panfoma_core::stage::UserError;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// obs columns that name samples, best first.
const SAMPLE: [&str; 9] = [
    "sample",
    "sample_id",
    "Sample",
    "batch",
    "library_id",
    "library",
    "orig.ident",
    "channel",
    "sample_name",
];
/// obs columns that name patients, best first.
const PATIENT: [&str; 10] = [
    "patient",
    "patient_id",
    "Patient",
    "donor_id",
    "donor",
    "individual",
    "individual_id",
    "subject",
    "subject_id",
    "case_id",
];

/// An input that can be used.
pub struct Study {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Which matrix is read.
    pub source: String,
    /// Number of cells.
    pub n_cells: usize,
    /// Its genes.
    pub genes: StudyGenes,
    /// Sample of each cell.
    pub samples: Groups,
    /// Patient of each cell.
    pub patients: Groups,
    /// Columns it brings: name and kind.
    pub columns: Vec<(String, Kind)>,
    /// What it measured beside genes.
    pub modalities: Vec<Brought>,
    /// Modalities that are left out since they hold no counts, with a value that is none.
    pub dropped_modalities: Vec<(String, String)>,
    /// Columns that cannot be read, with their type.
    pub skipped_columns: Vec<(String, String)>,
    /// What its readers should know.
    pub notes: Vec<String>,
}

/// A grouping of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// The column it comes from; `None` if it was derived.
    pub column: Option<String>,
    /// `study:value`, in order of appearance.
    pub names: Vec<String>,
    /// Group of each cell.
    pub codes: Vec<i32>,
}

impl Groups {
    fn of_column(study: &str, name: &str, column: &Column) -> Self {
        let texts: Vec<String> = (0..column.len())
            .map(|cell| format!("{study}:{}", column.text(cell).as_deref().unwrap_or("unknown")))
            .collect();
        match Column::from_texts(texts.iter().map(|text| Some(text.as_str()))) {
            Column::Categorical { codes, categories } => {
                Self { column: Some(name.to_owned()), names: categories, codes }
            }
            _ => unreachable!("texts make categories"),
        }
    }

    fn whole(study: &str, n_cells: usize) -> Self {
        Self { column: None, names: vec![study.to_owned()], codes: vec![0; n_cells] }
    }
}

impl Study {
    /// Examines an opened matrix.
    ///
    /// Errors: 65 if it has no cells or genes, too few genes are known human ones, or a column asked for is missing.
    pub fn examine(input: &Input, matrix: &Matrix, config: &Config) -> Result<Self> {
        let (path, cells) = (input.path.display(), &matrix.cells);
        if matrix.n_cells() == 0 || matrix.n_genes() == 0 {
            let (n_cells, n_genes) = (matrix.n_cells(), matrix.n_genes());
            return Err(
                UserError::bad_data(format!("`{path}` is empty: {n_cells} cells x {n_genes} genes")).into()
            );
        }
        if let Some(why) = &matrix.why {
            tracing::info!("`{path}`: raw counts are read from `{}`, since {why}", matrix.source);
        }
        let genes = StudyGenes::map(&matrix.genes);
        human::refuse_foreign_genes(&path.to_string(), &genes, cells, config.min_gene_coverage)?;
        let notes = human::notes(&genes, cells);
        notes.iter().for_each(|note| tracing::warn!("`{path}`: {note}"));
        refuse_impossible_minimum(&path.to_string(), matrix.n_genes(), config)?;
        let (samples, patients) = groups(input, cells, config)?;
        let kept = |name: &str| config.keep_columns.as_ref().is_none_or(|keep| keep.contains(name));
        for (name, kind) in cells.skipped.iter().filter(|(name, _)| kept(name)) {
            tracing::warn!("`{path}`: the obs column `{name}` is {kind}, which is not read; it is left out");
        }
        Ok(Self {
            name: input.study.clone(),
            path: input.path.clone(),
            source: matrix.source.clone(),
            n_cells: matrix.n_cells(),
            genes,
            samples,
            patients,
            columns: cells
                .columns
                .iter()
                .filter(|(name, _)| kept(name))
                .map(|(name, c)| (name.clone(), c.kind()))
                .collect(),
            modalities: matrix
                .modalities
                .iter()
                .map(|modality| (modality.name.clone(), modality.features.index.clone()))
                .collect(),
            dropped_modalities: matrix.dropped_modalities.clone(),
            skipped_columns: cells.skipped.clone(),
            notes,
        })
    }
}

fn refuse_impossible_minimum(path: &str, n_genes: usize, config: &Config) -> Result<()> {
    let min_genes = config.filters.min_genes_of(n_genes);
    if min_genes as usize <= n_genes {
        return Ok(());
    }
    let message = format!(
        "`--min-genes {min_genes}` would remove every cell of `{path}`, which measures {n_genes} genes"
    );
    Err(UserError::bad_data(message)
        .hint("leave `--min-genes` out: of a small panel a twentieth of its genes is asked")
        .into())
}

/// Samples and patients; each stands in for the other where only one is known, the study where none is.
fn groups(input: &Input, cells: &Frame, config: &Config) -> Result<(Groups, Groups)> {
    let find = |asked: &[String], usual: &[&str], flag: &str| -> Result<Option<Groups>> {
        let found = match asked {
            [] => usual.iter().find_map(|name| cells.column(name).map(|column| (*name, column))),
            asked => asked.iter().find_map(|name| cells.column(name).map(|column| (name.as_str(), column))),
        };
        if found.is_none() && !asked.is_empty() {
            let names: Vec<String> = cells.columns.iter().map(|(name, _)| format!("`{name}`")).collect();
            let asked = asked.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            return Err(UserError::bad_data(format!(
                "`{}` has no obs column {asked} ({flag})",
                input.path.display()
            ))
            .hint(format!("its columns are {}", names.join(", ")))
            .into());
        }
        Ok(found.map(|(name, column)| Groups::of_column(&input.study, name, column)))
    };
    let sample = find(&config.sample_columns, &SAMPLE, "--sample-column")?;
    let patient = find(&config.patient_columns, &PATIENT, "--patient-column")?;
    let path = input.path.display();
    Ok(match (sample, patient) {
        (Some(sample), Some(patient)) => (sample, patient),
        (Some(sample), None) => {
            tracing::warn!("`{path}` names no patient: each sample counts as a patient");
            (sample.clone(), Groups { column: None, ..sample })
        }
        (None, Some(patient)) => (Groups { column: None, ..patient.clone() }, patient),
        (None, None) => {
            tracing::warn!("`{path}` names neither sample nor patient: all its cells count as one patient");
            let whole = Groups::whole(&input.study, cells.len());
            (whole.clone(), whole)
        }
    })
}

/// Opens an input's matrix; corrected counts are rounded if asked for.
pub fn open(path: &Path, source: Option<&Source>, round_corrected_counts: bool) -> Result<Matrix> {
    match round_corrected_counts {
        true => Matrix::open_corrected(path, source),
        false => Matrix::open(path, source),
    }
}

/// `study:name` for every cell; names that appear again are numbered (`study:name#2`). Returns how many were.
pub fn cell_ids(study: &str, names: &[String]) -> (Vec<String>, usize) {
    // The number that the next cell of the same name gets.
    let mut next: HashMap<String, usize> = HashMap::with_capacity(names.len());
    let mut n_repeated = 0;
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let mut id = format!("{study}:{name}");
        if let Some(mut number) = next.get(&id).copied() {
            n_repeated += 1;
            let first = id.clone();
            while next.contains_key(&id) {
                id = format!("{first}#{number}");
                number += 1;
            }
            next.insert(first, number);
        }
        next.insert(id.clone(), 2);
        ids.push(id);
    }
    (ids, n_repeated)
}

#[cfg(test)]
mod tests {
    use super::cell_ids;

    #[test]
    fn repeated_names_are_numbered_and_stay_unique() {
        let names = ["a", "b", "a", "a#2", "a"].map(str::to_owned);
        let (ids, n_repeated) = cell_ids("s", &names);
        assert_eq!(ids, ["s:a", "s:b", "s:a#2", "s:a#2#2", "s:a#3"]);
        assert_eq!(n_repeated, 3);
    }
}
