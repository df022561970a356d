//! `--manifest`: many inputs in one table, a line each.
//!
//! `study` and `path` (relative to the manifest) are required. `layer`, `sample_column`, `patient_column`, `sample`,
//! `patient` say of one input what flags say of all. `label:NAME` names the obs column of the input that becomes the obs
//! column NAME. The value in any other column is given to all cells of the input under that column's name. An empty field
//! says nothing.

use crate::columns;
use crate::csv::{Row, Table};
use crate::input::{Input, stem};
use anyhow::Result;
use panfoma_core::stage::UserError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Columns with a meaning of their own.
const RESERVED: [&str; 7] =
    ["study", "path", "layer", "sample_column", "patient_column", "sample", "patient"];

/// The inputs of a manifest, in its order.
///
/// Errors: 66 if it, or an input, does not exist; 65 with line and column for what it must not say.
pub fn read(path: &Path) -> Result<Vec<Input>> {
    let table = Table::read(path)?;
    let (study, file) = (table.required("study")?, table.required("path")?);
    check_header(&table)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut inputs: Vec<Input> = Vec::with_capacity(table.rows.len());
    let mut lines: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for row in &table.rows {
        let required = |column: usize, name: &str| {
            table
                .field(row, Some(column))
                .ok_or_else(|| table.bad(row.line, format!("column `{name}` is empty")))
        };
        let (study, file) = (required(study, "study")?, directory.join(required(file, "path")?));
        if study.contains(':') {
            let message =
                format!("column `study`: `{study}` holds a colon, which parts study and cell in cell ids");
            return Err(table.bad(row.line, message));
        }
        let resolved = file.canonicalize().map_err(|_| {
            let message =
                format!("{}: column `path`: `{}` does not exist", table.place(row.line), file.display());
            UserError { message, ..UserError::missing(&file) }
                .hint("paths are relative to the manifest's directory")
        })?;
        if let Some(line) = lines.insert(resolved, row.line) {
            let message = format!("column `path`: `{}` is on line {line} already", file.display());
            return Err(table.bad(row.line, message));
        }
        inputs.push(input(&table, row, study, file));
    }
    if inputs.is_empty() {
        return Err(UserError::bad_data(format!("`{}` names no input", path.display())).into());
    }
    name_parts(&mut inputs);
    Ok(inputs)
}

fn check_header(table: &Table) -> Result<()> {
    for name in &table.header {
        let lower = name.to_lowercase();
        if !RESERVED.contains(&name.as_str()) && RESERVED.contains(&lower.as_str()) {
            return Err(table.bad(1, format!("the column `{name}` must be called `{lower}`")));
        }
        let output = name.strip_prefix("label:").unwrap_or(name);
        if !RESERVED.contains(&name.as_str()) && !columns::is_free(output) {
            return Err(table.bad(1, format!("column `{name}`: no obs column may be called `{output}` here")));
        }
        if output != name && table.column(output).is_some() {
            return Err(table.bad(1, format!("the columns `{output}` and `{name}` give the same obs column")));
        }
    }
    Ok(())
}

fn input(table: &Table, row: &Row, study: &str, path: PathBuf) -> Input {
    let field = |name: &str| table.field(row, table.column(name)).map(str::to_owned);
    let mut input = Input {
        source: field("layer").map(|layer| layer.parse().unwrap_or_else(|never| match never {})),
        sample_column: field("sample_column"),
        patient_column: field("patient_column"),
        sample: field("sample"),
        patient: field("patient"),
        place: Some(table.place(row.line)),
        ..Input::new(study.to_owned(), path)
    };
    for (column, name) in
        table.header.iter().enumerate().filter(|(_, name)| !RESERVED.contains(&name.as_str()))
    {
        let Some(value) = table.field(row, Some(column)) else { continue };
        match name.strip_prefix("label:") {
            Some(label) => input.labels.push((label.to_owned(), value.to_owned())),
            None => input.constants.push((name.clone(), value.to_owned())),
        }
    }
    input
}

