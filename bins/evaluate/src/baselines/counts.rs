//! The counts of the evaluated cells, in `tokens/`, a row group at a time.

use crate::cells::Cells;
use panfoma_core::artifact::tokens::{CellRows, Columns, Tokens};
use panfoma_core::stage::{Context, Progress, UserError};
use std::collections::HashMap;

/// The counts of the evaluated cells.
pub struct Counts<'a> {
    tokens: &'a Tokens,
    cells: &'a Cells,
}

impl<'a> Counts<'a> {
    /// Checks that the tokens hold the evaluated cells with the same split.
    pub fn new(tokens: &'a Tokens, cells: &'a Cells) -> anyhow::Result<Self> {
        let mut at = 0;
        let mut found = 0;
        for ids in tokens.cell_ids() {
            for id in ids? {
                if let Some(row) = cells.row_of(&id) {
                    found += 1;
                    let (here, there) = (tokens.splits()[at], cells.split[row]);
                    if here != there {
                        let message = format!(
                            "cell `{id}` is in split `{here}` of the tokens, in `{there}` of the embeddings"
                        );
                        return Err(UserError::bad_data(message)
                            .hint("pass the tokens that `panfoma-embed` read")
                            .into());
                    }
                }
                at += 1;
            }
        }
        if found < cells.len() {
            let message = format!("the tokens hold {found} of the {} cells with embeddings", cells.len());
            return Err(UserError::bad_data(message)
                .hint("pass the tokens that `panfoma-embed` read")
                .into());
        }
        Ok(Self { tokens, cells })
    }

    /// Genes of the vocabulary.
    pub fn n_genes(&self) -> usize {
        self.tokens.vocabulary().n_genes()
    }

    /// The counts of these rows, in their order.
    pub fn read(&self, rows: &[usize], context: &Context) -> anyhow::Result<CellRows> {
        let wanted: HashMap<usize, usize> = rows.iter().copied().zip(0..).collect();
        let mut found = CellRows::new();
        let mut order = vec![0; rows.len()];
        self.each_row_group(context, |rows, cells| {
            for (i, row) in rows.iter().enumerate() {
                if let Some(&at) = wanted.get(row) {
                    order[at] = found.n_cells();
                    found.push_from(cells, i);
                }
            }
        })?;
        if order.iter().enumerate().all(|(at, &i)| at == i) {
            return Ok(found);
        }
        let mut ordered = CellRows::new();
        order.iter().for_each(|&i| ordered.push_from(&found, i));
        Ok(ordered)
    }

    /// Total counts, and genes of the vocabulary that are expressed, of every evaluated cell, in the cells' order.
    pub fn library_sizes(&self, context: &Context) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
        let (mut totals, mut genes) = (vec![0.0; self.cells.len()], vec![0.0; self.cells.len()]);
        self.each_row_group(context, |rows, cells| {
            for (i, &row) in rows.iter().enumerate().filter(|(_, row)| **row != usize::MAX) {
                totals[row] = cells.total_counts[i];
                genes[row] = cells.range(i).len() as f64;
            }
        })?;
        Ok((totals, genes))
    }

    /// Calls `each` with the evaluated rows of every row group (`usize::MAX` for cells that are not evaluated).
    pub fn each_row_group(
        &self,
        context: &Context,
        mut each: impl FnMut(&[usize], &CellRows),
    ) -> anyhow::Result<()> {
        let mut progress = Progress::new("cells", self.tokens.n_cells() as u64);
        for group in 0..self.tokens.row_groups().len() {
            context.interrupt.check()?;
            let cells = self.tokens.read_row_group(group, Columns { counts: true, ..Columns::default() })?;
            let rows: Vec<usize> =
                cells.hashes.iter().map(|&hash| self.cells.row_of_hash(hash).unwrap_or(usize::MAX)).collect();
            each(&rows, &cells);
            progress.add(rows.len() as u64);
        }
        progress.finish();
        Ok(())
    }
}
