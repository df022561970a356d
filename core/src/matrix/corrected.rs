//! Counts that a tool corrected: of ambient RNA (SoupX, DecontX), or expected counts of aligners (RSEM, kallisto).
//!
//! Such values are nearly counts: the same scale, but not integers. They are rounded only where the user asks for it, and only
//! if they look like corrected counts in the cells at either end of the matrix (see [`examine`]).

use super::{Matrix, Rows, counts};
use anyhow::Result;
use std::ops::Range;

/// Log values do not exceed this: the binary logarithm of a million counts is 19.9.
const LARGEST_LOG: f32 = 20.0;
/// Values whose share of all in a cell is that of an accident lie this near to an integer: one in 25.
const NEAR: f32 = 0.02;
/// Ratios beyond are not looked at: float32 does not tell whether they are integers.
const LARGEST_RATIO: f32 = 1000.0;
/// Share of values near an integer from which on that is no accident.
const NO_ACCIDENT: f64 = 0.9;
/// Fewer ratios of a cell tell nothing.
const MIN_RATIOS: usize = 5;

/// What rounding did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounding {
    /// Values seen.
    pub values: u64,
    /// Those that were not integers.
    pub not_integers: u64,
    /// Cells up to here have been seen: a second reading counts nothing.
    next_cell: usize,
}

impl Rounding {
    /// Share of the values that were not integers; 0 of none.
    pub fn share(&self) -> f64 {
        if self.values == 0 { 0.0 } else { self.not_integers as f64 / self.values as f64 }
    }

    /// Rounds to the nearest integer, halves to the even one. What is negative or not finite stays, to be refused.
    pub(super) fn apply(&mut self, rows: &mut Rows, cells: Range<usize>) {
        let (mut values, mut not_integers) = (0, 0);
        for value in rows.data.iter_mut().filter(|value| **value > 0.0) {
            let rounded = value.round_ties_even();
            values += 1;
            not_integers += u64::from(rounded != *value);
            *value = rounded;
        }
        if cells.start == self.next_cell {
            self.next_cell = cells.end;
            self.values += values;
            self.not_integers += not_integers;
        }
    }
}

/// Does the matrix look like corrected counts? The share of values that are not integers, or in the inner `Err` why not.
///
/// Corrected counts are finite and not negative; some value exceeds 20, which no logarithm of normalised counts does; and
/// they are on no other scale: neither the values of a cell divided by its smallest (normalised counts) nor their squares
/// (square roots) are integers.
pub(super) fn examine(matrix: &mut Matrix) -> Result<Result<f64, String>> {
    let mut largest = 0.0_f32;
    let (mut seen, mut not_integers) = (0_u64, 0_u64);
    let (mut ratios, mut squares) = (Vec::new(), Vec::new());
    for cells in super::raw_counts::ends(matrix.n_cells()) {
        let first = cells.start;
        let rows = matrix.counts.read(cells)?;
        let refused = |value: &f32| !value.is_finite() || *value < 0.0;
        if let Some(at) = rows.data.iter().position(refused) {
            let cell = rows.indptr.partition_point(|&begin| begin <= at) - 1;
            let wrong = counts::Wrong { cell, gene: rows.indices[at], value: rows.data[at] };
            return Ok(Err(wrong.describe(&matrix.source, first, &matrix.cells, &matrix.genes)));
        }
        for cell in 0..rows.len() {
            let values: Vec<f32> = rows.row(cell).1.iter().copied().filter(|&value| value > 0.0).collect();
            seen += values.len() as u64;
            not_integers += values.iter().filter(|value| value.fract() != 0.0).count() as u64;
            let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
            largest = values.iter().copied().fold(largest, f32::max);
            if smallest.fract() != 0.0 {
                ratios.extend(share_of_integers(
                    values.iter().map(|value| value / smallest).filter(|&r| r > 1.5),
                ));
            }
            let odd = values.iter().filter(|value| value.fract() != 0.0);
            squares.extend(share_of_integers(odd.map(|value| value * value)));
        }
    }
    let source = &matrix.source;
    if largest <= LARGEST_LOG {
        return Ok(Err(format!(
            "the largest value of {source} looked at is {largest}: logarithms do not exceed {LARGEST_LOG}, counts do"
        )));
    }
    if median(&mut ratios) > NO_ACCIDENT {
        return Ok(Err(format!(
            "the values of a cell of {source} are multiples of its smallest: normalised counts"
        )));
    }
    if median(&mut squares) > NO_ACCIDENT {
        return Ok(Err(format!(
            "the squares of the values of {source} are integers: square roots of counts"
        )));
    }
    Ok(Ok(not_integers as f64 / seen.max(1) as f64))
}

