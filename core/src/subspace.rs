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

/// Eigenvalues, descending, and eigenvectors (columns) of a symmetric [n × n] matrix: Householder's reflections to
/// three diagonals, then QR steps with Wilkinson's shift (Golub & Van Loan, Matrix Computations, 4th ed., 8.3).
pub fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let (diagonal, beside, rows) = tridiagonal(&mut a, n);
    eigen_from(diagonal, beside, rows)
}

/// The same of a symmetric matrix that is zero but for its diagonal [n] and the entries `beside` it [n - 1].
pub fn eigen_of_tridiagonal(diagonal: Vec<f64>, beside: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let n = diagonal.len();
    assert_eq!(beside.len() + 1, n, "one entry fewer beside the diagonal");
    let mut rows = vec![0.0; n * n];
    (0..n).for_each(|i| rows[i * n + i] = 1.0);
    eigen_from(diagonal, beside, rows)
}

/// rows: [n × n] the rotation that made the matrix tridiagonal.
fn eigen_from(mut diagonal: Vec<f64>, mut beside: Vec<f64>, mut rows: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    let n = diagonal.len();
    diagonalise(&mut diagonal, &mut beside, &mut rows);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| diagonal[j].total_cmp(&diagonal[i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| diagonal[i]).collect();
    let vectors = (0..n * n).map(|at| rows[order[at % n] * n + at / n]).collect();
    (values, vectors)
}

/// Diagonal, the entries beside it (one fewer), and the rotation with A = rowsᵀ · T · rows.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut rows = vec![0.0; n * n];
    (0..n).for_each(|i| rows[i * n + i] = 1.0);
    let (mut v, mut p) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n.saturating_sub(2) {
        // The reflection I - v vᵀ / h makes everything below the first entry under the diagonal of column k zero.
        v[k + 1..].iter_mut().zip(k + 1..n).for_each(|(v, i)| *v = a[i * n + k]);
        let length = norm(&v[k + 1..]);
        if length == 0.0 {
            continue;
        }
        v[k + 1] += length.copysign(v[k + 1]);
        let h = v[k + 1..].iter().map(|v| v * v).sum::<f64>() / 2.0;
        for i in k..n {
            p[i] = dot(&a[i * n + k + 1..(i + 1) * n], &v[k + 1..]) / h;
        }
        // Only the block below and right of k changes, and its border: A - v qᵀ - q vᵀ with q = p - (p·v / 2h) v.
        let half = dot(&p[k + 1..], &v[k + 1..]) / (2.0 * h);
        p[k + 1..].iter_mut().zip(&v[k + 1..]).for_each(|(p, v)| *p -= half * v);
        for i in k + 1..n {
            let (vi, pi) = (v[i], p[i]);
            let row = &mut a[i * n + k + 1..(i + 1) * n];
            row.iter_mut().zip(&p[k + 1..]).zip(&v[k + 1..]).for_each(|((a, p), v)| *a -= vi * p + pi * v);
        }
        let border = a[(k + 1) * n + k] - v[k + 1] * p[k];
        a[(k + 1) * n + k] = border;
        // rows ← (I - v vᵀ / h) rows, of which row i + 1 is touched by reflections up to i alone.
        let mut sums = vec![0.0; n];
        for i in k + 1..n {
            sums.iter_mut().zip(&rows[i * n..(i + 1) * n]).for_each(|(sum, row)| *sum += v[i] * row);
        }
        for i in k + 1..n {
            let factor = v[i] / h;
            rows[i * n..(i + 1) * n].iter_mut().zip(&sums).for_each(|(row, sum)| *row -= factor * sum);
        }
    }
    let diagonal = (0..n).map(|i| a[i * n + i]).collect();
    let beside = (1..n).map(|i| a[i * n + i - 1]).collect();
    (diagonal, beside, rows)
}

