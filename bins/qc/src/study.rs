//! One input, examined: its genes, samples, patients and columns.

use crate::config::Config;
use crate::genes::StudyGenes;
use crate::human;
use crate::input::Input;
use crate::modalities::Brought;
use crate::scheme::{Scheme, Unmapped};
use anyhow::Result;
use panfoma_core::matrix::{Column, Frame, Kind, Matrix};
use panfoma_core::stage::UserError;

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
    /// Where it lies, and what was said of it.
    pub input: Input,
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
    /// Labels that have no place in the scheme.
    pub unmapped_labels: Unmapped,
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

    fn one(name: String, n_cells: usize) -> Self {
        Self { column: None, names: vec![name], codes: vec![0; n_cells] }
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
        let mapped = |name: &str| config.scheme.iter().flat_map(Scheme::columns).any(|column| column == name);
        let kept = |name: &str| {
            let asked = config.keep_columns.as_ref().is_none_or(|keep| keep.contains(name));
            asked || input.names(name) || mapped(name)
        };
        for (name, kind) in cells.skipped.iter().filter(|(name, _)| kept(name)) {
            tracing::warn!("`{path}`: the obs column `{name}` is {kind}, which is not read; it is left out");
        }
        Ok(Self {
            name: input.study.clone(),
            input: input.clone(),
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
            unmapped_labels: config.scheme.as_ref().map(|scheme| scheme.unmapped(cells)).unwrap_or_default(),
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

/// Samples and patients; each stands in for the other where only one is known. Where none is, inputs of one study are
/// samples, and else the study is.
fn groups(input: &Input, cells: &Frame, config: &Config) -> Result<(Groups, Groups)> {
    let n_cells = cells.len();
    let sample = Asked {
        value: input.sample.as_ref(),
        column: input.sample_column.as_ref(),
        flag: "sample-column",
        columns: &config.sample_columns,
        usual: &SAMPLE,
    };
    let patient = Asked {
        value: input.patient.as_ref(),
        column: input.patient_column.as_ref(),
        flag: "patient-column",
        columns: &config.patient_columns,
        usual: &PATIENT,
    };
    let (sample, patient) = (sample.find(input, cells)?, patient.find(input, cells)?);
    let part = input.part.is_some().then(|| Groups::one(input.prefix(), n_cells));
    let path = input.path.display();
    Ok(match (sample, patient) {
        (Some(sample), Some(patient)) => (sample, patient),
        (Some(sample), None) => {
            tracing::warn!("`{path}` names no patient: each sample counts as a patient");
            (sample.clone(), Groups { column: None, ..sample })
        }
        (None, Some(patient)) if patient.names.len() > 1 || part.is_none() => {
            (Groups { column: None, ..patient.clone() }, patient)
        }
        (None, Some(patient)) => (part.unwrap_or_else(|| patient.clone()), patient),
        (None, None) => {
            tracing::warn!("`{path}` names neither sample nor patient: all its cells count as one patient");
            let whole = Groups::one(input.prefix(), n_cells);
            (whole.clone(), whole)
        }
    })
}

/// How a grouping of cells may be named, the first that is there.
struct Asked<'a> {
    /// By the manifest, one for all cells.
    value: Option<&'a String>,
    /// By the manifest, a column.
    column: Option<&'a String>,
    /// By the command line, columns.
    columns: &'a [String],
    flag: &'static str,
    /// By custom, columns.
    usual: &'a [&'a str],
}

impl Asked<'_> {
    fn find(&self, input: &Input, cells: &Frame) -> Result<Option<Groups>> {
        if let Some(value) = self.value {
            return Ok(Some(Groups::one(format!("{}:{value}", input.study), cells.len())));
        }
        let of = |name: &str| cells.column(name).map(|column| Groups::of_column(&input.study, name, column));
        let asked = match self.column {
            Some(column) => std::slice::from_ref(column),
            None => self.columns,
        };
        if asked.is_empty() {
            return Ok(self.usual.iter().find_map(|name| of(name)));
        }
        if let Some(groups) = asked.iter().find_map(|name| of(name)) {
            return Ok(Some(groups));
        }
        let list = |names: &mut dyn Iterator<Item = &String>, between: &str| {
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
        };
        let by = match self.column {
            Some(_) => format!("column `{}` of the manifest", self.flag.replace('-', "_")),
            None => format!("--{}", self.flag),
        };
        let (path, names) = (input.path.display(), list(&mut asked.iter(), " or "));
        Err(UserError::bad_data(format!("`{path}` has no obs column {names} ({by})"))
            .hint(format!("its columns are {}", list(&mut cells.columns.iter().map(|(name, _)| name), ", ")))
            .into())
    }
}
