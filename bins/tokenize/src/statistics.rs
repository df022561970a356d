//! Pass one: what the training cells say of each gene.

use crate::annotations::Annotations;
use crate::blocks::fold_blocks;
use anyhow::Result;
use panfoma_core::artifact::cells::Cells;
use panfoma_core::matrix::Rows;
use panfoma_core::stage::Context;
use std::collections::BTreeMap;
use std::ops::Range;

/// Sums over the training cells of one study for one gene; zero counts add nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneSums {
    /// Cells that express it.
    pub n_expressing: u64,
    /// Of x, counts per 10,000.
    pub sum: f64,
    /// Of x squared.
    pub sum_of_squares: f64,
    /// Of log1p(x).
    pub sum_of_logs: f64,
}

impl GeneSums {
    fn add(&mut self, other: &Self) {
        self.n_expressing += other.n_expressing;
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
        self.sum_of_logs += other.sum_of_logs;
    }
}

/// The training cells by study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// By study (its panel): the number of training cells and the sums of every gene of the input.
    pub studies: BTreeMap<u16, (u64, Vec<GeneSums>)>,
}

impl Statistics {
    /// Streams the counts once. `by_study` keeps studies apart, which only the choice of variable genes needs;
    /// otherwise all stand under the panel 0. Memory: 32 bytes a gene and study.
    pub fn gather(cells: &Cells, of_cells: &Annotations, by_study: bool, context: &Context) -> Result<Self> {
        let n_genes = cells.genes().len();
        let panel = |cell: usize| if by_study { of_cells.panels[cell] } else { 0 };
        let map = |block: Range<usize>, rows: Rows| {
            let trained =
                block.clone().map(|cell| of_cells.trains(cell).then(|| panel(cell))).collect::<Vec<_>>();
            Ok(Self::of_rows(&rows, &trained, n_genes))
        };
        let mut whole = Self::default();
        fold_blocks(cells, context, "cells scanned", map, |block| {
            whole.add(block);
            Ok(())
        })?;
        Ok(whole)
    }

    /// Of a few cells; `panels` says which of them train, and under which study.
    pub fn of_rows(rows: &Rows, panels: &[Option<u16>], n_genes: usize) -> Self {
        let mut found = Self::default();
        for (cell, panel) in panels.iter().enumerate() {
            let Some(panel) = panel else { continue };
            let (n_cells, sums) =
                found.studies.entry(*panel).or_insert_with(|| (0, vec![GeneSums::default(); n_genes]));
            *n_cells += 1;
            let range = rows.indptr[cell]..rows.indptr[cell + 1];
            let counts = &rows.data[range.clone()];
            let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
            for (&gene, &count) in rows.indices[range].iter().zip(counts).filter(|(_, count)| **count > 0.0) {
                let x = f64::from(count) / total * 1e4;
                let log = libm::log1p(x);
                sums[gene as usize].add(&GeneSums {
                    n_expressing: 1,
                    sum: x,
                    sum_of_squares: x * x,
                    sum_of_logs: log,
                });
            }
        }
        found
    }

    fn add(&mut self, block: Self) {
        for (panel, (n_cells, sums)) in block.studies {
            match self.studies.get_mut(&panel) {
                None => {
                    self.studies.insert(panel, (n_cells, sums));
                }
                Some((n, known)) => {
                    *n += n_cells;
                    known.iter_mut().zip(&sums).for_each(|(known, new)| known.add(new));
                }
            }
        }
    }

    /// Over all studies: cells that express the gene, and the sum of log1p of counts per 10,000.
    pub fn over_studies(&self, gene: usize) -> GeneSums {
        let mut all = GeneSums::default();
        self.studies.values().for_each(|(_, sums)| all.add(&sums[gene]));
        all
    }
}