/// Implicit QR on three diagonals; the rotations are applied to `rows`. Afterwards `diagonal` holds the eigenvalues.
fn diagonalise(diagonal: &mut [f64], beside: &mut [f64], rows: &mut [f64]) {
    let n = diagonal.len();
    let mut last = n.saturating_sub(1);
    // Two or three steps an eigenvalue are usual.
    for _ in 0..60 * n {
        while last > 0 && is_negligible(beside[last - 1], diagonal[last - 1], diagonal[last]) {
            last -= 1;
        }
        if last == 0 {
            return;
        }
        let mut first = last - 1;
        while first > 0 && !is_negligible(beside[first - 1], diagonal[first - 1], diagonal[first]) {
            first -= 1;
        }
        let (a, b, c) = (diagonal[last - 1], beside[last - 1], diagonal[last]);
        let half = (a - c) / 2.0;
        let shift = c - b * b / (half + (half * half + b * b).sqrt().copysign(half));
        let (mut x, mut z) = (diagonal[first] - shift, beside[first]);
        for k in first..last {
            let radius = (x * x + z * z).sqrt();
            let (cos, sin) = if radius == 0.0 { (1.0, 0.0) } else { (x / radius, z / radius) };
            if k > first {
                beside[k - 1] = radius;
            }
            let (a, b, c) = (diagonal[k], beside[k], diagonal[k + 1]);
            diagonal[k] = cos * cos * a + 2.0 * cos * sin * b + sin * sin * c;
            diagonal[k + 1] = sin * sin * a - 2.0 * cos * sin * b + cos * cos * c;
            beside[k] = cos * sin * (c - a) + (cos * cos - sin * sin) * b;
            x = beside[k];
            if k + 1 < last {
                z = sin * beside[k + 1];
                beside[k + 1] *= cos;
            }
            let (upper, lower) = rows[k * n..(k + 2) * n].split_at_mut(n);
            for (p, q) in upper.iter_mut().zip(lower) {
                (*p, *q) = (cos * *p + sin * *q, cos * *q - sin * *p);
            }
        }
    }
}

fn is_negligible(beside: f64, one: f64, other: f64) -> bool {
    beside.abs() <= f64::EPSILON * (one.abs() + other.abs())
}

/// The inner product, always summed in the same order.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums side by side, in a fixed order: one sum would wait for each addition.
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        sums.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, (x, y))| *sum += x * y);
    }
    sums.iter().sum::<f64>() + rest
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

    /// The second difference on n points has eigenvalues 2 - 2 cos(π k / (n + 1)).
    #[test]
    fn a_tridiagonal_matrix_has_the_known_eigenvalues() {
        let n = 9;
        let (values, vectors) = eigen_of_tridiagonal(vec![2.0; n], vec![-1.0; n - 1]);
        for (k, value) in values.iter().rev().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{value} {expected}");
        }
        assert!((vectors[0] * 2.0 - vectors[n] - values[0] * vectors[0]).abs() < 1e-12);
    }

    /// A v = λ v, also where half of the eigenvalues are 0.
    #[test]
    fn a_matrix_times_its_vectors_is_the_vectors_times_their_values() {
        for n in [1, 2, 3, 7, 40] {
            let factor: Vec<f64> = (0..n * n).map(|at| f64::from((at * 7_919 % 17) as u32) - 8.0).collect();
            let product = |i: usize, j: usize| -> f64 {
                (0..n / 2 + 1).map(|k| factor[k * n + i] * factor[k * n + j]).sum()
            };
            let a: Vec<f64> = (0..n * n).map(|at| product(at / n, at % n)).collect();
            let (values, vectors) = eigen(a.clone(), n);
            assert!(values.is_sorted_by(|x, y| x >= y), "{values:?}");
            for (k, value) in values.iter().enumerate() {
                for i in 0..n {
                    let left: f64 = (0..n).map(|j| a[i * n + j] * vectors[j * n + k]).sum();
                    let right = value * vectors[i * n + k];
                    assert!((left - right).abs() < 1e-12 * values[0], "n {n}, vector {k}: {left} {right}");
                }
                let length: f64 = (0..n).map(|i| vectors[i * n + k].powi(2)).sum();
                assert!((length - 1.0).abs() < 1e-12);
            }
        }
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
