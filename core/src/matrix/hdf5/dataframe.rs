//! `obs` and `var`: groups of columns as anndata 0.7 and later write them, or compound datasets from before.

use super::file::{File, Node, text_attribute};
use super::{categories, compound, texts};
use crate::matrix::{Column, Frame};
use anyhow::Result;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype};

/// Reads the dataframe at `path`; `legacy` is the group that holds the categories of a compound dataset.
pub(super) fn read(file: &File, path: &str, legacy: &str) -> Result<Frame> {
    let group = match file.node(path)? {
        Some(Node::Group(group)) => group,
        Some(Node::Dataset(dataset)) => return compound::read(file, &dataset, path, legacy),
        None => return Err(file.bad(format!("`{path}` is missing: not an AnnData file"))),
    };
    let index_name = text_attribute(group.attribute("_index")).unwrap_or_else(|| "_index".to_owned());
    let mut frame = Frame { index: read_index(file, path, &index_name)?, ..Frame::default() };
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

/// The names of the rows.
fn read_index(file: &File, path: &str, name: &str) -> Result<Vec<String>> {
    let path_of_index = format!("{path}/{name}");
    if let Some(Node::Dataset(dataset)) = file.node(&path_of_index)?
        && dataset.ndim() == 1
        && texts::is_text(dataset.dtype())
    {
        return texts::read(file, &dataset, &path_of_index);
    }
    match read_column(file, path, name)? {
        Ok(column) => {
            Ok((0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect())
        }
        Err(kind) => Err(file.bad(format!("`{path_of_index}` is {kind}, expected names"))),
    }
}

/// The names of the columns in their order.
pub(super) fn column_order(file: &File, group: &Group, path: &str) -> Result<Vec<String>> {
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
    // anndata 0.7: codes with a reference to their categories.
    if let Ok(attribute) = dataset.attribute("categories") {
        let Some(categories) = categories::referenced(file, frame, name, &attribute)? else {
            return Ok(Err("codes whose categories are missing".to_owned()));
        };
        return categories::column(file, file.numbers(&dataset, &path)?, &categories).map(Ok);
    }
    plain(file, &dataset, &path)
}

/// The column of a dataset, or in the inner `Err` the type that is not read.
pub(super) fn plain(file: &File, dataset: &Dataset, path: &str) -> Result<Result<Column, String>> {
    Ok(Ok(match dataset.dtype() {
        datatype if texts::is_text(datatype) => {
            let texts = texts::read(file, dataset, path)?;
            Column::from_texts(texts.iter().map(|text| Some(text.as_str())))
        }
        Datatype::Enum { base, members } => {
            let width = dataset.raw_element_size().map_err(|error| file.damaged(path, &error))?;
            if width == 0 || width > 8 {
                return Ok(Err(format!("an enumeration of {width} bytes")));
            }
            let bytes = file.bytes(dataset, path)?;
            let values = bytes.chunks_exact(width).map(|element| compound::integer(element, base));
            categories::enumerated(values, members)
        }
        Datatype::FixedPoint { .. } => Column::Int(file.numbers(dataset, path)?),
        Datatype::FloatingPoint { .. } => Column::Float(file.numbers(dataset, path)?),
        Datatype::Compound { .. } => return Ok(Err("compound".to_owned())),
        _ => return Ok(Err("of a type of its own".to_owned())),
    }))
}

/// A group: categorical or nullable, by its `encoding-type` or, without one, by its members.
fn read_encoded(file: &File, group: &Group, path: &str) -> Result<Result<Column, String>> {
    let kind = text_attribute(group.attribute("encoding-type")).unwrap_or_default();
    let has = |name: &str| file.has(&format!("{path}/{name}"));
    match kind.as_str() {
        "categorical" => coded(file, path),
        "nullable-integer" | "nullable-boolean" | "nullable-string-array" => nullable(file, path),
        "" if has("codes")? && has("categories")? => coded(file, path),
        "" if has("mask")? && has("values")? => nullable(file, path),
        "" => Ok(Err("a group without encoding".to_owned())),
        other => Ok(Err(format!("encoded as `{other}`"))),
    }
}

fn coded(file: &File, path: &str) -> Result<Result<Column, String>> {
    let codes = format!("{path}/codes");
    let codes = file.numbers(&file.dataset(&codes)?, &codes)?;
    categories::column(file, codes, &format!("{path}/categories")).map(Ok)
}

/// A group of `values` and a `mask` that is true where they are missing.
pub(super) fn nullable(file: &File, path: &str) -> Result<Result<Column, String>> {
    let member = |name: &str| {
        let path = format!("{path}/{name}");
        file.dataset(&path).and_then(|dataset| Ok((plain(file, &dataset, &path)?, path)))
    };
    let (mask, mask_path) = member("mask")?;
    let missing: Vec<bool> = match mask {
        Ok(Column::Bool(missing)) => missing,
        Ok(Column::Int(missing)) => missing.into_iter().map(|value| value != 0).collect(),
        Ok(column) => return Err(file.bad(format!("`{mask_path}` is {:?}, expected Bool", column.kind()))),
        Err(kind) => return Err(file.bad(format!("`{mask_path}` is {kind}, expected truth values"))),
    };
    let column = match member("values")?.0 {
        Ok(column) if column.len() == missing.len() => column,
        Ok(column) => {
            let (found, expected) = (missing.len(), column.len());
            return Err(file.bad(format!("`{mask_path}` has {found} entries, expected {expected}")));
        }
        Err(kind) => return Ok(Err(kind)),
    };
    Ok(Ok(column.with_missing(&missing)))
}
