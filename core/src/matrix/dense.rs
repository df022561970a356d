//! Dense matrices, whatever file holds them.

use super::Rows;
use super::counts::Counts;
use super::stored::Stored;
use super::window::Window;
use anyhow::Result;
use std::ops::Range;

/// The array as a matrix of cells x genes.
pub(super) fn open<S: Stored + 'static>(stored: S) -> Box<dyn Counts> {
    Box::new(Dense(Window::new(stored)))
}

struct Dense<S>(Window<S, f32>);

impl<S: Stored> Counts for Dense<S> {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let mut rows = Rows::default();
        let n_genes = self.0.stored().width();
        if n_genes == 0 {
            rows.indptr = vec![0; cells.len() + 1];
            return Ok(rows);
        }
        self.0.read(cells, |piece| {
            for row in piece.chunks_exact(n_genes) {
                rows.push((0..).zip(row.iter().copied()).filter(|entry| entry.1 != 0.0));
            }
        })?;
        Ok(rows)
    }
}