/// Share of these values that lie near an integer; `None` if they are too few to tell.
fn share_of_integers(values: impl Iterator<Item = f32>) -> Option<f64> {
    let values: Vec<f32> = values.filter(|&value| value < LARGEST_RATIO).collect();
    let near = values.iter().filter(|value| (**value - value.round()).abs() < NEAR).count();
    (values.len() >= MIN_RATIOS).then(|| near as f64 / values.len() as f64)
}

/// 0 of nothing.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Frame;
    use crate::matrix::counts::Counts;

    struct Stored(Vec<Vec<f32>>);

    impl Counts for Stored {
        fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
            let mut rows = Rows::default();
            cells.for_each(|cell| {
                rows.push((0..).zip(self.0[cell].iter().copied()).filter(|entry| entry.1 != 0.0));
            });
            Ok(rows)
        }
    }

    /// 40 cells x 60 genes: counts of very different sizes, most of them small, each turned into `value(count, number)`.
    fn verdict(value: impl Fn(f32, usize) -> f32) -> Result<f64, String> {
        let count = |i: usize| [0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 5.0, 60.0][(i * 7919) % 1021 % 8];
        let cell =
            |cell: usize| (0..60).map(|gene| value(count(cell * 60 + gene), cell * 60 + gene)).collect();
        let stored = Stored((0..40).map(cell).collect());
        let frame = |n: usize| Frame { index: (0..n).map(|i| format!("n{i}")).collect(), ..Frame::default() };
        examine(&mut Matrix::new("m".as_ref(), "X", frame(40), frame(60), Box::new(stored))).unwrap()
    }

    /// Between 0 and 1, different for every number.
    fn fraction(number: usize) -> f32 {
        (number as f64 * 0.618_033_988_749_894_9).fract() as f32
    }

    #[test]
    fn corrected_counts_are_told_by_their_scale() {
        // A share of every count is taken away; one count in twenty is shared between genes.
        let ambient = verdict(|count, number| count * (0.7 + 0.3 * fraction(number))).unwrap();
        assert!(ambient > 0.99, "{ambient}");
        let expected = |count: f32, number: usize| match number % 20 {
            0 if count > 0.0 => count + fraction(number),
            _ => count,
        };
        let shared = verdict(expected).unwrap();
        assert!((0.04..0.06).contains(&shared), "{shared}");
    }

    #[test]
    fn values_on_another_scale_are_refused_with_the_reason() {
        let check = |value: &dyn Fn(f32, usize) -> f32, reason: &str| {
            let found = verdict(value).unwrap_err();
            assert!(found.contains(reason), "{found}, expected {reason}");
        };
        check(&|count, _| count.ln_1p(), "the largest value of X looked at is 4.1");
        check(&|count, _| (count * 14_000.0).ln_1p() / 2.0_f32.ln(), "logarithms do not exceed 20");
        check(&|count, _| count * 37.3, "normalised counts");
        check(&|count, _| (count * 16.0).sqrt(), "square roots of counts");
        check(&|count, number| if number == 77 { -0.5 } else { count + 0.5 }, "X[n1, n17] is -0.5, negative");
        check(&|count, number| if number == 77 { f32::NAN } else { count + 0.5 }, "X[n1, n17] is NaN");
    }

    #[test]
    fn halves_go_to_the_even_integer_and_a_second_reading_counts_nothing() {
        let stored = Rows {
            indptr: vec![0, 6],
            indices: (0..6).collect(),
            data: vec![0.5, 1.5, 2.5, 7.0, -0.4, f32::NAN],
        };
        let mut rounding = Rounding::default();
        for _ in 0..2 {
            let mut rows = stored.clone();
            rounding.apply(&mut rows, 0..1);
            assert_eq!(rows.data[..5], [0.0, 2.0, 2.0, 7.0, -0.4]);
            assert!(rows.data[5].is_nan());
        }
        assert_eq!((rounding.values, rounding.not_integers, rounding.share()), (4, 3, 0.75));
    }
}
