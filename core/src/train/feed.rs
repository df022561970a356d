//! The cells of every training step, and their sequences.

use crate::artifact::tokens::{CellRows, Columns, Split, Tokens};
use crate::data::draw::Drawer;
use crate::data::loader::{Batch, Batches, Plan};
use crate::data::order::{Arrangement, DEFAULT_WINDOW};
use crate::model::CellBatch;

/// The cells of the training split, a batch a step, in an order of its own each epoch.
///
/// The cells of a step are a function of (seed, step): a run can begin at any step.
pub struct Feed<'a> {
    tokens: &'a Tokens,
    seed: u64,
    batch_cells: usize,
    n_cells: usize,
    /// One a corpus cell: may it be fed? `None` = all.
    keep: Option<Vec<bool>>,
    reading: Option<Reading<'a>>,
}

/// An epoch that is being read.
struct Reading<'a> {
    epoch: u32,
    batches: Batches<'a>,
    /// Cells fed so far.
    fed: usize,
    /// Cells read and kept that no step has had yet.
    waiting: Batch,
}

impl<'a> Feed<'a> {
    /// Feeds the training cells that `keep` names (one flag a corpus cell), or all.
    pub fn new(tokens: &'a Tokens, seed: u64, batch_cells: usize, keep: Option<Vec<bool>>) -> Self {
        let fed = |(cell, split): (usize, &Split)| {
            *split == Split::Train && keep.as_ref().is_none_or(|keep| keep[cell])
        };
        let n_cells = tokens.splits().iter().enumerate().filter(|&cell| fed(cell)).count();
        Self { tokens, seed, batch_cells, n_cells, keep, reading: None }
    }

    /// Cells of an epoch.
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Steps of an epoch; the last has fewer cells.
    pub fn steps_per_epoch(&self) -> u64 {
        self.n_cells.div_ceil(self.batch_cells) as u64
    }

    /// The epoch and the cells of a step. Steps in a row are read in a row; any other begins its epoch anew.
    pub fn cells(&mut self, step: u64) -> anyhow::Result<(u32, Batch)> {
        let epoch = (step / self.steps_per_epoch()) as u32;
        let start = (step % self.steps_per_epoch()) as usize * self.batch_cells;
        let mut reading = match self.reading.take() {
            Some(reading) if reading.epoch == epoch && reading.fed == start => reading,
            _ => self.begin(epoch, start)?,
        };
        let n = self.batch_cells.min(self.n_cells - start);
        let batch = self.take(&mut reading, n)?;
        self.reading = Some(reading);
        Ok((epoch, batch))
    }

    fn begin(&self, epoch: u32, start: usize) -> anyhow::Result<Reading<'a>> {
        let plan = Plan {
            split: Some(Split::Train),
            arrangement: Arrangement::Shuffled { seed: self.seed, epoch, window: DEFAULT_WINDOW },
            batch_cells: self.batch_cells,
            // Where cells are left out, only reading tells how many.
            start: if self.keep.is_none() { start } else { 0 },
            columns: Columns::default(),
        };
        let mut reading =
            Reading { epoch, batches: Batches::new(self.tokens, plan), fed: 0, waiting: empty() };
        if self.keep.is_some() {
            self.take(&mut reading, start)?;
        }
        reading.fed = start;
        Ok(reading)
    }

    /// The next `n` cells that are kept.
    fn take(&self, reading: &mut Reading<'a>, n: usize) -> anyhow::Result<Batch> {
        let mut batch = empty();
        while batch.cells.len() < n {
            if reading.waiting.cells.is_empty() {
                let next = reading.batches.next();
                reading.waiting =
                    next.ok_or_else(|| anyhow::anyhow!("the training cells changed while they were read"))??;
            }
            let waiting = std::mem::replace(&mut reading.waiting, empty());
            for (i, &cell) in waiting.cells.iter().enumerate() {
                if self.keep.as_ref().is_some_and(|keep| !keep[cell]) {
                    continue;
                }
                let to = if batch.cells.len() < n { &mut batch } else { &mut reading.waiting };
                to.cells.push(cell);
                to.rows.push_from(&waiting.rows, i);
            }
        }
        batch.positions = reading.fed..reading.fed + n;
        reading.fed += n;
        Ok(batch)
    }
}

fn empty() -> Batch {
    Batch { positions: 0..0, cells: Vec::new(), rows: CellRows::new() }
}

/// The cells of one split, in batches that never change: the first `max_cells` of a shuffled order, or all as on disk.
pub fn fixed<'a>(
    tokens: &'a Tokens,
    split: Split,
    seed: u64,
    max_cells: usize,
    batch_cells: usize,
) -> Batches<'a> {
    let all = tokens.index().split.cells.get(split) as usize <= max_cells;
    let epoch = crate::data::FIXED_EPOCH;
    let arrangement = match all {
        true => Arrangement::Sequential,
        false => Arrangement::Shuffled { seed, epoch, window: DEFAULT_WINDOW },
    };
    Batches::new(
        tokens,
        Plan { split: Some(split), arrangement, batch_cells, start: 0, columns: Columns::default() },
    )
}

/// The sequences of some cells as the model reads them, and how many places of each hold a gene.
pub fn sequences(drawer: &Drawer<'_>, rows: &CellRows, seq_len: usize) -> (CellBatch, Vec<usize>) {
    let n_cells = rows.n_cells();
    let (mut genes, mut values) = (vec![0; n_cells * seq_len], vec![0; n_cells * seq_len]);
    let filled = drawer.draw_rows(rows, seq_len, &mut genes, &mut values);
    (CellBatch { n_cells, seq_len, genes, values }, filled)
}
