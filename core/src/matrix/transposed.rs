//! Cells out of a matrix stored gene by gene (CSC) or as triplets in any order (Matrix Market).
//!
//! The file is read once to count the values of each cell, then once for every window of cells whose values fit in
//! bounded memory: usually one window, and it is kept.

use super::Rows;
use super::counts::Counts;
use anyhow::Result;
use std::ops::Range;

/// Values of one window: 8 bytes each, so 512 MiB.
const WINDOW: usize = 1 << 26;

/// Stored values in the file's own order.
pub(super) trait Triplets: Send {
    /// Calls `each(cell, gene, value)` for every stored value; cell and gene are in range.
    fn scan(&mut self, each: impl FnMut(usize, u32, f32)) -> Result<()>;
}

/// Rows of a matrix that is not stored by rows.
pub(super) struct Transposed<T> {
    triplets: T,
    /// Values before each cell.
    starts: Vec<usize>,
    window: Range<usize>,
    rows: Rows,
    limit: usize,
}

impl<T: Triplets> Transposed<T> {
    /// Counts the values of each cell.
    pub fn new(triplets: T, n_cells: usize) -> Result<Self> {
        Self::with_limit(triplets, n_cells, WINDOW)
    }

    fn with_limit(mut triplets: T, n_cells: usize, limit: usize) -> Result<Self> {
        let mut starts = vec![0; n_cells + 1];
        triplets.scan(|cell, _, _| starts[cell + 1] += 1)?;
        for cell in 0..n_cells {
            starts[cell + 1] += starts[cell];
        }
        Ok(Self { triplets, starts, window: 0..0, rows: Rows::default(), limit })
    }

    /// Loads as many cells as fit from `cells.start` on, but at least `cells`.
    fn load(&mut self, cells: Range<usize>) -> Result<()> {
        let begin = self.starts[cells.start];
        let fit = self.starts.partition_point(|&start| start <= begin + self.limit) - 1;
        let window = cells.start..fit.max(cells.end);
        let n = self.starts[window.end] - begin;
        let mut next: Vec<usize> = self.starts[window.clone()].iter().map(|start| start - begin).collect();
        // Freed before the new window is allocated.
        self.rows = Rows::default();
        let (mut indices, mut data) = (vec![0; n], vec![0.0; n]);
        self.triplets.scan(|cell, gene, value| {
            if let Some(slot) = cell.checked_sub(window.start).and_then(|row| next.get_mut(row)) {
                indices[*slot] = gene;
                data[*slot] = value;
                *slot += 1;
            }
        })?;
        let indptr = self.starts[window.start..=window.end].iter().map(|start| start - begin).collect();
        self.rows = Rows { indptr, indices, data };
        self.window = window;
        Ok(())
    }
}

impl<T: Triplets> Counts for Transposed<T> {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        if cells.start < self.window.start || cells.end > self.window.end {
            self.load(cells.clone())?;
        }
        let rows = cells.start - self.window.start..cells.end - self.window.start;
        let (begin, end) = (self.rows.indptr[rows.start], self.rows.indptr[rows.end]);
        Ok(Rows {
            indptr: self.rows.indptr[rows.start..=rows.end].iter().map(|at| at - begin).collect(),
            indices: self.rows.indices[begin..end].to_vec(),
            data: self.rows.data[begin..end].to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct List(Vec<(usize, u32, f32)>);

    impl Triplets for List {
        fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
            self.0.iter().for_each(|&(cell, gene, value)| each(cell, gene, value));
            Ok(())
        }
    }

    #[test]
    fn windows_of_any_size_give_the_same_cells() {
        let list = vec![(3, 0, 1.0), (0, 0, 2.0), (1, 1, 3.0), (0, 2, 4.0), (3, 4, 5.0)];
        for limit in [0, 1, 2, 3, 100] {
            let mut counts = Transposed::with_limit(List(list.clone()), 4, limit).unwrap();
            let read = |counts: &mut Transposed<List>, cells| {
                let rows = counts.read(cells).unwrap();
                (rows.indptr, rows.indices, rows.data)
            };
            assert_eq!(
                read(&mut counts, 0..2),
                (vec![0, 2, 3], vec![0, 2, 1], vec![2.0, 4.0, 3.0]),
                "{limit}"
            );
            assert_eq!(read(&mut counts, 2..4), (vec![0, 0, 2], vec![0, 4], vec![1.0, 5.0]), "{limit}");
            assert_eq!(read(&mut counts, 0..1), (vec![0, 2], vec![0, 2], vec![2.0, 4.0]), "{limit}");
        }
    }
}
