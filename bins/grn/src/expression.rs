//! Expression of a group's cells, for methods that need no model.

use super::groups::{self, Group};
use super::table::ExpressionTable;
use panfoma_core::artifact::tokens::{Columns, Tokens};
use panfoma_core::stage::Interrupt;
use std::collections::BTreeSet;

/// Cells read at a time.
const BLOCK_CELLS: usize = 1024;
/// Counts of a cell are scaled to this total before the logarithm, as everywhere in the field.
const TARGET_SUM: f64 = 1e4;

/// Expression of the genes that vary in a group of cells.
pub struct Expression {
    /// Cells.
    pub n_cells: usize,
    /// Gene ids, ascending.
    pub genes: Vec<u32>,
    /// [genes x cells]
    values: Vec<f32>,
    /// Genes left out since some study of the group did not measure them.
    pub n_unmeasured: usize,
}

impl Expression {
    /// log1p of counts per 10,000 of a group's cells.
    ///
    /// A gene that a study of the group did not measure is left out: its zeros would correlate with the study.
    pub fn from_tokens(tokens: &Tokens, group: &Group, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let (n_genes, n_cells) = (tokens.vocabulary().n_genes(), group.cells.len());
        let mut values = vec![0.0f32; n_genes * n_cells];
        let mut panels = BTreeSet::new();
        let mut cell = 0;
        let columns = Columns { counts: true, ..Columns::default() };
        for block in groups::blocks(tokens, group, BLOCK_CELLS, columns) {
            interrupt.check()?;
            let block = block?;
            for row in 0..block.n_cells() {
                panels.insert(block.panels[row]);
                let scale = TARGET_SUM / block.total_counts[row].max(1.0);
                for at in block.range(row) {
                    let gene = block.gene_ids[at] as usize - 1;
                    values[gene * n_cells + cell] = libm::log1p(f64::from(block.counts[at]) * scale) as f32;
                }
                cell += 1;
            }
        }
        let mut measured = vec![true; n_genes];
        for panel in panels {
            let genes: BTreeSet<u32> = tokens.panels()[usize::from(panel)].gene_ids.iter().copied().collect();
            (1..).zip(&mut measured).for_each(|(id, known)| *known &= genes.contains(&id));
        }
        let n_unmeasured = measured.iter().filter(|&&known| !known).count();
        Ok(Self { n_unmeasured, ..Self::varying(n_cells, &values, |gene| measured[gene]) })
    }

    /// The table's values as they are.
    pub fn from_table(table: &ExpressionTable) -> Self {
        Self::varying(table.cells.len(), &table.values, |_| true)
    }

    /// Genes that `keep` keeps and whose values are not all the same. values: [genes x cells]
    fn varying(n_cells: usize, values: &[f32], keep: impl Fn(usize) -> bool) -> Self {
        let rows = values.chunks_exact(n_cells).enumerate();
        let varies = |row: &[f32]| row.iter().any(|&value| value != row[0]);
        let kept: Vec<usize> =
            rows.filter(|(gene, row)| keep(*gene) && varies(row)).map(|(gene, _)| gene).collect();
        Self {
            n_cells,
            genes: kept.iter().map(|&gene| gene as u32 + 1).collect(),
            values: kept
                .iter()
                .flat_map(|gene| &values[gene * n_cells..(gene + 1) * n_cells])
                .copied()
                .collect(),
            n_unmeasured: 0,
        }
    }

    /// [cells] of the gene in this row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_cells..(row + 1) * self.n_cells]
    }

    /// Row of each of these gene ids that varies here, with its place in the list.
    pub fn rows_of(&self, ids: &[u32]) -> Vec<(u32, usize)> {
        let row = |id: &u32| self.genes.binary_search(id).ok();
        (0..).zip(ids).filter_map(|(at, id)| Some((at, row(id)?))).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Genes 1, 2, … with these values over the cells.
    pub fn of(rows: &[Vec<f32>]) -> Expression {
        Expression::varying(rows[0].len(), &rows.concat(), |_| true)
    }

    #[test]
    fn genes_that_do_not_vary_are_left_out() {
        let expression = of(&[vec![1.0, 2.0], vec![3.0, 3.0], vec![0.0, -1.0]]);
        assert_eq!(expression.genes, [1, 3]);
        assert_eq!(expression.row(1), [0.0, -1.0]);
        assert_eq!(expression.rows_of(&[2, 3]), [(1, 1)]);
    }
}
