//! `obs` and `var`: groups of columns as anndata 0.7 and later write them.

use super::file::{File, Node, is_text, text_attribute};
use crate::matrix::{Column, Frame};
use crate::stage::UserError;
use anyhow::Result;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype};

/// Reads the dataframe at `path`.
pub(super) fn read(file: &File, path: &str) -> Result<Frame> {
    let group = match file.node(path)? {
        Some(Node::Group(group)) => group,
        Some(Node::Dataset(_)) => {
            return Err(UserError::bad_data(format!(
                "`{}`: `{path}` is a compound dataset, the layout of anndata before 0.7, which is not read",
                file.path.display()
            ))
            .hint("write the file again with a current anndata: `anndata.read_h5ad(path).write_h5ad(path)`")
            .into());
        }
        None => return Err(file.bad(format!("`{path}` is missing: not an AnnData file"))),
    };
    let index_name = text_attribute(group.attribute("_index")).unwrap_or_else(|| "_index".to_owned());
    let index = match read_column(file, path, &index_name)? {
        Ok(column) => (0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect(),
        Err(kind) => return Err(file.bad(format!("`{path}/{index_name}` is {kind}, expected names"))),
    };
    let mut frame = Frame { index, ..Frame::default() };
    for name in column_order(file, &group, path)? {
        if name == index_name {
            continue;
        }
        match read_column(file, path, &name)? {
            Ok(column) if column.len() == frame.len() => frame.columns.push((name, column)),
            Ok(column) => {
                let expected = frame.len();
                return Err(
                    file.bad(format!("`{path}/{name}` has {} entries, expected {expected}", column.len()))
                );
            }
            Err(kind) => frame.skipped.push((name, kind)),
        }
    }
    Ok(frame)
}

fn column_order(file: &File, group: &Group, path: &str) -> Result<Vec<String>> {
    match group.attribute("column-order") {
        // No columns: h5py writes an empty list as numbers.
        Ok(order) if order.num_elements().is_ok_and(|n| n == 0) => Ok(Vec::new()),
        Ok(order) => {
            order.read_strings().map_err(|error| file.damaged(&format!("{path}/@column-order"), &error))
        }
        Err(_) => {
            let mut names = file.names(path)?;
            names.retain(|name| name != "__categories" && name != "_index" && name != "index");
            Ok(names)
        }
    }
}

/// The column, or in the inner `Err` the type that is not read.
fn read_column(file: &File, frame: &str, name: &str) -> Result<Result<Column, String>> {
    let path = format!("{frame}/{name}");
    let dataset = match file.node(&path)? {
        Some(Node::Group(group)) => return read_encoded(file, &group, &path),
        Some(Node::Dataset(dataset)) => dataset,
        None => return Err(file.bad(format!("`{path}` is missing"))),
    };
    if dataset.ndim() != 1 {
        return Ok(Err(format!("an array of {} axes", dataset.ndim())));
    }
    // anndata 0.7: codes whose categories stand in `__categories`.
    let categories = format!("{frame}/__categories/{name}");
    if dataset.attribute("categories").is_ok() && file.has(&categories)? {
        let codes = file.numbers(&dataset, &path)?;
        return categorical(file, codes, &categories).map(Ok);
    }
    plain(file, &dataset, &path)
}

fn plain(file: &File, dataset: &Dataset, path: &str) -> Result<Result<Column, String>> {
    Ok(Ok(match dataset.dtype() {
        datatype if is_text(datatype) => {
            let texts = file.texts(dataset, path)?;
            Column::from_texts(texts.iter().map(|text| Some(text.as_str())))
        }
        Datatype::Enum { .. } => Column::Bool(truths(file, dataset, path)?),
        Datatype::FixedPoint { .. } => Column::Int(file.numbers(dataset, path)?),
        Datatype::FloatingPoint { .. } => Column::Float(file.numbers(dataset, path)?),
        Datatype::Compound { .. } => return Ok(Err("compound".to_owned())),
        _ => return Ok(Err("of a type of its own".to_owned())),
    }))
}

/// h5py stores bools as an enumeration over int8.
fn truths(file: &File, dataset: &Dataset, path: &str) -> Result<Vec<bool>> {
    match dataset.dtype() {
        Datatype::Enum { .. } => {
            let bytes = dataset.read_raw_bytes().map_err(|error| file.damaged(path, &error))?;
            Ok(bytes.into_iter().map(|byte| byte != 0).collect())
        }
        _ => Ok(file.numbers::<i64>(dataset, path)?.into_iter().map(|value| value != 0).collect()),
    }
}

/// A group with an `encoding-type`: categorical or nullable.
fn read_encoded(file: &File, group: &Group, path: &str) -> Result<Result<Column, String>> {
    let kind = text_attribute(group.attribute("encoding-type")).unwrap_or_default();
    match kind.as_str() {
        "categorical" => {
            let codes = format!("{path}/codes");
            let codes = file.numbers(&file.dataset(&codes)?, &codes)?;
            categorical(file, codes, &format!("{path}/categories")).map(Ok)
        }
        "nullable-integer" | "nullable-boolean" | "nullable-string-array" => nullable(file, path),
        "" => Ok(Err("a group without encoding".to_owned())),
        other => Ok(Err(format!("encoded as `{other}`"))),
    }
}

fn categorical(file: &File, codes: Vec<i64>, path: &str) -> Result<Column> {
    let names = match file.node(path)? {
        Some(Node::Dataset(dataset)) => plain(file, &dataset, path)?,
        Some(Node::Group(_)) => nullable(file, path)?,
        None => return Err(file.bad(format!("`{path}` is missing"))),
    };
    let names = names.map_err(|kind| file.bad(format!("`{path}` is {kind}")))?;
    let categories: Vec<String> =
        (0..names.len()).map(|i| names.text(i).unwrap_or_default().into_owned()).collect();
    let n = categories.len() as i64;
    if let Some(code) = codes.iter().find(|&&code| code < -1 || code >= n) {
        return Err(file.bad(format!("a code of `{path}` is {code}, expected -1 to {}", n - 1)));
    }
    Ok(Column::Categorical { codes: codes.into_iter().map(|code| code as i32).collect(), categories })
}

fn nullable(file: &File, path: &str) -> Result<Result<Column, String>> {
    let member = |name: &str| {
        let path = format!("{path}/{name}");
        file.dataset(&path).map(|dataset| (dataset, path))
    };
    let (mask, mask_path) = member("mask")?;
    let missing = truths(file, &mask, &mask_path)?;
    let (values, values_path) = member("values")?;
    let column = match plain(file, &values, &values_path)? {
        Ok(column) if column.len() == missing.len() => column,
        Ok(column) => {
            let (found, expected) = (missing.len(), column.len());
            return Err(file.bad(format!("`{mask_path}` has {found} entries, expected {expected}")));
        }
        Err(kind) => return Ok(Err(kind)),
    };
    if !missing.contains(&true) {
        return Ok(Ok(column));
    }
    Ok(Ok(match column {
        Column::Int(_) | Column::Float(_) => Column::Float(
            (0..missing.len()).map(|i| if missing[i] { f64::NAN } else { column.number(i) }).collect(),
        ),
        texts => {
            let texts: Vec<_> =
                (0..missing.len()).map(|i| if missing[i] { None } else { texts.text(i) }).collect();
            Column::from_texts(texts.iter().map(|text| text.as_deref()))
        }
    }))
}
