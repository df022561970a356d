//! Sequential reading of a long array: each chunk is decoded once, whatever its size.

use super::number::FromStored;
use super::stored::{Stored, copy};
use anyhow::Result;
use rayon::prelude::*;
use std::ops::Range;

/// Values read at once unless a chunk is larger.
const VALUES: usize = 1 << 20;
/// Values that one thread decodes at once unless a chunk is larger: they stay in its cache.
const UNIT: usize = 1 << 16;
/// Values held at most, unless one row has more: chunks that ask for more are decoded repeatedly instead.
const MAX_VALUES: usize = 1 << 27;

/// The part of an array that was read last.
pub(crate) struct Window<S, T> {
    stored: S,
    /// Values of a row, at least 1.
    width: usize,
    n_rows: usize,
    held: Range<usize>,
    values: Vec<T>,
}

impl<S: Stored, T: FromStored + Copy + Send> Window<S, T> {
    /// Over an array of one or two axes.
    pub fn new(stored: S) -> Self {
        let (width, n_rows) = (stored.width().max(1), stored.n_rows());
        Self { stored, width, n_rows, held: 0..0, values: Vec::new() }
    }

    /// The array.
    pub fn stored(&self) -> &S {
        &self.stored
    }

    /// Whole chunks of about so many values, in rows.
    fn rows_of(&self, values: usize) -> usize {
        let most = (MAX_VALUES / self.width).max(1);
        let rows = (values / self.width).max(1).next_multiple_of(self.stored.chunk_rows().max(1));
        rows.min(most).min(self.n_rows.max(1))
    }

    /// Calls `each` with successive pieces that together are these rows.
    pub fn read(&mut self, rows: Range<usize>, mut each: impl FnMut(&[T])) -> Result<()> {
        let at_once = self.rows_of(VALUES);
        let mut at = rows.start;
        while at < rows.end {
            if !self.held.contains(&at) {
                let start = at / at_once * at_once;
                let held = start..(start + at_once).min(self.n_rows);
                self.held = 0..0;
                self.values = self.stored.read(held.clone())?;
                self.held = held;
            }
            let end = rows.end.min(self.held.end);
            each(self.of_held(at..end));
            at = end;
        }
        Ok(())
    }

    fn of_held(&self, rows: Range<usize>) -> &[T] {
        let (from, to) = (rows.start - self.held.start, rows.end - self.held.start);
        &self.values[from * self.width..to * self.width]
    }

    /// All values of these rows, decoded side by side straight to where they belong.
    pub fn take(&mut self, rows: Range<usize>) -> Result<Vec<T>> {
        let mut all = Vec::with_capacity(rows.len() * self.width);
        let mut at = rows.start;
        if self.held.contains(&at) && at < rows.end {
            let end = rows.end.min(self.held.end);
            all.extend_from_slice(self.of_held(at..end));
            at = end;
        }
        if at < rows.end {
            self.decode(at..rows.end, &mut all)?;
        }
        Ok(all)
    }

    fn decode(&mut self, rows: Range<usize>, all: &mut Vec<T>) -> Result<()> {
        let unit = self.rows_of(UNIT);
        let mut units = Vec::new();
        let mut places = &mut all.spare_capacity_mut()[..rows.len() * self.width];
        for start in (rows.start / unit * unit..rows.end).step_by(unit) {
            let whole = start..(start + unit).min(self.n_rows);
            let wanted = rows.start.max(start)..rows.end.min(whole.end);
            let (place, rest) = places.split_at_mut(wanted.len() * self.width);
            units.push((whole, wanted, place));
            places = rest;
        }
        let (stored, width) = (&self.stored, self.width);
        let decoded = units.into_par_iter().map(|(whole, wanted, place)| {
            if wanted == whole {
                return stored.fill(whole, place).map(|()| None);
            }
            let values: Vec<T> = stored.read(whole.clone())?;
            copy(&values[(wanted.start - whole.start) * width..][..wanted.len() * width], place);
            Ok((wanted.end < whole.end).then_some((whole, values)))
        });
        let kept = decoded.collect::<Result<Vec<_>>>()?;
        // SAFETY: the units' places are these rows' values one after another, and each was filled, or an error returned.
        unsafe { all.set_len(all.len() + rows.len() * width) };
        if let Some((held, values)) = kept.into_iter().flatten().next_back() {
            (self.held, self.values) = (held, values);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0, 1, 2, ... in rows.
    struct Numbered {
        n_rows: usize,
        width: usize,
        chunk: usize,
    }

    impl Stored for Numbered {
        fn n_rows(&self) -> usize {
            self.n_rows
        }
        fn width(&self) -> usize {
            self.width
        }
        fn chunk_rows(&self) -> usize {
            self.chunk
        }
        fn read<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>> {
            assert!(rows.end <= self.n_rows);
            Ok((rows.start * self.width..rows.end * self.width).map(|at| T::from_i64(at as i64)).collect())
        }
        fn bad(&self, message: String) -> anyhow::Error {
            anyhow::Error::msg(message)
        }
    }

    #[test]
    fn any_rows_in_any_order_are_those_of_the_array() {
        for (n_rows, width, chunk) in
            [(400_000, 1, 1), (400_000, 1, 70_001), (400_000, 1, 999), (9_000, 50, 7)]
        {
            let mut window: Window<_, u32> = Window::new(Numbered { n_rows, width, chunk });
            let (a, b, end) = (n_rows / 3, n_rows / 2 + 1, n_rows);
            for rows in [0..1, 1..a, a..b, b..b, b..end, 5..6, a..end, 0..end, end - 1..end] {
                let expected: Vec<u32> =
                    (rows.start as u32 * width as u32..rows.end as u32 * width as u32).collect();
                assert!(
                    window.take(rows.clone()).unwrap() == expected,
                    "{rows:?} of {n_rows}, chunk {chunk}"
                );
                let mut pieces = Vec::new();
                window.read(rows.clone(), |piece| pieces.extend_from_slice(piece)).unwrap();
                assert!(pieces == expected, "{rows:?} of {n_rows} in pieces, chunk {chunk}");
            }
        }
    }
}
