//! Principal components by randomised subspace iteration (Halko, Martinsson & Tropp 2011).

use crate::matrix::{View, inner_product, product};
use panfoma_core::rng::Philox;

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

/// Makes the columns orthonormal: Gram-Schmidt, twice, in f64. A column without anything new becomes 0.
fn orthonormalize(basis: &mut [f32], width: usize) {
    let rows = basis.len() / width;
    let mut columns: Vec<Vec<f64>> =
        (0..width).map(|c| (0..rows).map(|r| f64::from(basis[r * width + c])).collect()).collect();
    for at in 0..width {
        let (done, rest) = columns.split_at_mut(at);
        let column = &mut rest[0];
        let before = norm(column);
        for _ in 0..2 {
            for other in &*done {
                let dot: f64 = column.iter().zip(other).map(|(a, b)| a * b).sum();
                column.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let length = norm(column);
        let scale = if length > 1e-7 * before && length > 0.0 { 1.0 / length } else { 0.0 };
        column.iter_mut().for_each(|a| *a *= scale);
    }
    for (c, column) in columns.iter().enumerate() {
        column.iter().enumerate().for_each(|(r, &value)| basis[r * width + c] = value as f32);
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Eigenvalues, descending, and eigenvectors (columns) of a symmetric [n × n] matrix: cyclic Jacobi rotations.
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    for _ in 0..60 {
        let off: f64 = (0..n * n).filter(|at| at / n != at % n).map(|at| a[at] * a[at]).sum();
        let all: f64 = a.iter().map(|x| x * x).sum();
        if off <= 1e-24 * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q] == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[k * n + p], v[k * n + q]);
                    (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    let vectors = (0..n * n).map(|at| v[(at / n) * n + order[at % n]]).collect();
    (values, vectors)
}

/// basis · the first eigenvectors, each with its largest entry positive. Returns [rows × n_components].
fn rotate(basis: &[f32], vectors: &[f64], width: usize, n_components: usize) -> Vec<f32> {
    let rows = basis.len() / width;
    let mut out = vec![0.0f32; rows * n_components];
    for component in 0..n_components {
        let entry = |row: usize| -> f64 {
            (0..width).map(|k| f64::from(basis[row * width + k]) * vectors[k * width + component]).sum()
        };
        let column: Vec<f64> = (0..rows).map(entry).collect();
        let largest = column.iter().fold(0.0f64, |max, &x| if x.abs() > max.abs() { x } else { max });
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        column
            .iter()
            .enumerate()
            .for_each(|(row, x)| out[row * n_components + component] = (sign * x) as f32);
    }
    out
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
