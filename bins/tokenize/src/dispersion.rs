//! How variable a gene is for its mean: Seurat's dispersion, study by study.

use crate::statistics::{GeneSums, Statistics};

/// Bins of the mean within which dispersions are compared.
const N_MEAN_BINS: usize = 20;

/// The score of every gene of the input; larger is more variable.
///
/// Within a study: [`normalized`]. Over studies: the mean with weight sqrt(training cells), so that a large study does
/// not decide alone; a study that did not measure the gene enters with 0, the score of an average gene.
/// `measured(gene, panel)` says which study measured what.
pub fn scores(statistics: &Statistics, n_genes: usize, measured: impl Fn(usize, u16) -> bool) -> Vec<f64> {
    let mut scores = vec![0.0; n_genes];
    let mut weights = 0.0;
    for (&panel, (n_cells, sums)) in &statistics.studies {
        // One cell has no variance.
        if *n_cells < 2 {
            continue;
        }
        let weight = (*n_cells as f64).sqrt();
        weights += weight;
        let genes: Vec<usize> = (0..n_genes).filter(|&gene| measured(gene, panel)).collect();
        let of_study: Vec<GeneSums> = genes.iter().map(|&gene| sums[gene]).collect();
        let normalized = normalized(&of_study, *n_cells);
        genes.iter().zip(normalized).for_each(|(&gene, z)| scores[gene] += weight * z.unwrap_or(0.0));
    }
    scores.iter().map(|score| score / f64::max(weights, 1.0)).collect()
}

/// Seurat's normalised dispersion of the genes of one study, `None` where a gene is not expressed.
///
/// d = log(variance / mean) of counts per 10,000, z = (d - mean of d) / sd of d among the genes of one of 20 bins of
/// equal width in log1p(mean). A gene alone in its bin has z = 1. Source: Satija et al., Nat Biotechnol 2015; the
/// conventions of `scanpy.pp.highly_variable_genes(flavor="seurat")`.
pub fn normalized(genes: &[GeneSums], n_cells: u64) -> Vec<Option<f64>> {
    let n = n_cells as f64;
    let log_means: Vec<f64> = genes.iter().map(|gene| libm::log1p(gene.sum / n)).collect();
    let dispersions: Vec<Option<f64>> = genes
        .iter()
        .map(|gene| {
            let mean = gene.sum / n;
            let variance = (gene.sum_of_squares / n - mean * mean) * n / (n - 1.0);
            let dispersion = variance / mean.max(1e-12);
            (dispersion > 0.0).then(|| libm::log(dispersion))
        })
        .collect();
    let low = log_means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = log_means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / N_MEAN_BINS as f64;
    // Intervals open to the left, as pandas.cut makes them; the lowest value belongs to the first.
    let bin_of = |x: f64| match width > 0.0 {
        true => (((x - low) / width).ceil() as usize).clamp(1, N_MEAN_BINS) - 1,
        false => 0,
    };
    let mut in_bin: Vec<Vec<f64>> = vec![Vec::new(); N_MEAN_BINS];
    for (&x, d) in log_means.iter().zip(&dispersions) {
        in_bin[bin_of(x)].extend(d);
    }
    let moments: Vec<(f64, f64)> = in_bin.iter().map(|dispersions| mean_and_sd(dispersions)).collect();
    log_means
        .iter()
        .zip(dispersions)
        .map(|(&x, d)| {
            let (mean, sd) = moments[bin_of(x)];
            d.map(|d| if sd > 0.0 { (d - mean) / sd } else { 1.0 })
        })
        .collect()
}

fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sum_of_squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (sum_of_squares / (n - 1.0)).sqrt() } else { 0.0 })
}
