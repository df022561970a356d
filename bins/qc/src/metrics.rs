//! Quality metrics of cells, as scanpy's `calculate_qc_metrics` defines them, on the genes of the input.

use crate::study::Study;
use anyhow::Result;
use panfoma_core::matrix::Matrix;
use panfoma_core::stage::{Interrupt, Progress};

/// One entry a cell.
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
}

/// Reads the whole matrix once: every value is checked, every cell measured.
pub fn measure(
    study: &Study,
    matrix: &mut Matrix,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Metrics> {
    let mut metrics = Metrics::default();
    let n = matrix.n_cells();
    for start in (0..n).step_by(matrix.block_len()) {
        interrupt.check()?;
        let rows = matrix.read_block(start..n.min(start + matrix.block_len()))?;
        for cell in 0..rows.len() {
            let (genes, counts) = rows.row(cell);
            let sum_of = |of: &[bool]| {
                sum(genes.iter().zip(counts).filter(|(gene, _)| of[**gene as usize]).map(|(_, &count)| count))
            };
            metrics.n_genes.push(genes.len() as u32);
            metrics.total.push(sum(counts.iter().copied()));
            metrics.mt.push(sum_of(&study.genes.mt));
            metrics.ribo.push(sum_of(&study.genes.ribo));
        }
        progress.add(rows.len() as u64);
    }
    Ok(metrics)
}

/// From 0.0 on: the sum of nothing by `Iterator::sum` is -0.0.
fn sum(counts: impl Iterator<Item = f32>) -> f64 {
    counts.fold(0.0, |sum, count| sum + f64::from(count))
}
