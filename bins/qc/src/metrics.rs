//! Quality metrics of cells, as scanpy's `calculate_qc_metrics` defines them, on the genes of the input.

use crate::cell::{Cell, Meter, TOP};
use crate::study::Study;
use anyhow::Result;
use panfoma_core::matrix::{Matrix, Rows};
use panfoma_core::stage::{Interrupt, Progress};
use rayon::prelude::*;
use std::ops::Range;

/// One entry a cell; `of_genes` one a gene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Genes with a count.
    pub n_genes: Vec<u32>,
    /// Sum of counts.
    pub total: Vec<f64>,
    /// Sum of counts of mitochondrial genes.
    pub mt: Vec<f64>,
    /// Sum of counts of genes named RPS* or RPL*.
    pub ribo: Vec<f64>,
    /// Percentage of counts in the 50, 100, 200 and 500 genes with most; NaN where the matrix has fewer genes, or no counts.
    pub pct_top: Vec<[f32; TOP.len()]>,
    /// Each gene of the input, over all cells, before any is removed.
    pub of_genes: Vec<GeneSums>,
}

/// What the cells say of a gene.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneSums {
    /// Cells with a count of it.
    pub n_cells: u64,
    /// Sum of those counts.
    pub total: f64,
}

impl Metrics {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.n_genes.len()
    }

    /// Percentage of counts from mitochondrial genes; NaN for an empty cell.
    pub fn pct_mt(&self, cell: usize) -> f64 {
        self.mt[cell] / self.total[cell] * 100.0
    }

    /// Percentage of counts from ribosomal genes; NaN for an empty cell.
    pub fn pct_ribo(&self, cell: usize) -> f64 {
        self.ribo[cell] / self.total[cell] * 100.0
    }

    /// Of no cells of a matrix of `n_genes` genes.
    fn with_genes(n_genes: usize) -> Self {
        Self { of_genes: vec![GeneSums::default(); n_genes], ..Self::default() }
    }

    fn push(&mut self, cell: &Cell) {
        let n_genes = self.of_genes.len();
        let share = |i: usize| if n_genes < TOP[i] { f64::NAN } else { cell.top[i] / cell.total * 100.0 };
        self.n_genes.push(cell.n_genes);
        self.total.push(cell.total);
        self.mt.push(cell.mt);
        self.ribo.push(cell.ribo);
        self.pct_top.push(std::array::from_fn(|i| share(i) as f32));
    }

    /// Measures the cells of a block.
    fn add(&mut self, rows: &Rows, study: &Study) {
        let cells: Vec<Cell> = (0..rows.len())
            .into_par_iter()
            .with_min_len(64)
            .map_init(
                || Meter::new(&study.genes.classes),
                |meter, cell| {
                    let (genes, counts) = rows.row(cell);
                    meter.measure(genes, counts)
                },
            )
            .collect();
        cells.iter().for_each(|cell| self.push(cell));
    }
}

/// Sums of each gene that wait to be added to [`Metrics::of_genes`]: the number of cells above, the counts below, in one
/// word, which the cache holds.
struct Tally {
    words: Vec<u64>,
    n_cells: usize,
}

impl Tally {
    /// Cells of which no sum overflows, none of their counts being larger.
    const MOST: usize = 1 << 16;

    fn of_genes(n_genes: usize) -> Self {
        Self { words: vec![0; n_genes], n_cells: 0 }
    }

    /// Adds a block of cells, at most [`Tally::MOST`]; what does not fit goes to `sums` at once.
    fn add(&mut self, rows: &Rows, sums: &mut [GeneSums]) {
        /// Added to a number below 2^23, leaves it as an integer in the lowest bits, rounded.
        const SHIFT: f32 = 8_388_608.0;
        if self.n_cells + rows.len() > Self::MOST {
            self.flush(sums);
        }
        self.n_cells += rows.len();
        for (&gene, &count) in rows.indices.iter().zip(&rows.data) {
            let value = (count + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits());
            if value < Self::MOST as u32 && value as i32 as f32 == count {
                self.words[gene as usize] += 1 << 32 | u64::from(value);
            } else {
                sums[gene as usize].n_cells += 1;
                sums[gene as usize].total += f64::from(count);
            }
        }
    }

    fn flush(&mut self, sums: &mut [GeneSums]) {
        for (word, sum) in self.words.iter_mut().zip(sums) {
            sum.n_cells += *word >> 32;
            sum.total += f64::from(*word as u32);
            *word = 0;
        }
        self.n_cells = 0;
    }
}

/// Reads the whole matrix once: every value is checked, every cell measured, every block given to `each`.
pub fn measure(
    study: &Study,
    matrix: &mut Matrix,
    interrupt: &Interrupt,
    progress: &mut Progress,
    mut each: impl FnMut(Range<usize>, &Rows, &mut Matrix) -> Result<()>,
) -> Result<Metrics> {
    let mut metrics = Metrics::with_genes(matrix.n_genes());
    let mut tally = Tally::of_genes(matrix.n_genes());
    let n = matrix.n_cells();
    for start in (0..n).step_by(matrix.block_len()) {
        interrupt.check()?;
        let cells = start..n.min(start + matrix.block_len());
        let rows = matrix.read_block(cells.clone())?;
        metrics.add(&rows, study);
        tally.add(&rows, &mut metrics.of_genes);
        each(cells, &rows, matrix)?;
        progress.add(rows.len() as u64);
    }
    tally.flush(&mut metrics.of_genes);
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_genes_are_exact_for_counts_of_any_size_and_any_number_of_cells() {
        let counts = [1.0, 65_535.0, 65_536.0, 8_388_607.0, 8_388_609.0, 0.25];
        let mut block = Rows::default();
        (0..4096).for_each(|cell| block.push([(0, counts[cell % 6]), (2, 65_535.0)]));
        let (mut tally, mut sums) = (Tally::of_genes(3), vec![GeneSums::default(); 3]);
        (0..40).for_each(|_| tally.add(&block, &mut sums));
        tally.flush(&mut sums);
        let total = |gene: u32| {
            let of_gene = block.indices.iter().zip(&block.data).filter(|(other, _)| **other == gene);
            40.0 * of_gene.map(|(_, &count)| f64::from(count)).sum::<f64>()
        };
        let expected = [0, 1, 2]
            .map(|gene| GeneSums { n_cells: if gene == 1 { 0 } else { 163_840 }, total: total(gene) });
        assert_eq!(sums, expected);
    }
}
