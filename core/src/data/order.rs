//! In which order an epoch visits the cells of one split, without the corpus in memory.
//!
//! The row groups are put in random order, cut into windows, and the cells of a window shuffled: neighbours on disk
//! meet as rarely as a window allows, and a position (epoch, index) says exactly where to go on.

use super::{epoch_key, purpose};
use crate::artifact::tokens::{Split, Tokens};
use std::ops::Range;

/// Row groups a window: 32,768 cells, some 250 MB while they are read.
pub const DEFAULT_WINDOW: usize = 32;

/// One cell to visit: its row group and its row there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// Index into the tokens' row groups.
    pub row_group: u32,
    /// Row within the row group.
    pub row: u32,
}

/// How an epoch is arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// As on disk: for embedding and evaluation.
    Sequential,
    /// Shuffled by windows of so many row groups.
    Shuffled {
        /// The run's seed.
        seed: u64,
        /// Each epoch has its own order.
        epoch: u32,
        /// Row groups a window.
        window: usize,
    },
}

/// The order of one epoch.
#[derive(Clone, Debug)]
pub struct Order {
    arrangement: Arrangement,
    /// Row groups with a cell of the split, in the order of this epoch.
    row_groups: Vec<u32>,
    /// [n_windows + 1]: cells before each window.
    starts: Vec<usize>,
    window: usize,
}

impl Order {
    /// Arranges the cells of `split`, or all cells.
    pub fn new(tokens: &Tokens, split: Option<Split>, arrangement: Arrangement) -> Self {
        let count = |group: usize| cells_of(tokens, group, split).count();
        let counts: Vec<usize> = (0..tokens.row_groups().len()).map(count).collect();
        let mut row_groups: Vec<u32> = (0..counts.len() as u32).filter(|&g| counts[g as usize] > 0).collect();
        let window = match arrangement {
            Arrangement::Sequential => 1,
            Arrangement::Shuffled { seed, epoch, window } => {
                epoch_key(seed, epoch).stream(0, purpose(b"grps")).shuffle(&mut row_groups);
                window.max(1)
            }
        };
        let mut starts = vec![0];
        for groups in row_groups.chunks(window) {
            let cells: usize = groups.iter().map(|&g| counts[g as usize]).sum();
            starts.push(starts[starts.len() - 1] + cells);
        }
        Self { arrangement, row_groups, starts, window }
    }

    /// Cells of the epoch.
    pub fn n_cells(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// How many windows.
    pub fn n_windows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The window that holds the `index`-th cell of the epoch.
    pub fn window_of(&self, index: usize) -> usize {
        self.starts.partition_point(|&start| start <= index) - 1
    }

    /// Where a window's cells stand in the epoch.
    pub fn range(&self, window: usize) -> Range<usize> {
        self.starts[window]..self.starts[window + 1]
    }

    /// The row groups of a window, in the order in which [`Visit`]s refer to them.
    pub fn row_groups(&self, window: usize) -> &[u32] {
        let first = window * self.window;
        &self.row_groups[first..(first + self.window).min(self.row_groups.len())]
    }

    /// The cells of a window in the order of this epoch.
    pub fn visits(&self, tokens: &Tokens, split: Option<Split>, window: usize) -> Vec<Visit> {
        let mut visits: Vec<Visit> = self
            .row_groups(window)
            .iter()
            .flat_map(|&group| {
                let rows = cells_of(tokens, group as usize, split);
                rows.map(move |row| Visit { row_group: group, row: row as u32 })
            })
            .collect();
        if let Arrangement::Shuffled { seed, epoch, .. } = self.arrangement {
            epoch_key(seed, epoch).stream(window as u64, purpose(b"clls")).shuffle(&mut visits);
        }
        visits
    }
}

/// The rows of a row group that belong to the split.
fn cells_of(tokens: &Tokens, group: usize, split: Option<Split>) -> impl Iterator<Item = usize> + '_ {
    let group = tokens.row_groups()[group];
    let splits = &tokens.splits()[group.first_cell..][..group.n_cells];
    splits.iter().enumerate().filter(move |(_, found)| split.is_none_or(|s| s == **found)).map(|(row, _)| row)
}
