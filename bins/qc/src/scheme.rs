//! `--label-map`: values of obs columns, brought to one scheme over all studies.
//!
//! A table with the columns `column`, `from`, `to` and perhaps `study`: in the obs column `column` of the output, `from`
//! becomes `to` (missing, where `to` is empty). A line with a study wins over one without. A value that is some line's
//! `to` is of the scheme already. Any other is left as it is, counted and reported, or refused under `--strict-labels`.

use crate::columns;
use crate::csv::Table;
use anyhow::Result;
use panfoma_core::matrix::{Column, Frame};
use panfoma_core::stage::UserError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Values listed in a message.
const N_LISTED: usize = 20;

/// What a label map says.
pub struct Scheme {
    path: PathBuf,
    columns: BTreeMap<String, Mapping>,
}

#[derive(Default)]
struct Mapping {
    /// By study and value.
    to: BTreeMap<(Option<String>, String), Option<String>>,
    /// Values of the scheme.
    targets: BTreeSet<String>,
}

/// For each column of the map: the values that it does not know, and their number of cells.
pub type Unmapped = BTreeMap<String, BTreeMap<String, usize>>;

impl Scheme {
    /// Reads a label map.
    ///
    /// Errors: 66 if it does not exist; 65 with the line for a value mapped twice.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path)?;
        let [column, from, to] = [table.required("column")?, table.required("from")?, table.required("to")?];
        let study = table.column("study");
        if let Some(odd) =
            table.header.iter().find(|name| !["column", "from", "to", "study"].contains(&name.as_str()))
        {
            return Err(table.bad(1, format!("the column `{odd}` is not known; a label map has `column`, `from`, `to` and perhaps `study`")));
        }
        let mut scheme = Self { path: path.to_owned(), columns: BTreeMap::new() };
        // The line of each (column, study, from).
        let mut lines = BTreeMap::new();
        for row in &table.rows {
            let field = |column| table.field(row, column).map(str::to_owned);
            let required = |position, name: &str| {
                field(Some(position)).ok_or_else(|| table.bad(row.line, format!("column `{name}` is empty")))
            };
            let (column, from) = (required(column, "column")?, required(from, "from")?);
            if !columns::is_free(&column) {
                return Err(table.bad(row.line, format!("column `column`: `{column}` is no label")));
            }
            let (study, to) = (field(study), field(Some(to)));
            if let Some(line) = lines.insert((column.clone(), study.clone(), from.clone()), row.line) {
                return Err(table.bad(
                    row.line,
                    format!("column `from`: `{from}` of `{column}` is on line {line} already"),
                ));
            }
            let mapping = scheme.columns.entry(column).or_default();
            mapping.targets.extend(to.clone());
            mapping.to.insert((study, from), to);
        }
        Ok(scheme)
    }

    /// Names of the columns it maps.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// Maps the columns of a study; what they held is kept as `input_NAME`.
    pub fn apply(&self, study: &str, cells: &mut Frame) {
        for (name, mapping) in &self.columns {
            let Some(column) = cells.column(name) else { continue };
            let mapped = mapping.apply(study, column);
            columns::set_aside(cells, name);
            cells.columns.push((name.clone(), mapped));
        }
    }

    /// The values of a study's mapped columns that are not of the scheme.
    pub fn unmapped(&self, cells: &Frame) -> Unmapped {
        let mut unmapped = Unmapped::new();
        for (name, mapping) in &self.columns {
            let Some(column) = cells.column(name) else { continue };
            let values = unmapped.entry(name.clone()).or_default();
            for cell in 0..column.len() {
                let Some(value) = column.text(cell) else { continue };
                if !mapping.targets.contains(&*value) {
                    *values.entry(value.into_owned()).or_default() += 1;
                }
            }
        }
        unmapped
    }

    /// Warns of values without a place in the scheme, or refuses them; warns of columns that no study has.
    pub fn check<'a>(
        &self,
        studies: impl Iterator<Item = (&'a str, &'a Unmapped)> + Clone,
        strict: bool,
    ) -> Result<()> {
        for column in self
            .columns()
            .filter(|column| studies.clone().all(|(_, unmapped)| !unmapped.contains_key(*column)))
        {
            tracing::warn!("`{}`: no study has an obs column `{column}`", self.path.display());
        }
        let mut found = Vec::new();
        for (study, unmapped) in studies {
            for (column, values) in unmapped {
                found.extend(
                    values
                        .iter()
                        .map(|(value, n)| format!("`{value}` ({n} cells) of `{column}` in `{study}`")),
                );
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let more = found.len().saturating_sub(N_LISTED);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        let shown = found.len().min(N_LISTED);
        let message = format!("`{}` does not map {}{more}", self.path.display(), found[..shown].join(", "));
        if !strict {
            tracing::warn!("{message}; they are left as they are");
            return Ok(());
        }
        let hint = "add a line for each (an empty `to` makes it missing), or leave `--strict-labels` out";
        Err(UserError::bad_data(message).hint(hint).into())
    }
}

impl Mapping {
    fn apply(&self, study: &str, column: &Column) -> Column {
        let of = |value: &str| -> Option<Option<&str>> {
            let of_study = self.to.get(&(Some(study.to_owned()), value.to_owned()));
            of_study.or_else(|| self.to.get(&(None, value.to_owned()))).map(Option::as_deref)
        };
        if let Column::Categorical { codes, categories } = column {
            // By category: millions of cells share a few.
            let mapped: Vec<Option<&str>> =
                categories.iter().map(|value| of(value).unwrap_or(Some(value))).collect();
            let value = |&code: &i32| usize::try_from(code).ok().and_then(|code| mapped[code]);
            return Column::from_texts(codes.iter().map(value));
        }
        let texts: Vec<Option<String>> = (0..column.len())
            .map(|cell| {
                let text = column.text(cell)?;
                of(&text).unwrap_or(Some(&text)).map(str::to_owned)
            })
            .collect();
        Column::from_texts(texts.iter().map(Option::as_deref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(text: &str) -> Result<Scheme> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("map.csv");
        std::fs::write(&path, text).unwrap();
        Scheme::read(&path)
    }

    fn frame(columns: &[(&str, Column)]) -> Frame {
        let columns: Vec<_> =
            columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect();
        Frame { index: (0..columns[0].1.len()).map(|i| i.to_string()).collect(), columns, ..Frame::default() }
    }

    fn texts(cells: &Frame, name: &str) -> Vec<Option<String>> {
        let column = cells.column(name).unwrap();
        (0..column.len()).map(|cell| column.text(cell).map(|text| text.into_owned())).collect()
    }

    #[test]
    fn values_are_mapped_by_study_and_the_rest_is_counted() {
        let scheme = scheme(
            "column,from,to,study\ntype,T-cells,T cell,\ntype,3,B cell,b\ntype,unknown,,\ntype,B,B cell,\ntype,B,basal,b\n",
        )
        .unwrap();
        let words = ["T-cells", "T cell", "unknown", "B", "3"].map(Some);
        let mut a = frame(&[("type", Column::from_texts(words))]);
        scheme.apply("a", &mut a);
        let some =
            |texts: &[Option<&str>]| texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(
            texts(&a, "type"),
            some(&[Some("T cell"), Some("T cell"), None, Some("B cell"), Some("3")])
        );
        assert_eq!(texts(&a, "input_type"), some(&words));
        let unmapped = scheme.unmapped(&a);
        assert_eq!(unmapped["type"], BTreeMap::from([("3".to_owned(), 1)]));
        let mut b = frame(&[("type", Column::from_texts([Some("B"), None]))]);
        scheme.apply("b", &mut b);
        assert_eq!(texts(&b, "type"), some(&[Some("basal"), None]));
        // Clusters are numbers in the file and texts in the map.
        let mut b = frame(&[("type", Column::Int(vec![3, 4]))]);
        scheme.apply("b", &mut b);
        assert_eq!(texts(&b, "type"), some(&[Some("B cell"), Some("4")]));
        let error = scheme.check([("a", &unmapped)].into_iter(), true).unwrap_err().to_string();
        assert!(error.ends_with("does not map `3` (1 cells) of `type` in `a`"), "{error}");
        assert!(scheme.check([("a", &unmapped)].into_iter(), false).is_ok());
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("column,from\n", "has no column `to`"),
            ("column,from,to\nt,x,\n,x,y\n", "map.csv` line 3: column `column` is empty"),
            ("column,from,to\nt,x,y\nt,x,z\n", "line 3: column `from`: `x` of `t` is on line 2 already"),
            ("column,from,to,studies\n", "line 1: the column `studies` is not known"),
            ("column,from,to\ntotal_counts,1,2\n", "line 2: column `column`: `total_counts` is no label"),
        ] {
            let error = scheme(text).err().unwrap().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
