//! Cells as the baselines see them: log1p of counts per 10,000, the most variable genes, standardised on train.

use panfoma_core::artifact::tokens::CellRows;
use std::ops::Range;

/// Genes kept: those of the largest variance over the training cells.
pub const MAX_GENES: usize = 4_000;
/// A gene seen in fewer training cells teaches nothing.
const MIN_CELLS: u32 = 3;
/// Standardised values are cut here, as single-cell pipelines do: a rare gene would otherwise outweigh all others.
const CLIP: f32 = 10.0;

/// Which genes, and how each is shifted and scaled.
pub struct Features {
    /// Position of each vocabulary id among the chosen genes.
    chosen: Vec<Option<u32>>,
    mean: Vec<f32>,
    scale: Vec<f32>,
}

/// Counts per 10,000, then log(1 + x). `total` is the cell's count over all of its genes.
pub fn log_normalized(count: f32, total: f64) -> f32 {
    (f64::from(count) / total.max(1.0) * 1e4).ln_1p() as f32
}

impl Features {
    /// From the training cells.
    pub fn fit(rows: &CellRows, n_genes: usize) -> Self {
        let n = rows.n_cells() as f64;
        let (mut sum, mut squares) = (vec![0.0; n_genes + 1], vec![0.0; n_genes + 1]);
        let mut cells = vec![0u32; n_genes + 1];
        for cell in 0..rows.n_cells() {
            for at in rows.range(cell) {
                let value = f64::from(log_normalized(rows.counts[at], rows.total_counts[cell]));
                let gene = rows.gene_ids[at] as usize;
                sum[gene] += value;
                squares[gene] += value * value;
                cells[gene] += 1;
            }
        }
        let variance = |gene: usize| (squares[gene] / n - (sum[gene] / n).powi(2)).max(0.0);
        let mut genes: Vec<usize> =
            (1..=n_genes).filter(|&g| cells[g] >= MIN_CELLS && variance(g) > 1e-12).collect();
        genes.sort_by(|&a, &b| variance(b).total_cmp(&variance(a)).then(a.cmp(&b)));
        genes.truncate(MAX_GENES);
        genes.sort_unstable();
        let mut chosen = vec![None; n_genes + 1];
        genes.iter().zip(0..).for_each(|(&gene, at)| chosen[gene] = Some(at));
        let mean = genes.iter().map(|&gene| (sum[gene] / n) as f32).collect();
        let scale = genes.iter().map(|&gene| (1.0 / variance(gene).sqrt()) as f32).collect();
        Self { chosen, mean, scale }
    }

    /// How many genes.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// True if no gene varies.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// Standardised values of some cells, [cells × genes].
    pub fn matrix(&self, rows: &CellRows, cells: Range<usize>) -> Vec<f32> {
        let standard =
            |value: f32, gene: usize| ((value - self.mean[gene]) * self.scale[gene]).clamp(-CLIP, CLIP);
        let zeros: Vec<f32> = (0..self.len()).map(|gene| standard(0.0, gene)).collect();
        let mut matrix = Vec::with_capacity(cells.len() * self.len());
        for cell in cells {
            let start = matrix.len();
            matrix.extend_from_slice(&zeros);
            for at in rows.range(cell) {
                if let Some(gene) = self.chosen[rows.gene_ids[at] as usize] {
                    let value = log_normalized(rows.counts[at], rows.total_counts[cell]);
                    matrix[start + gene as usize] = standard(value, gene as usize);
                }
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_cells_have_mean_zero_and_unit_variance_and_constant_genes_are_left_out() {
        let mut rows = CellRows::new();
        for cell in 0..8u32 {
            // Gene 1 varies, gene 2 is the same share of every cell, gene 3 is too rare.
            let mut genes = vec![(1, (cell + 1) as f32, 1), (2, 50.0, 1)];
            genes.extend((cell == 0).then_some((3, 1.0, 1)));
            rows.push(&format!("c{cell}"), 0, 100.0, &genes);
        }
        let features = Features::fit(&rows, 3);
        let matrix = features.matrix(&rows, 0..8);
        assert_eq!(features.len(), 1);
        let mean = matrix.iter().sum::<f32>() / 8.0;
        let variance = matrix.iter().map(|x| x * x).sum::<f32>() / 8.0;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
    }
}
