//! kBET (Büttner et al. 2019): does the neighbourhood of a cell hold batches as the whole does?

use super::chi_square::upper_tail;
use super::groups::{count, sizes};
use crate::metrics::Undefined;
use panfoma_core::graph::Knn;
use rayon::prelude::*;

/// Neighbours, the cell itself included.
pub const NEIGHBORS: usize = 50;
/// A cell is accepted if its neighbourhood would be at least this probable.
pub const ALPHA: f64 = 0.05;

/// Tests of all cells.
pub struct Kbet {
    /// Share of cells whose neighbourhood is accepted.
    pub acceptance: f64,
    /// Mean over cells of √(χ² / k), Cohen's w: unlike acceptance it does not fall as k grows.
    pub effect: f64,
    /// [n] probability of so uneven a neighbourhood.
    pub p_values: Vec<f64>,
}

/// A chi-square test of the batches among each cell's neighbours against their shares of all cells.
///
/// Source: scib-metrics 0.6, `kbet`. Errors: one batch.
pub fn test(knn: &Knn, batches: &[u32]) -> Result<Kbet, Undefined> {
    let n_batches = count(batches);
    if n_batches < 2 {
        return Err(Undefined("all cells are of one batch"));
    }
    let k = knn.k as f64;
    let expected: Vec<f64> = sizes(batches).iter().map(|size| size / batches.len() as f64 * k).collect();
    let statistic = |cell: usize| -> f64 {
        let mut observed = vec![0.0; expected.len()];
        knn.of(cell).iter().for_each(|&other| observed[batches[other as usize] as usize] += 1.0);
        let pairs = observed.iter().zip(&expected).filter(|&(_, &expected)| expected > 0.0);
        pairs.map(|(o, e): (&f64, &f64)| (o - e).powi(2) / e).sum()
    };
    let statistics: Vec<f64> = (0..batches.len()).into_par_iter().map(statistic).collect();
    let p_values: Vec<f64> = statistics.iter().map(|&x| upper_tail(x, (n_batches - 1) as f64)).collect();
    let n = batches.len() as f64;
    Ok(Kbet {
        acceptance: p_values.iter().filter(|&&p| p >= ALPHA).count() as f64 / n,
        effect: statistics.iter().map(|x| (x / k).sqrt()).sum::<f64>() / n,
        p_values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, numbers, pbmc_cells};

    #[test]
    fn every_cell_is_tested_as_in_scib_metrics() {
        let (points, _, batches) = pbmc_cells();
        let found = test(&Knn::exact(&points, 50, NEIGHBORS), &batches).unwrap();
        close(found.acceptance, &json("integration_pbmc.json")["kbet_k50_accept"], 1e-12);
        for (found, expected) in found.p_values.iter().zip(numbers("kbet_p")) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn separate_batches_are_rejected_with_the_largest_effect_and_one_batch_gives_a_reason() {
        // Two batches of equal size, far apart: every neighbourhood is of one batch, χ² = k.
        let points: Vec<f32> = (0..200).map(|i| (i / 100) as f32 * 1e3 + (i % 100) as f32).collect();
        let batches: Vec<u32> = (0..200).map(|i| i / 100).collect();
        let knn = Knn::exact(&points, 1, NEIGHBORS);
        let found = test(&knn, &batches).unwrap();
        assert_eq!(found.acceptance, 0.0);
        assert!((found.effect - 1.0).abs() < 1e-12);
        assert!(test(&knn, &[0; 200]).is_err());
    }
}
