//! Principal component regression: how much of the variance does the batch explain?

use super::groups::{count, sizes};
use crate::metrics::Undefined;

/// Share of the variance that lies between groups, 0 to 1.
///
/// It equals the sum over all principal components of R² of the component on the groups, weighted by variance, without
/// computing any: tr(S between) / tr(S total). Source: scib-metrics 0.6, `principal_component_regression`.
/// Errors: one group, or all points alike.
pub fn explained_variance(points: &[f32], dim: usize, groups: &[u32]) -> Result<f64, Undefined> {
    if count(groups) < 2 {
        return Err(Undefined("all cells are of one batch"));
    }
    let sizes = sizes(groups);
    let mut sums = vec![vec![0.0; dim]; sizes.len()];
    for (point, &group) in points.chunks_exact(dim).zip(groups) {
        sums[group as usize].iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let n = groups.len() as f64;
    let mean: Vec<f64> = (0..dim).map(|j| sums.iter().map(|sum| sum[j]).sum::<f64>() / n).collect();
    let of_point =
        |point: &[f32]| -> f64 { point.iter().zip(&mean).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum() };
    let total: f64 = points.chunks_exact(dim).map(of_point).sum();
    let of_group = |(sum, &size): (&Vec<f64>, &f64)| -> f64 {
        size * sum.iter().zip(&mean).map(|(s, m)| (s / size - m).powi(2)).sum::<f64>()
    };
    let between: f64 = sums.iter().zip(&sizes).filter(|&(_, &size)| size > 0.0).map(of_group).sum();
    if total > 0.0 { Ok(between / total) } else { Err(Undefined("all cells are at one point")) }
}

/// (before − after) / before, 0 if the batch explains more than before.
///
/// Source: scib-metrics 0.6, `pcr_comparison`. Errors: the batch explained nothing before.
pub fn comparison(before: f64, after: f64) -> Result<f64, Undefined> {
    match before > 0.0 {
        true => Ok(((before - after) / before).max(0.0)),
        false => Err(Undefined("the batch explains nothing of the counts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, pbmc_before, pbmc_cells};

    #[test]
    fn shares_and_comparison_are_those_of_scib_metrics() {
        let (points, _, batches) = pbmc_cells();
        let expected = json("integration_pbmc.json");
        let before = explained_variance(&pbmc_before(), 50, &batches).unwrap();
        let after = explained_variance(&points, 50, &batches).unwrap();
        close(before, &expected["pcr_pre"], 1e-9);
        close(after, &expected["pcr_post"], 1e-9);
        close(comparison(before, after).unwrap(), &expected["pcr_comparison"], 1e-9);
        close(comparison(after, before).unwrap(), &expected["pcr_comparison_negative"], 0.0);
        assert!(explained_variance(&points, 50, &[0; 700]).is_err());
        assert!(explained_variance(&[1.0; 4], 1, &[0, 0, 1, 1]).is_err());
    }
}
