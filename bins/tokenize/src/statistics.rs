//! Pass one: what the training cells say of each gene.

use crate::annotations::Annotations;
use crate::blocks::{fold_blocks, readings};
use crate::cell_genes::total;
use crate::cohort::Cohort;
use crate::medians::Medians;
use anyhow::Result;
use panfoma_core::matrix::Rows;
use panfoma_core::stage::Context;
use panfoma_core::vectors::widest;
use std::collections::BTreeMap;
use std::ops::Range;

/// Sums over the training cells of one study for one gene; zero counts add nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub struct GeneSums {
    /// Cells that express it: a whole number, of the type of the others so that all four are added at once.
    pub n_expressing: f64,
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
    /// otherwise all stand under the panel 0. `medians` gathers what it needs on the way. Memory: 32 bytes a gene and
    /// study.
    pub fn gather(
        cells: &Cohort,
        of_cells: &Annotations,
        by_study: bool,
        mut medians: Option<&mut Medians>,
        context: &Context,
    ) -> Result<Self> {
        let n_genes = cells.genes().len();
        let panel = |cell: usize| if by_study { of_cells.panels[cell] } else { 0 };
        let for_medians = medians.is_some();
        let map = |block: Range<usize>| {
            let mut sums = Self::default();
            let (mut kept, mut counts) = (Vec::new(), cells.counts());
            for cells_read in readings(block) {
                let panels: Vec<Option<u16>> =
                    cells_read.clone().map(|cell| of_cells.trains(cell).then(|| panel(cell))).collect();
                if panels.iter().all(Option::is_none) {
                    continue;
                }
                let rows = counts.read(cells_read)?;
                sums.add_rows(&rows, &panels, n_genes);
                if for_medians {
                    kept.push((rows, panels));
                }
            }
            Ok((sums, kept))
        };
        let mut whole = Self::default();
        fold_blocks(0..cells.n_cells(), context, "cells scanned", map, |(sums, kept)| {
            whole.add(sums);
            for (rows, panels) in kept {
                if let Some(medians) = medians.as_deref_mut() {
                    medians.add(&rows, panels.iter().map(Option::is_some));
                }
            }
            Ok(())
        })?;
        Ok(whole)
    }

    /// Adds a few cells; `panels` says which of them train, and under which study.
    pub fn add_rows(&mut self, rows: &Rows, panels: &[Option<u16>], n_genes: usize) {
        let mut terms = Terms::default();
        for (cell, panel) in panels.iter().enumerate() {
            let Some(panel) = panel else { continue };
            let (n_cells, sums) =
                self.studies.entry(*panel).or_insert_with(|| (0, vec![GeneSums::default(); n_genes]));
            *n_cells += 1;
            let (genes, counts) = rows.row(cell);
            terms.begin(total(counts));
            widest(
                #[inline(always)]
                || {
                    for (&gene, &count) in genes.iter().zip(counts).filter(|(_, count)| **count > 0.0) {
                        sums[gene as usize].add(&terms.of(count));
                    }
                },
            );
        }
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

/// What a count adds to its gene's sums, remembered within a cell: most counts of a cell are the same few numbers, and
/// a logarithm takes longer than all else.
struct Terms {
    total: f64,
    /// By count; `n_expressing` is 0 where nothing is known yet.
    known: [GeneSums; 64],
}

impl Default for Terms {
    fn default() -> Self {
        Self { total: 0.0, known: [GeneSums::default(); 64] }
    }
}

impl Terms {
    fn begin(&mut self, total: f64) {
        *self = Self { total, ..Self::default() };
    }

    #[inline(always)]
    fn of(&mut self, count: f32) -> GeneSums {
        /// Added to a number below 2^23, leaves it as an integer in the lowest bits.
        const SHIFT: f32 = 8_388_608.0;
        let place = (count + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as usize;
        if place >= self.known.len() {
            return self.compute(count);
        }
        if self.known[place].n_expressing == 0.0 {
            self.known[place] = self.compute(count);
        }
        self.known[place]
    }

    #[inline(never)]
    fn compute(&self, count: f32) -> GeneSums {
        let x = f64::from(count) / self.total * 1e4;
        GeneSums { n_expressing: 1.0, sum: x, sum_of_squares: x * x, sum_of_logs: libm::log1p(x) }
    }
}
