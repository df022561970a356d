//! `obs` and `var` of a store.

use super::array::Array;
use super::metadata::Type;
use super::store::{Node, Store, text};
use crate::matrix::{Column, Frame};
use anyhow::Result;
use serde_json::Value as Json;

/// Reads the dataframe at `path`.
pub(super) fn read(store: &Store, path: &str) -> Result<Frame> {
    let attributes = match store.node(path)? {
        Some(Node::Group(attributes)) => attributes,
        Some(Node::Array(_)) => return Err(store.bad(format!("`{path}` is an array, expected a dataframe"))),
        None => return Err(store.bad(format!("`{path}` is missing: not an AnnData store"))),
    };
    let index_name = text(&attributes, "_index").unwrap_or("_index").to_owned();
    let index = match read_column(store, path, &index_name, None)? {
        Ok(column) => (0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect(),
        Err(kind) => return Err(store.bad(format!("`{path}/{index_name}` is {kind}, expected names"))),
    };
    let mut frame = Frame { index, ..Frame::default() };
    for name in column_order(store, path, &attributes)? {
        if name == index_name {
            continue;
        }
        match read_column(store, path, &name, Some(frame.len()))? {
            Ok(column) => frame.columns.push((name, column)),
            Err(kind) => frame.skipped.push((name, kind)),
        }
    }
    Ok(frame)
}

fn column_order(store: &Store, path: &str, attributes: &Json) -> Result<Vec<String>> {
    if let Some(order) = attributes.get("column-order").and_then(Json::as_array) {
        return Ok(order.iter().filter_map(Json::as_str).map(str::to_owned).collect());
    }
    let mut names = store.names(path)?;
    names.retain(|name| name != "__categories" && name != "_index" && name != "index");
    Ok(names)
}

/// The column, `n` long if that is known, or in the inner `Err` the type that is not read.
fn read_column(store: &Store, frame: &str, name: &str, n: Option<usize>) -> Result<Result<Column, String>> {
    let path = format!("{frame}/{name}");
    match store.node(&path) {
        Ok(Some(Node::Group(attributes))) => encoded(store, &path, &attributes, n),
        Ok(Some(Node::Array(array))) => {
            // anndata 0.7: codes whose categories stand in `__categories`.
            let categories = format!("{frame}/__categories/{name}");
            if array.attributes.get("categories").is_some() && store.node(&categories)?.is_some() {
                return categorical(store, &array, &categories, n).map(Ok);
            }
            plain(store, &array, n)
        }
        Ok(None) => Err(store.bad(format!("`{path}` is missing"))),
        // A type or a codec that is not read: the other columns may be.
        Err(error) if n.is_some() => Ok(Err(format!("not understood ({error})"))),
        Err(error) => Err(error),
    }
}

/// Refuses an array that has not the `n` entries of its dataframe.
fn expect(store: &Store, array: &Array, n: Option<usize>) -> Result<()> {
    match (array.shape(), n) {
        ([found], Some(n)) if *found != n => {
            Err(store.bad(format!("`{}` has {found} entries, expected {n}", array.path)))
        }
        _ => Ok(()),
    }
}

fn plain(store: &Store, array: &Array, n: Option<usize>) -> Result<Result<Column, String>> {
    if array.shape().len() != 1 {
        return Ok(Err(format!("an array of {} axes", array.shape().len())));
    }
    expect(store, array, n)?;
    let path = &array.path;
    Ok(Ok(match array.metadata.kind {
        kind if kind.is_text() => {
            let texts = store.checked(path, array.texts(n.is_some()))?;
            Column::from_texts(texts.iter().map(|text| Some(text.as_str())))
        }
        Type::Bool => Column::Bool(truths(store, array, n)?),
        Type::Float(_) => Column::Float(numbers(store, array, n)?),
        _ => Column::Int(numbers(store, array, n)?),
    }))
}

fn numbers<T>(store: &Store, array: &Array, n: Option<usize>) -> Result<Vec<T>>
where
    T: crate::matrix::number::FromStored + Copy + Send,
{
    store.checked(&array.path, n.map_or_else(|| array.all_numbers(), |n| array.numbers(0..n)))
}

fn truths(store: &Store, array: &Array, n: Option<usize>) -> Result<Vec<bool>> {
    Ok(numbers::<i64>(store, array, n)?.into_iter().map(|value| value != 0).collect())
}

/// A group with an `encoding-type`: categorical or nullable.
fn encoded(store: &Store, path: &str, attributes: &Json, n: Option<usize>) -> Result<Result<Column, String>> {
    match text(attributes, "encoding-type") {
        Some("categorical") => {
            let codes = store.array_at(&format!("{path}/codes"))?;
            categorical(store, &codes, &format!("{path}/categories"), n).map(Ok)
        }
        Some("nullable-integer" | "nullable-boolean" | "nullable-string-array") => nullable(store, path, n),
        Some(other) => Ok(Err(format!("encoded as `{other}`"))),
        None => Ok(Err("a group without encoding".to_owned())),
    }
}

fn categorical(store: &Store, codes: &Array, path: &str, n: Option<usize>) -> Result<Column> {
    expect(store, codes, n)?;
    if codes.shape().len() != 1 {
        return Err(store.bad(format!("`{}` has {} axes, expected 1", codes.path, codes.shape().len())));
    }
    let codes: Vec<i64> = numbers(store, codes, n)?;
    let names = match store.node(path)? {
        Some(Node::Array(array)) => plain(store, &array, None)?,
        Some(Node::Group(_)) => nullable(store, path, None)?,
        None => return Err(store.bad(format!("`{path}` is missing"))),
    };
    let names = names.map_err(|kind| store.bad(format!("`{path}` is {kind}, expected categories")))?;
    let categories: Vec<String> =
        (0..names.len()).map(|i| names.text(i).unwrap_or_default().into_owned()).collect();
    let n = categories.len();
    Column::coded(codes, categories)
        .map_err(|code| store.bad(format!("a code of `{path}` is {code}, expected -1 to {}", n as i64 - 1)))
}

fn nullable(store: &Store, path: &str, n: Option<usize>) -> Result<Result<Column, String>> {
    let mask = store.array_at(&format!("{path}/mask"))?;
    let values = store.array_at(&format!("{path}/values"))?;
    let column = match plain(store, &values, n)? {
        Ok(column) => column,
        Err(kind) => return Ok(Err(kind)),
    };
    expect(store, &mask, Some(column.len()))?;
    let missing = truths(store, &mask, Some(column.len()))?;
    Ok(Ok(column.with_missing(&missing)))
}
