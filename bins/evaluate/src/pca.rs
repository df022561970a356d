//! Principal components by randomised subspace iteration (Halko, Martinsson & Tropp 2011).

use panfoma_core::dense::{View, inner_product, product};
use panfoma_core::rng::Philox;
use panfoma_core::subspace::{eigen, orthonormalize, rotate};

/// Names this use of the seed.
const PURPOSE: u32 = 0x0070_6361;
/// Directions beyond those asked for, and rounds of multiplication: enough for four digits of each component.
const EXTRA: usize = 10;
const ROUNDS: usize = 6;

/// Directions of largest variance.
pub struct Pca {
    /// [dim × components].
    directions: Vec<f32>,
    /// What the mean projects to, [components].
    centre: Vec<f32>,
    /// Number of components.
    pub n_components: usize,
    /// Variance along each, descending.
    pub variance: Vec<f64>,
    dim: usize,
}

impl Pca {
    /// points: [n × dim]. At most min(n, dim) components.
    pub fn fit(points: &[f32], dim: usize, n_components: usize, seed: u64) -> Self {
        let n = points.len() / dim;
        let n_components = n_components.min(n).min(dim);
        let width = (n_components + EXTRA).min(dim);
        let x = View::new(points, n, dim);
        let mut stream = Philox::new(seed).stream(0, PURPOSE);
        let mut basis: Vec<f32> = (0..dim * width).map(|_| stream.normal() as f32).collect();
        for _ in 0..ROUNDS {
            orthonormalize(&mut basis, width);
            let projected = centred(product(x, View::new(&basis, dim, width)), width);
            basis = inner_product(x, View::new(&projected, n, width));
        }
        orthonormalize(&mut basis, width);
        let projected = centred(product(x, View::new(&basis, dim, width)), width);
        let covariance = inner_product(View::new(&projected, n, width), View::new(&projected, n, width));
        let (values, vectors) = eigen(covariance.iter().map(|&v| f64::from(v)).collect(), width);
        let directions = rotate(&basis, &vectors, width, n_components);
        let mean: Vec<f32> = (0..dim)
            .map(|j| {
                (points.iter().skip(j).step_by(dim).map(|&v| f64::from(v)).sum::<f64>() / n as f64) as f32
            })
            .collect();
        let centre = product(View::new(&mean, 1, dim), View::new(&directions, dim, n_components));
        let variance = values[..n_components].iter().map(|v| v / (n.max(2) - 1) as f64).collect();
        Self { directions, centre, n_components, variance, dim }
    }

    /// Scores of points, [n × components].
    pub fn scores(&self, points: &[f32]) -> Vec<f64> {
        let x = View::new(points, points.len() / self.dim, self.dim);
        let scores = product(x, View::new(&self.directions, self.dim, self.n_components));
        let centre = self.centre.iter().cycle();
        scores.into_iter().zip(centre).map(|(score, centre)| f64::from(score - centre)).collect()
    }
}

/// Subtracts each column's mean. values: [n × width].
fn centred(mut values: Vec<f32>, width: usize) -> Vec<f32> {
    let n = values.len() / width;
    for column in 0..width {
        let sum: f64 = values.iter().skip(column).step_by(width).map(|&v| f64::from(v)).sum();
        let mean = (sum / n as f64) as f32;
        values.iter_mut().skip(column).step_by(width).for_each(|v| *v -= mean);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::pbmc;

    /// scikit-learn 1.9.1: `PCA(5).fit(X_post).explained_variance_`.
    #[test]
    fn variances_are_those_of_scikit_learn() {
        let (points, ..) = pbmc();
        let points: Vec<f32> = points.iter().map(|&x| x as f32).collect();
        let pca = Pca::fit(&points, 50, 5, 0);
        for (found, expected) in pca.variance.iter().zip(SKLEARN) {
            assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        }
        let scores = pca.scores(&points);
        let first: f64 = scores.iter().step_by(5).map(|s| s * s).sum::<f64>() / 699.0;
        assert!((first / SKLEARN[0] - 1.0).abs() < 1e-4);
    }

    const SKLEARN: [f64; 5] =
        [30.92623999359394, 21.183774666589972, 14.704799622153782, 11.619693863700633, 9.242043134887144];
}