/// Inputs of one study are told apart by their sample, else by their file's name; a name that comes again is numbered.
fn name_parts(inputs: &mut [Input]) {
    let mut of_study: BTreeMap<String, usize> = BTreeMap::new();
    inputs.iter().for_each(|input| *of_study.entry(input.study.clone()).or_default() += 1);
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for input in inputs.iter_mut().filter(|input| of_study[&input.study] > 1) {
        let part = input.sample.clone().unwrap_or_else(|| stem(&input.path)).replace(':', "_");
        let mut name = part.clone();
        loop {
            let n = taken.entry(format!("{}:{name}", input.study)).and_modify(|n| *n += 1).or_insert(1);
            if *n == 1 {
                break;
            }
            name = format!("{part}#{n}");
        }
        input.part = Some(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::stage::error::classify;

    fn write(directory: &Path, text: &str) -> PathBuf {
        for file in ["a.h5ad", "s1/x.h5ad", "s2/x.h5ad"] {
            std::fs::create_dir_all(directory.join(file).parent().unwrap()).unwrap();
            std::fs::write(directory.join(file), "").unwrap();
        }
        let path = directory.join("m.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_line_says_what_it_says_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let text = "study,path,layer,sample_column,patient,label:cell_type,tissue\nA,a.h5ad,,batch,,Type,\nB,s1/x.h5ad,counts,,P1,,\"skin, arm\"\n";
        let inputs = read(&write(directory.path(), text)).unwrap();
        let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
        assert_eq!(inputs[0].path, directory.path().join("a.h5ad"));
        assert_eq!((&inputs[0].sample_column, &inputs[0].source), (&Some("batch".to_owned()), &None));
        assert_eq!((&inputs[0].labels, &inputs[0].constants), (&pair("cell_type", "Type"), &vec![]));
        assert_eq!((&inputs[1].labels, &inputs[1].constants), (&vec![], &pair("tissue", "skin, arm")));
        assert_eq!((&inputs[1].patient, inputs[1].prefix().as_str()), (&Some("P1".to_owned()), "B"));
    }

    #[test]
    fn inputs_of_a_study_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let text = "study,path,sample\nA,a.h5ad,x\nA,s1/x.h5ad,\nA,s2/x.h5ad,\n";
        let inputs = read(&write(directory.path(), text)).unwrap();
        let prefixes: Vec<String> = inputs.iter().map(Input::prefix).collect();
        assert_eq!(prefixes, ["A:x", "A:x#2", "A:x#3"]);
    }

    #[test]
    fn errors_name_line_and_column() {
        let directory = tempfile::tempdir().unwrap();
        for (text, code, expected) in [
            ("path\na.h5ad\n", 65, "has no column `study`"),
            ("study,path\n", 65, "names no input"),
            ("study,path\nA,a.h5ad\n,s1/x.h5ad\n", 65, "m.csv` line 3: column `study` is empty"),
            ("study,path\nA,a.h5ad\nB,b.h5ad\n", 66, "m.csv` line 3: column `path`"),
            ("study,path\nA,a.h5ad\nB,s1/../a.h5ad\n", 65, "is on line 2 already"),
            ("study,path,Patient\nA,a.h5ad,x\n", 65, "line 1: the column `Patient` must be called `patient`"),
            ("study,path,total_counts\nA,a.h5ad,1\n", 65, "column `total_counts`: no obs column"),
            ("study,path,t,label:t\nA,a.h5ad,1,x\n", 65, "`t` and `label:t` give the same"),
            ("study,path\nA:B,a.h5ad\n", 65, "line 2: column `study`: `A:B` holds a colon"),
        ] {
            let error = read(&write(directory.path(), text)).unwrap_err();
            assert_eq!(classify(&error).0, code, "{text:?}");
            assert!(error.to_string().contains(expected), "{text:?}: {error}");
        }
    }
}
