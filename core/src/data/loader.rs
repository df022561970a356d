//! Batches of cells from a position on; a window of row groups in memory at a time.

use super::order::{Arrangement, Order};
use crate::artifact::tokens::{CellRows, Columns, Split, Tokens};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// Which cells, in which order, how many at a time, from where on.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The cells of one split, or all.
    pub split: Option<Split>,
    /// Their order.
    pub arrangement: Arrangement,
    /// Cells a batch; the last may be smaller.
    pub batch_cells: usize,
    /// How many cells of this epoch were already seen.
    pub start: usize,
    /// What to read besides ids and bins.
    pub columns: Columns,
}

/// Some cells of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where its cells stand in the epoch; `positions.end` is where to resume after it.
    pub positions: Range<usize>,
    /// Index of each cell in the corpus, to look up splits and labels.
    pub cells: Vec<usize>,
    /// The cells.
    pub rows: CellRows,
}

/// The batches of one epoch from a position on.
pub struct Batches<'a> {
    tokens: &'a Tokens,
    plan: Plan,
    order: Order,
    next: usize,
    window: Option<Window>,
}

struct Window {
    index: usize,
    visits: Vec<super::order::Visit>,
    rows: HashMap<u32, CellRows>,
}

impl<'a> Batches<'a> {
    /// Nothing is read before the first batch is asked for.
    pub fn new(tokens: &'a Tokens, plan: Plan) -> Self {
        assert!(plan.batch_cells > 0, "a batch has at least one cell");
        let order = Order::new(tokens, plan.split, plan.arrangement);
        Self { tokens, plan, order, next: plan.start, window: None }
    }

    /// Cells of the whole epoch, those before the start included.
    pub fn n_cells(&self) -> usize {
        self.order.n_cells()
    }

    /// The position in the epoch of the next cell.
    pub fn position(&self) -> usize {
        self.next
    }

    fn read_batch(&mut self) -> anyhow::Result<Batch> {
        let positions = self.next..(self.next + self.plan.batch_cells).min(self.n_cells());
        let mut batch = Batch { positions: positions.clone(), cells: Vec::new(), rows: CellRows::new() };
        for position in positions {
            let index = self.order.window_of(position);
            if self.window.as_ref().is_none_or(|window| window.index != index) {
                // Drop the old window first: two would double the memory.
                self.window = None;
                self.window = Some(self.read_window(index)?);
            }
            let window = self.window.as_ref().expect("it was just read");
            let visit = window.visits[position - self.order.range(index).start];
            batch
                .cells
                .push(self.tokens.row_groups()[visit.row_group as usize].first_cell + visit.row as usize);
            batch.rows.push_from(&window.rows[&visit.row_group], visit.row as usize);
        }
        self.next = batch.positions.end;
        Ok(batch)
    }

    fn read_window(&self, index: usize) -> anyhow::Result<Window> {
        let read = |&group: &u32| Ok((group, self.tokens.read_row_group(group as usize, self.plan.columns)?));
        let rows = self.order.row_groups(index).par_iter().map(read).collect::<anyhow::Result<_>>()?;
        Ok(Window { index, visits: self.order.visits(self.tokens, self.plan.split, index), rows })
    }
}

impl Iterator for Batches<'_> {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.n_cells()).then(|| self.read_batch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::tokens::fixture::Corpus;
    use std::collections::BTreeSet;

    fn plan(split: Option<Split>, arrangement: Arrangement, start: usize) -> Plan {
        Plan { split, arrangement, batch_cells: 100, start, columns: Columns::default() }
    }

    fn shuffled(epoch: u32) -> Arrangement {
        Arrangement::Shuffled { seed: 9, epoch, window: 2 }
    }

    fn visited(tokens: &Tokens, plan: Plan) -> Vec<usize> {
        Batches::new(tokens, plan).flat_map(|batch| batch.unwrap().cells).collect()
    }

    /// 5,000 cells in 5 row groups: windows of 2, 2 and 1.
    fn corpus() -> Corpus {
        Corpus { n_cells: 5000, ..Corpus::default() }
    }

    #[test]
    fn an_epoch_visits_every_cell_of_its_split_once_in_an_order_of_its_own() {
        let (_directory, tokens) = corpus().open();
        for split in Split::ALL {
            let expected: BTreeSet<usize> =
                (0..5000).filter(|&cell| tokens.splits()[cell] == split).collect();
            let first = visited(&tokens, plan(Some(split), shuffled(0), 0));
            let second = visited(&tokens, plan(Some(split), shuffled(1), 0));
            assert_eq!(first.len(), expected.len());
            assert_eq!(first.iter().copied().collect::<BTreeSet<_>>(), expected);
            assert_eq!(second.iter().copied().collect::<BTreeSet<_>>(), expected);
            assert_ne!(first, second);
        }
        let all = visited(&tokens, plan(None, Arrangement::Sequential, 0));
        assert_eq!(all, (0..5000).collect::<Vec<_>>());
    }

    #[test]
    fn a_resumed_epoch_goes_on_with_the_very_same_batches() {
        let (_directory, tokens) = corpus().open();
        let whole: Vec<Batch> =
            Batches::new(&tokens, plan(Some(Split::Train), shuffled(3), 0)).map(|b| b.unwrap()).collect();
        assert_eq!(whole.len(), 30);
        for after in [1, 7, 12, 13, 29, 30] {
            let start = whole[after - 1].positions.end;
            let rest: Vec<Batch> = Batches::new(&tokens, plan(Some(Split::Train), shuffled(3), start))
                .map(|b| b.unwrap())
                .collect();
            assert_eq!(rest, whole[after..], "resumed after batch {after}");
        }
    }

    #[test]
    fn batches_hold_the_cells_they_name() {
        let (_directory, tokens) = corpus().open();
        let written = corpus().rows();
        for batch in Batches::new(&tokens, plan(Some(Split::Valid), shuffled(0), 50)) {
            let batch = batch.unwrap();
            for (i, &cell) in batch.cells.iter().enumerate() {
                assert_eq!(batch.rows.cell(i), written.cell(cell));
            }
        }
    }

    #[test]
    fn cells_of_a_window_are_mixed_across_its_row_groups() {
        let (_directory, tokens) = corpus().open();
        let first = visited(&tokens, plan(None, shuffled(0), 0));
        let groups: BTreeSet<usize> = first[..20].iter().map(|cell| cell / 1024).collect();
        assert_eq!(groups.len(), 2, "20 of 2,048 cells from one half by chance: 2e-6");
    }
}
