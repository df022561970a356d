//! What a stored matrix must offer, and the check that its values are counts.

use super::{Frame, Rows};
use crate::vectors::widest;
use anyhow::Result;
use std::ops::Range;

/// A stored matrix of cells x genes, read in runs of cells.
pub(super) trait Counts: Send {
    /// The stored values of these cells. Indices are smaller than the number of genes but perhaps unsorted or repeated;
    /// values are whatever the file holds.
    fn read(&mut self, cells: Range<usize>) -> Result<Rows>;
}

/// A stored value that is no count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wrong {
    /// Row, from the first of the block.
    pub cell: usize,
    /// Column.
    pub gene: u32,
    /// The value.
    pub value: f32,
}

impl Wrong {
    /// `X[AAAC-1, TP53] is 1.386, not an integer`.
    pub fn describe(&self, source: &str, first: usize, cells: &Frame, genes: &Frame) -> String {
        let reason = match self.value {
            v if !v.is_finite() => "not a count",
            v if v < 0.0 => "negative",
            _ => "not an integer",
        };
        let (cell, gene) = (&cells.index[first + self.cell], &genes.index[self.gene as usize]);
        format!("{source}[{cell}, {gene}] is {}, {reason}", self.value)
    }
}

/// Is it a whole number, finite and not negative?
pub(crate) fn is_count(value: f32) -> bool {
    value >= 0.0 && value.fract() == 0.0 && value.is_finite()
}

/// Are all counts? Nearly always without a look at a single one.
pub(crate) fn are_counts(values: &[f32]) -> bool {
    are_small_counts(values) || values.iter().all(|&value| is_count(value))
}

/// Are these all positive integers up to 2^23? Written so that it vectorises: adding and taking away 2^23 rounds to
/// an integer, and no element decides before the last is seen.
fn are_small_counts(values: &[f32]) -> bool {
    const SHIFT: f32 = 8_388_608.0;
    let is = |value: f32| (value > 0.0) & (value <= SHIFT) & ((value + SHIFT) - SHIFT == value);
    widest(|| values.iter().fold(true, |all, &value| all & is(value)))
}

fn is_ascending(indices: &[u32]) -> bool {
    let pairs = indices.iter().zip(indices.get(1..).unwrap_or_default());
    widest(|| pairs.fold(true, |all, (a, b)| all & (a < b)))
}

/// Sorts each cell by gene, adds up repeated entries and drops zeros; the first value that is no count is an error.
pub(super) fn tidy(mut rows: Rows) -> Result<Rows, Wrong> {
    let plain = are_small_counts(&rows.data);
    if !plain && let Some(at) = rows.data.iter().position(|&value| !is_count(value)) {
        let cell = rows.indptr.partition_point(|&begin| begin <= at) - 1;
        return Err(Wrong { cell, gene: rows.indices[at], value: rows.data[at] });
    }
    let sorted = (0..rows.len()).all(|row| is_ascending(rows.row(row).0));
    if sorted && (plain || rows.data.iter().all(|&value| value != 0.0)) {
        return Ok(rows);
    }
    let mut tidied = Rows::default();
    let mut entries: Vec<(u32, f32)> = Vec::new();
    for row in 0..rows.len() {
        let (indices, data) = rows.row(row);
        entries.clear();
        entries.extend(indices.iter().copied().zip(data.iter().copied()).filter(|entry| entry.1 != 0.0));
        entries.sort_by_key(|entry| entry.0);
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        tidied.push(entries.iter().copied());
    }
    std::mem::swap(&mut rows, &mut tidied);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(indptr: &[usize], indices: &[u32], data: &[f32]) -> Rows {
        Rows { indptr: indptr.to_vec(), indices: indices.to_vec(), data: data.to_vec() }
    }

    #[test]
    fn unsorted_repeated_and_zero_entries_are_mended() {
        let mended = tidy(rows(&[0, 4, 4, 5], &[3, 1, 3, 2, 0], &[1.0, 2.0, 4.0, 0.0, 9.0])).unwrap();
        assert_eq!(mended, rows(&[0, 2, 2, 3], &[1, 3, 0], &[2.0, 5.0, 9.0]));
    }

    #[test]
    fn counts_of_any_size_pass_as_they_are() {
        let of = |value| rows(&[0, 1, 3], &[7, 2, 3], &[1.0, value, 5.0]);
        for value in [1.0, 255.0, 8_388_607.0, 8_388_608.0, 8_388_609.0, 3e30] {
            assert_eq!(tidy(of(value)).unwrap(), of(value), "{value}");
        }
    }

    #[test]
    fn counts_are_whole_and_not_negative_up_to_the_largest_number() {
        let counts = [0.0, 1.0, 8_388_607.0, 8_388_609.0, 16_777_216.0, 3e9, f32::MAX];
        assert!(counts.into_iter().all(is_count) && are_counts(&counts) && are_counts(&counts[1..2]));
        for other in [-1.0, 0.5, 4_194_303.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::MAX] {
            assert!(!is_count(other) && !are_counts(&[1.0, other]) && !are_counts(&[0.0, other]), "{other}");
        }
    }

    #[test]
    fn the_first_value_that_is_no_count_is_named() {
        for value in [0.5, 4_194_303.5, f32::MIN_POSITIVE, -1.0, f32::NAN, f32::INFINITY] {
            let wrong = tidy(rows(&[0, 1, 1, 3], &[0, 1, 2], &[1.0, 1.0, value])).unwrap_err();
            assert_eq!((wrong.cell, wrong.gene), (2, 2), "{value}");
        }
    }
}
