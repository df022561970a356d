//! Columns of codes: categoricals of every encoding, and enumerations.

use super::compound::integer;
use super::file::{File, Node};
use super::{dataframe, texts};
use crate::matrix::Column;
use anyhow::Result;
use hdf5_reader::group::Group;
use hdf5_reader::{Attribute, Dataset, Datatype, EnumMember, reference};

/// Codes and what they mean: the categories stand at `path`.
pub(super) fn column(file: &File, codes: Vec<i64>, path: &str) -> Result<Column> {
    let categories = match file.node(path)? {
        Some(Node::Dataset(dataset)) => names(file, &dataset, path)?,
        Some(Node::Group(_)) => {
            let column = dataframe::nullable(file, path)?;
            let column =
                column.map_err(|kind| file.bad(format!("`{path}` is {kind}, expected categories")))?;
            (0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect()
        }
        None => return Err(file.bad(format!("`{path}` is missing"))),
    };
    let n = categories.len();
    Column::coded(codes, categories)
        .map_err(|code| file.bad(format!("a code of `{path}` is {code}, expected -1 to {}", n as i64 - 1)))
}

/// The categories of a dataset: texts or numbers, a single one perhaps a scalar.
pub(super) fn names(file: &File, dataset: &Dataset, path: &str) -> Result<Vec<String>> {
    if texts::is_text(dataset.dtype()) {
        return texts::read(file, dataset, path);
    }
    let column = match dataframe::plain(file, dataset, path)? {
        Ok(column) => column,
        Err(kind) => return Err(file.bad(format!("`{path}` is {kind}, expected categories"))),
    };
    Ok((0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect())
}

/// Where the categories of anndata 0.7's codes stand: under `__categories` by the column's name, else where the
/// reference of the attribute leads.
pub(super) fn referenced(
    file: &File,
    frame: &str,
    name: &str,
    attribute: &Attribute,
) -> Result<Option<String>> {
    let group = format!("{frame}/__categories");
    let path = format!("{group}/{name}");
    if file.has(&path)? {
        return Ok(Some(path));
    }
    let Some(node): Option<Group> = file.group(&group)? else { return Ok(None) };
    let Ok(address) = reference::resolve_object_reference(&attribute.raw_data, node.offset_size()) else {
        return Ok(None);
    };
    let found = node.child_name_by_address(address).map_err(|error| file.damaged(&group, &error))?;
    Ok(found.map(|name| format!("{group}/{name}")))
}

/// Values of an enumeration: truth values if its names are `FALSE` and `TRUE` (and `NA`), else categories.
pub(super) fn enumerated(values: impl Iterator<Item = i64>, members: &[EnumMember]) -> Column {
    let value = |member: &EnumMember| {
        let order = hdf5_reader::ByteOrder::LittleEndian;
        let size = member.value.len().min(8) as u8;
        integer(
            &member.value[..usize::from(size)],
            &Datatype::FixedPoint { size, signed: true, byte_order: order },
        )
    };
    let values: Vec<i64> = values.collect();
    let named = |name: &str| members.iter().find(|member| member.name.eq_ignore_ascii_case(name)).map(value);
    let truths = members
        .iter()
        .all(|member| ["FALSE", "TRUE", "NA"].iter().any(|name| member.name.eq_ignore_ascii_case(name)));
    let missing = named("NA");
    if truths && !values.iter().any(|&value| Some(value) == missing) {
        let no = named("FALSE").unwrap_or(0);
        return Column::Bool(values.into_iter().map(|value| value != no).collect());
    }
    let text = |code: i64| match members.iter().find(|member| value(member) == code)?.name.as_str() {
        "NA" if truths => None,
        "FALSE" if truths => Some("False"),
        "TRUE" if truths => Some("True"),
        name => Some(name),
    };
    Column::from_texts(values.into_iter().map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(names: &[(&str, u8)]) -> Vec<EnumMember> {
        names
            .iter()
            .map(|(name, value)| EnumMember { name: (*name).to_owned(), value: vec![*value] })
            .collect()
    }

    #[test]
    fn enumerations_are_truth_values_or_categories() {
        let truths = members(&[("FALSE", 0), ("TRUE", 1), ("NA", 255)]);
        assert_eq!(enumerated([0, 1].into_iter(), &truths), Column::Bool(vec![false, true]));
        let missing = enumerated([1, -1, 0].into_iter(), &truths);
        assert_eq!(
            (0..3).map(|i| missing.text(i).map(String::from)).collect::<Vec<_>>(),
            [Some("True".to_owned()), None, Some("False".to_owned())]
        );
        // A damaged file may leave a name without a value.
        let no_value = vec![EnumMember { name: "G1".to_owned(), value: Vec::new() }];
        assert_eq!(enumerated([1].into_iter(), &no_value).text(0), None);
        let phases = enumerated([2, 1, 7].into_iter(), &members(&[("G1", 1), ("S", 2)]));
        assert_eq!((phases.text(0).as_deref(), phases.text(2)), (Some("S"), None));
    }
}
