//! A block of cells in compressed sparse rows.

/// Counts of a block of cells, compressed by rows: cell `i` has `indices[indptr[i]..indptr[i + 1]]`.
///
/// Invariant of every block a reader returns: `indptr` starts at 0, is monotone and ends at the number of stored values;
/// column indices are smaller than the number of genes, strictly ascending inside a cell; values are finite, not negative and not 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Where each cell begins in `indices` and `data`; one longer than the number of cells.
    pub indptr: Vec<usize>,
    /// Column (gene) of each stored value.
    pub indices: Vec<u32>,
    /// The stored values.
    pub data: Vec<f32>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { indptr: vec![0], indices: Vec::new(), data: Vec::new() }
    }
}

impl Rows {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Is there no cell?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns and values of one cell.
    pub fn row(&self, cell: usize) -> (&[u32], &[f32]) {
        let range = self.indptr[cell]..self.indptr[cell + 1];
        (&self.indices[range.clone()], &self.data[range])
    }

    /// Adds a cell; `entries` ascend by column.
    pub fn push(&mut self, entries: impl IntoIterator<Item = (u32, f32)>) {
        for (index, value) in entries {
            self.indices.push(index);
            self.data.push(value);
        }
        self.indptr.push(self.indices.len());
    }

    /// Adds the cells of another block.
    pub fn extend(&mut self, more: &Rows) {
        let held = self.indices.len();
        self.indices.extend_from_slice(&more.indices);
        self.data.extend_from_slice(&more.data);
        self.indptr.extend(more.indptr[1..].iter().map(|end| held + end));
    }
}
