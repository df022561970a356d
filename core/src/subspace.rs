//! The dense steps of randomised subspace iteration (Halko, Martinsson & Tropp 2011, arXiv 0909.4061). Row-major; on one
//! thread, so that every run gives the same bits.

/// Makes the columns of `basis` [rows × width] orthonormal: Gram-Schmidt, twice, in f64. A column without anything new becomes 0.
pub fn orthonormalize(basis: &mut [f32], width: usize) {
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
pub fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
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

/// `basis` [rows × width] · the first of `vectors` [width × width, columns], each with its largest entry positive.
/// Returns [rows × n_components].
pub fn rotate(basis: &[f32], vectors: &[f64], width: usize, n_components: usize) -> Vec<f32> {
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

    /// [[2, 1], [1, 2]] has the eigenvalues 3 and 1, along (1, 1) and (1, -1).
    #[test]
    fn eigenvalues_descend_and_vectors_are_columns() {
        let (values, vectors) = eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12, "{values:?}");
        assert!((vectors[0] - vectors[2]).abs() < 1e-12 && (vectors[1] + vectors[3]).abs() < 1e-12);
    }

    #[test]
    fn columns_become_orthonormal_and_one_without_anything_new_becomes_zero() {
        // The third column is the sum of the others.
        let mut basis = vec![3.0, 1.0, 4.0, 0.0, 2.0, 2.0, 4.0, 0.0, 4.0];
        orthonormalize(&mut basis, 3);
        let dot = |a: usize, b: usize| (0..3).map(|row| basis[row * 3 + a] * basis[row * 3 + b]).sum::<f32>();
        assert!((dot(0, 0) - 1.0).abs() < 1e-6 && (dot(1, 1) - 1.0).abs() < 1e-6 && dot(0, 1).abs() < 1e-6);
        assert_eq!(dot(2, 2), 0.0);
    }
}
