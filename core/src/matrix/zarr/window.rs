//! Sequential reading of a long array: each chunk is decoded once, whatever its size.

use super::array::Array;
use super::store::Store;
use crate::matrix::number::FromStored;
use anyhow::Result;
use std::ops::Range;
use std::sync::Arc;

/// Values read at once unless a chunk is larger.
const VALUES: usize = 1 << 20;
/// Values held at most, unless one row has more: chunks that ask for more are decoded repeatedly instead.
const MAX_VALUES: usize = 1 << 27;

/// The part of an array that was read last.
pub(super) struct Window<T> {
    store: Arc<Store>,
    array: Array,
    /// Rows read at once: whole chunks.
    rows: usize,
    held: Range<usize>,
    values: Vec<T>,
}

impl<T: FromStored + Copy + Send> Window<T> {
    /// A window over an array of one or two axes.
    pub fn new(store: &Arc<Store>, array: Array) -> Self {
        let width = array.width().max(1);
        let most = (MAX_VALUES / width).max(1);
        let chunk = array.metadata.layout.chunk[0];
        let rows = (VALUES / width).max(1).next_multiple_of(chunk).min(most);
        Self { store: Arc::clone(store), array, rows, held: 0..0, values: Vec::new() }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.array.shape()[0]
    }

    /// Calls `each` with successive pieces that together are these rows.
    pub fn read(&mut self, rows: Range<usize>, mut each: impl FnMut(&[T])) -> Result<()> {
        let mut at = rows.start;
        while at < rows.end {
            if !self.held.contains(&at) {
                let start = at / self.rows * self.rows;
                let held = start..(start + self.rows).min(self.len());
                self.held = 0..0;
                self.values = self.store.checked(&self.array.path, self.array.numbers(held.clone()))?;
                self.held = held;
            }
            let end = rows.end.min(self.held.end);
            let (from, to) = (at - self.held.start, end - self.held.start);
            let width = self.array.width();
            each(&self.values[from * width..to * width]);
            at = end;
        }
        Ok(())
    }
}
