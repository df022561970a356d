//! Annotations of cells (`obs`) or genes (`var`).

use super::Column;

/// Names and columns of one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The names; not necessarily unique.
    pub index: Vec<String>,
    /// The columns, each as long as `index`.
    pub columns: Vec<(String, Column)>,
    /// Columns of a type that is not read, with that type.
    pub skipped: Vec<(String, String)>,
}

impl Frame {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(other, _)| other == name).map(|(_, column)| column)
    }

    /// The entries at these positions.
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            index: positions.iter().map(|&i| self.index[i].clone()).collect(),
            columns: self.columns.iter().map(|(name, c)| (name.clone(), c.select(positions))).collect(),
            skipped: self.skipped.clone(),
        }
    }

    /// Number of cells or genes.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}
