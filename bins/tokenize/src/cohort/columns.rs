//! Columns of obs that several inputs share.

use super::{Part, united};
use panfoma_core::artifact::cells::{Cells, ObsColumn};
use panfoma_core::matrix::{Column, Kind};
use std::collections::HashMap;

/// Every column that an input has; one that differs in kind between inputs, or is not in all of them, holds texts.
pub fn unite(inputs: &[Cells]) -> Vec<ObsColumn> {
    let mut columns = united(inputs.iter().map(|cells| cells.obs_columns()), |column| column.name.as_str());
    for column in &mut columns {
        let alike = |cells: &Cells| {
            cells.obs_columns().iter().any(|own| own.name == column.name && own.kind == column.kind)
        };
        // Numbers may be missing, texts may be, whole numbers and truth values may not.
        if column.kind != Kind::Float && !inputs.iter().all(alike) {
            column.kind = Kind::Categorical;
        }
    }
    columns
}

/// One column of all inputs.
pub fn joined(columns: &[Option<Column>], kind: Kind, parts: &[Part]) -> Column {
    let n_cells = |at: usize| parts[at].cells.n_cells();
    let cells =
        || columns.iter().enumerate().flat_map(|(at, column)| (0..n_cells(at)).map(move |i| (column, i)));
    match kind {
        Kind::Float => Column::Float(
            cells().map(|(column, i)| column.as_ref().map_or(f64::NAN, |c| c.number(i))).collect(),
        ),
        Kind::Int => Column::Int(cells().map(|(column, i)| number(column, i) as i64).collect()),
        Kind::Bool => Column::Bool(cells().map(|(column, i)| number(column, i) != 0.0).collect()),
        Kind::Categorical => {
            let mut all = Vec::new();
            let mut codes = Vec::new();
            let mut places: HashMap<String, i32> = HashMap::new();
            let mut place = |text: String| {
                let next = places.len() as i32;
                *places.entry(text).or_insert_with_key(|text| {
                    all.push(text.clone());
                    next
                })
            };
            for (at, column) in columns.iter().enumerate() {
                match column {
                    None => codes.extend(std::iter::repeat_n(-1, n_cells(at))),
                    Some(Column::Categorical { codes: own, categories }) => {
                        let of: Vec<i32> = categories.iter().map(|text| place(text.clone())).collect();
                        codes.extend(
                            own.iter().map(|&code| usize::try_from(code).map_or(-1, |code| of[code])),
                        );
                    }
                    Some(other) => {
                        codes.extend(
                            (0..other.len()).map(|i| other.text(i).map_or(-1, |text| place(text.into()))),
                        );
                    }
                }
            }
            Column::Categorical { codes, categories: all }
        }
    }
}

/// Of a column that every input has in one kind.
fn number(column: &Option<Column>, i: usize) -> f64 {
    column.as_ref().map_or(0.0, |column| column.number(i))
}
