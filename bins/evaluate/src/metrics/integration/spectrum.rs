//! The largest eigenvalues of a sparse symmetric matrix by Lanczos' method, every new vector made orthogonal to all
//! before (Golub & Van Loan, Matrix Computations, 4th ed., 10.3).

use panfoma_core::graph::Links;
use panfoma_core::rng::{Philox, Stream};
use panfoma_core::subspace::{dot, eigen_of_tridiagonal};

/// Names this use of the seed.
const PURPOSE: u32 = 0x6C61_6E63;
/// An eigenvalue is found when its residual is below this share of the largest.
const TOLERANCE: f64 = 1e-11;

/// A symmetric matrix, compressed by rows.
pub struct Sparse {
    /// Columns of each row.
    pub links: Links,
    /// Value of each entry.
    pub values: Vec<f64>,
}

impl Sparse {
    /// Number of rows.
    pub fn n(&self) -> usize {
        self.links.n_nodes()
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let of_row = |row: usize| -> f64 {
            let range = self.links.offsets[row]..self.links.offsets[row + 1];
            let columns = &self.links.targets[range.clone()];
            columns
                .iter()
                .zip(&self.values[range])
                .map(|(&column, value)| value * vector[column as usize])
                .sum()
        };
        (0..self.n()).map(of_row).collect()
    }
}

/// The `wanted` eigenvalues of largest magnitude and their vectors of length 1, [n × wanted] row-major.
pub fn largest(matrix: &Sparse, wanted: usize) -> (Vec<f64>, Vec<f64>) {
    let n = matrix.n();
    let wanted = wanted.min(n);
    let mut stream = Philox::new(0).stream(0, PURPOSE);
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut basis: Vec<Vec<f64>> = vec![fresh(n, &[], &mut stream)];
    let mut steps = (2 * wanted + 20).min(n);
    loop {
        while diagonal.len() < steps {
            let at = diagonal.len();
            let mut next = matrix.times(&basis[at]);
            diagonal.push(dot(&next, &basis[at]));
            make_orthogonal(&mut next, &basis);
            let mut length = dot(&next, &next).sqrt();
            if length > 1e-13 {
                next.iter_mut().for_each(|x| *x /= length);
            } else if at + 1 < n {
                // All that the start reaches is found: what remains begins anew.
                next = fresh(n, &basis, &mut stream);
                length = 0.0;
            }
            beside.push(length);
            basis.push(next);
        }
        let (values, vectors) = eigen_of_tridiagonal(diagonal.clone(), beside[..steps - 1].to_vec());
        let mut order: Vec<usize> = (0..steps).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
        order.truncate(wanted);
        let residual = |&which: &usize| (beside[steps - 1] * vectors[(steps - 1) * steps + which]).abs();
        let most = TOLERANCE * values[order[0]].abs();
        // Below the largest magnitudes found another may hide as long as these move.
        if steps == n || order.iter().all(|which| residual(which) <= most) {
            let found = order.iter().map(|&which| values[which]).collect();
            return (found, expand(&basis, &vectors, &order, steps));
        }
        steps = (steps + steps / 2).min(n);
    }
}

/// A random direction orthogonal to the basis.
fn fresh(n: usize, basis: &[Vec<f64>], stream: &mut Stream) -> Vec<f64> {
    let mut vector: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
    make_orthogonal(&mut vector, basis);
    let length = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

/// Twice: once leaves what rounding of a long projection adds.
fn make_orthogonal(vector: &mut [f64], basis: &[Vec<f64>]) {
    for _ in 0..2 {
        for other in basis {
            let along = dot(vector, other);
            vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
    }
}

/// basis · the chosen columns of vectors [steps × steps], [n × chosen].
fn expand(basis: &[Vec<f64>], vectors: &[f64], chosen: &[usize], steps: usize) -> Vec<f64> {
    let n = basis[0].len();
    let mut out = vec![0.0; n * chosen.len()];
    for (step, vector) in basis.iter().take(steps).enumerate() {
        let weights: Vec<f64> = chosen.iter().map(|&which| vectors[step * steps + which]).collect();
        for (row, &x) in out.chunks_exact_mut(chosen.len()).zip(vector) {
            row.iter_mut().zip(&weights).for_each(|(out, weight)| *out += x * weight);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of n nodes has eigenvalues 2 cos(π k / (n + 1)), in pairs of opposite sign.
    #[test]
    fn the_largest_magnitudes_of_a_path_are_the_known_ones() {
        let n = 300usize;
        let mut links = Links { offsets: vec![0], targets: Vec::new() };
        for node in 0..n {
            links.targets.extend((node > 0).then(|| node as u32 - 1));
            links.targets.extend((node + 1 < n).then_some(node as u32 + 1));
            links.offsets.push(links.targets.len());
        }
        let values = vec![1.0; links.targets.len()];
        let matrix = Sparse { links, values };
        let (found, vectors) = largest(&matrix, 12);
        for (at, value) in found.iter().enumerate() {
            let k = (at / 2 + 1) as f64;
            let expected = 2.0 * (std::f64::consts::PI * k / (n + 1) as f64).cos();
            assert!((value.abs() - expected).abs() < 1e-10, "{value} {expected}");
            let vector: Vec<f64> = vectors.iter().skip(at).step_by(12).copied().collect();
            let image = matrix.times(&vector);
            assert!(image.iter().zip(&vector).all(|(a, b)| (a - value * b).abs() < 1e-9));
        }
    }

    /// The identity: every vector is found, though the first step already ends the search.
    #[test]
    fn equal_eigenvalues_are_all_found() {
        let links = Links { offsets: (0..=6).collect(), targets: (0..6).collect() };
        let (values, vectors) = largest(&Sparse { links, values: vec![1.0; 6] }, 4);
        assert!(values.iter().all(|value| (value - 1.0).abs() < 1e-12));
        for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
            let product: f64 = vectors.chunks_exact(4).map(|row| row[a] * row[b]).sum();
            assert!((product - f64::from(a == b)).abs() < 1e-10);
        }
    }
}
