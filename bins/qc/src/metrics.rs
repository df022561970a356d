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
        for (&gene, &count) in rows.indices.iter().zip(&rows.data) {
            let sums = &mut self.of_genes[gene as usize];
            *sums = GeneSums { n_cells: sums.n_cells + 1, total: sums.total + f64::from(count) };
        }
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
    let n = matrix.n_cells();
    for start in (0..n).step_by(matrix.block_len()) {
        interrupt.check()?;
        let cells = start..n.min(start + matrix.block_len());
        let rows = matrix.read_block(cells.clone())?;
        metrics.add(&rows, study);
        each(cells, &rows, matrix)?;
        progress.add(rows.len() as u64);
    }
    Ok(metrics)
}
