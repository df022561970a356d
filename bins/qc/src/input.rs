//! One input: where it lies, and what the command line or a manifest says of it.

use crate::columns;
use crate::config::Config;
use anyhow::{Context as _, Result};
use panfoma_core::matrix::{Column, Frame, Matrix, Source};
use panfoma_core::stage::UserError;
use std::path::{Path, PathBuf};

/// One input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// The study's name.
    pub study: String,
    /// Tells the inputs of one study apart; `None` if it is the only one.
    pub part: Option<String>,
    /// Where it lies.
    pub path: PathBuf,
    /// The matrix to read, if this input has one of its own.
    pub source: Option<Source>,
    /// The obs column that names the sample.
    pub sample_column: Option<String>,
    /// The obs column that names the patient.
    pub patient_column: Option<String>,
    /// The sample of all cells.
    pub sample: Option<String>,
    /// The patient of all cells.
    pub patient: Option<String>,
    /// (obs column of the output, obs column of this input).
    pub labels: Vec<(String, String)>,
    /// (obs column of the output, its value for all cells).
    pub constants: Vec<(String, String)>,
    /// Line of the manifest, for messages.
    pub place: Option<String>,
}

impl Input {
    /// An input of the command line.
    pub fn new(study: String, path: PathBuf) -> Self {
        Self { study, path, ..Self::default() }
    }

    /// What cell ids begin with: `study`, or `study:part`.
    pub fn prefix(&self) -> String {
        match &self.part {
            None => self.study.clone(),
            Some(part) => format!("{}:{part}", self.study),
        }
    }

    /// Its own name, without the directory.
    pub fn file_name(&self) -> String {
        file_name(&self.path)
    }

    /// Does the manifest ask for this obs column of the output?
    pub fn names(&self, column: &str) -> bool {
        self.labels.iter().chain(&self.constants).any(|(name, _)| name == column)
    }

    /// Adds the line of the manifest to an error.
    pub fn located<T>(&self, result: Result<T>) -> Result<T> {
        match &self.place {
            None => result,
            Some(place) => result.with_context(|| place.clone()),
        }
    }

    /// Opens the matrix that the input, else the command line names, with the columns that the manifest adds to its obs
    /// and its labels in the scheme of the label map.
    pub fn open(&self, config: &Config) -> Result<Matrix> {
        let source = self.source.as_ref().or(config.source.as_ref());
        let mut matrix = match config.round_corrected_counts {
            true => Matrix::open_corrected(&self.path, source)?,
            false => Matrix::open(&self.path, source)?,
        };
        self.annotate(&mut matrix.cells)?;
        if let Some(scheme) = &config.scheme {
            scheme.apply(&self.study, &mut matrix.cells);
        }
        Ok(matrix)
    }

    /// Adds the labels and constants; a column of the input in their place becomes `input_NAME`.
    fn annotate(&self, cells: &mut Frame) -> Result<()> {
        let n_cells = cells.len();
        let mut added = Vec::with_capacity(self.labels.len() + self.constants.len());
        for (name, from) in &self.labels {
            let column = cells.column(from).ok_or_else(|| {
                let there: Vec<String> = cells.columns.iter().map(|(name, _)| format!("`{name}`")).collect();
                UserError::bad_data(format!(
                    "column `label:{name}`: `{}` has no obs column `{from}`",
                    self.path.display()
                ))
                .hint(format!("its columns are {}", there.join(", ")))
            })?;
            if name != from {
                added.push((name, column.clone()));
            }
        }
        for (name, value) in &self.constants {
            added.push((
                name,
                Column::Categorical { codes: vec![0; n_cells], categories: vec![value.clone()] },
            ));
        }
        for (name, column) in added {
            columns::set_aside(cells, name);
            cells.columns.push((name.clone(), column));
        }
        Ok(())
    }
}

/// The last part of a path, lossily.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `a/b.h5ad` is `b`, `a/b/` is `b`.
pub fn stem(path: &Path) -> String {
    let name = file_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let formats = [".h5ad", ".h5mu", ".loom", ".h5", ".zarr", ".csv", ".tsv", ".txt", ".mtx"];
    formats.iter().find_map(|format| name.strip_suffix(format)).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cells: &Frame, name: &str) -> Option<String> {
        cells.column(name).and_then(|column| column.text(0).map(|text| text.into_owned()))
    }

    #[test]
    fn labels_are_copied_before_columns_are_set_aside() {
        let column = |value: &str| Column::from_texts([Some(value)]);
        let mut cells = Frame {
            index: vec!["c".to_owned()],
            columns: [("a", "1"), ("b", "2"), ("tissue", "theirs")]
                .map(|(name, value)| (name.to_owned(), column(value)))
                .to_vec(),
            ..Frame::default()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let input = Input {
            labels: vec![pair("a", "b"), pair("b", "a"), pair("tissue_type", "tissue")],
            constants: vec![pair("tissue", "lung")],
            ..Input::default()
        };
        input.annotate(&mut cells).unwrap();
        let found = ["a", "b", "input_a", "input_b", "tissue", "input_tissue", "tissue_type"]
            .map(|name| text(&cells, name).unwrap());
        assert_eq!(found, ["2", "1", "1", "2", "lung", "theirs", "theirs"]);
        let lacking = Input { labels: vec![pair("x", "nowhere")], ..Input::default() };
        let error = lacking.annotate(&mut cells).unwrap_err().to_string();
        assert!(error.contains("column `label:x`") && error.contains("no obs column `nowhere`"), "{error}");
    }
}
