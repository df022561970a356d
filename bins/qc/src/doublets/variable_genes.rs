//! The cells and genes that doublets are looked for in: scanpy's `filter_genes(min_cells=3)`,
//! `filter_cells(min_genes=3)`, `normalize_total`, `log1p` and `highly_variable_genes(flavor="seurat")`
//! (Satija et al. 2015), all with their defaults.

use crate::outliers::median;
use panfoma_core::matrix::Rows;
use std::ops::Range;

/// Cells that must show a gene.
const MIN_CELLS: u32 = 3;
/// Genes that a cell must show.
pub const MIN_GENES: usize = 3;
/// Between these lies the log1p of a variable gene's mean.
const MEAN: Range<f64> = 0.0125..3.0;
/// Standard deviations that its dispersion lies above that of genes of a like mean.
const MIN_DISPERSION: f64 = 0.5;
/// Kinds of like means.
const BINS: usize = 20;

/// What doublets are looked for in.
pub struct Selected {
    /// Cells, ascending.
    pub cells: Vec<u32>,
    /// Variable genes, ascending.
    pub genes: Vec<u32>,
}

/// The variable genes of a sample, sparse.
pub struct Subset {
    /// Counts: cells × variable genes.
    pub counts: Rows,
    /// Number of variable genes.
    pub n_genes: usize,
    /// Counts of each cell in the variable genes.
    pub totals: Vec<f64>,
}

/// Selects from a sample's counts over `n_genes` genes.
pub fn select(counts: &Rows, n_genes: usize) -> Selected {
    let mut n_cells = vec![0_u32; n_genes];
    counts.indices.iter().for_each(|&gene| n_cells[gene as usize] += 1);
    let seen: Vec<bool> = n_cells.iter().map(|&n| n >= MIN_CELLS).collect();
    let totals: Vec<Option<f64>> = (0..counts.len())
        .map(|cell| {
            let (genes, values) = counts.row(cell);
            let kept = || genes.iter().zip(values).filter(|(gene, _)| seen[**gene as usize]);
            (kept().count() >= MIN_GENES).then(|| kept().map(|(_, &count)| f64::from(count)).sum())
        })
        .collect();
    let cells: Vec<u32> = (0..counts.len() as u32).filter(|&cell| totals[cell as usize].is_some()).collect();
    let target = median(&mut totals.iter().flatten().copied().collect::<Vec<f64>>());
    let (mut sums, mut squares) = (vec![0.0; n_genes], vec![0.0; n_genes]);
    for (cell, total) in totals.iter().enumerate() {
        let Some(total) = total else { continue };
        let scale = target / total;
        let (genes, values) = counts.row(cell);
        for (&gene, &count) in genes.iter().zip(values) {
            let value = f64::from(count) * scale;
            sums[gene as usize] += value;
            squares[gene as usize] += value * value;
        }
    }
    let genes: Vec<u32> = (0..n_genes as u32).filter(|&gene| seen[gene as usize]).collect();
    let n = cells.len() as f64;
    let moments: Vec<(f64, f64)> = genes
        .iter()
        .map(|&gene| {
            let mean = sums[gene as usize] / n;
            (mean, (squares[gene as usize] / n - mean * mean) * n / (n - 1.0))
        })
        .collect();
    let variable = variable(&moments);
    let genes = genes.into_iter().zip(variable).filter(|(_, is)| *is).map(|(gene, _)| gene).collect();
    Selected { cells, genes }
}

/// moments: mean and variance of each gene's normalised counts.
fn variable(moments: &[(f64, f64)]) -> Vec<bool> {
    let means: Vec<f64> = moments.iter().map(|(mean, _)| mean.max(1e-12).ln_1p()).collect();
    let dispersions: Vec<f64> = moments
        .iter()
        .map(|(mean, variance)| if *variance > 0.0 { (variance / mean.max(1e-12)).ln() } else { f64::NAN })
        .collect();
    let bins = bins(&means);
    let mut of_bin = vec![Vec::new(); BINS];
    for (&bin, &dispersion) in bins.iter().zip(&dispersions) {
        if !dispersion.is_nan() {
            of_bin[bin].push(dispersion);
        }
    }
    // Mean and deviation of the dispersions; the only gene of its bin is given a dispersion of 1.
    let statistics: Vec<(f64, f64)> = of_bin
        .iter()
        .map(|dispersions| {
            let n = dispersions.len() as f64;
            let mean = dispersions.iter().sum::<f64>() / n;
            let squares: f64 = dispersions.iter().map(|d| (d - mean).powi(2)).sum();
            if dispersions.len() == 1 { (0.0, mean) } else { (mean, (squares / (n - 1.0)).sqrt()) }
        })
        .collect();
    (0..moments.len())
        .map(|gene| {
            let (mean, deviation) = statistics[bins[gene]];
            // NaN, of a gene that does not vary, is not above anything.
            (dispersions[gene] - mean) / deviation > MIN_DISPERSION
                && MEAN.start < means[gene]
                && means[gene] < MEAN.end
        })
        .collect()
}

/// Bins of equal width from the smallest mean to the largest, closed at their upper ends, as `pandas.cut` makes them.
fn bins(means: &[f64]) -> Vec<usize> {
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (high - low) / BINS as f64;
    let upper: Vec<f64> = (1..BINS).map(|bin| low + bin as f64 * step).collect();
    means.iter().map(|mean| upper.partition_point(|edge| edge < mean)).collect()
}

impl Selected {
    /// The selected cells and genes of the sample's counts.
    pub fn subset(&self, counts: &Rows) -> Subset {
        let last = self.genes.last().map_or(0, |&gene| gene as usize + 1);
        let mut position = vec![u32::MAX; last];
        self.genes.iter().zip(0..).for_each(|(&gene, at)| position[gene as usize] = at);
        let mut subset = Subset { counts: Rows::default(), n_genes: self.genes.len(), totals: Vec::new() };
        for &cell in &self.cells {
            let (genes, values) = counts.row(cell as usize);
            let entries = genes.iter().zip(values).filter_map(|(&gene, &count)| {
                let at = *position.get(gene as usize)?;
                (at != u32::MAX).then_some((at, count))
            });
            subset.counts.push(entries);
            let (_, values) = subset.counts.row(subset.counts.len() - 1);
            subset.totals.push(values.iter().map(|&count| f64::from(count)).sum());
        }
        subset
    }
}
