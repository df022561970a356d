//! A sparse symmetric matrix, and a polynomial of it.

use panfoma_core::graph::Links;

/// The filter may spread the eigenvalues this far: of sixteen digits it costs as many as this has.
const MOST_SPREAD: f64 = 1e4;

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

    /// Columns and values of a row.
    fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.links.offsets[row]..self.links.offsets[row + 1];
        let columns = self.links.targets[range.clone()].iter().map(|&column| column as usize);
        columns.zip(self.values[range].iter().copied())
    }

    /// A row of A v.
    pub fn times(&self, vector: &[f64], row: usize) -> f64 {
        self.row(row).map(|(column, value)| value * vector[column]).sum()
    }

    /// vᵀ A v of each column v of `vectors`, [n × width] row-major.
    pub fn quotients(&self, vectors: &[f64], width: usize) -> Vec<f64> {
        let mut sums = vec![0.0; width];
        let mut image = vec![0.0; width];
        for (row, own) in vectors.chunks_exact(width).enumerate() {
            image.fill(0.0);
            for (column, value) in self.row(row) {
                let other = &vectors[column * width..(column + 1) * width];
                image.iter_mut().zip(other).for_each(|(image, x)| *image += value * x);
            }
            sums.iter_mut().zip(own.iter().zip(&image)).for_each(|(sum, (x, y))| *sum += x * y);
        }
        sums
    }
}

/// Chebyshev's polynomial of odd degree in A / cut: eigenvalues within the cut stay within ±1, those beyond it are spread
/// and keep sign and order.
#[derive(Clone, Copy)]
pub struct Filter {
    /// Products that it costs.
    pub degree: usize,
    cut: f64,
}

impl Filter {
    /// A itself.
    pub const NONE: Self = Self { degree: 1, cut: 1.0 };

    /// The highest degree up to five, about what makes products and orthogonal vectors cost the same, that does not
    /// spread `largest` too far.
    pub fn above(cut: f64, largest: f64) -> Option<Self> {
        let spread = |degree: usize| (degree as f64 * (largest / cut).acosh()).cosh();
        let degree = [5, 3].into_iter().find(|&degree| cut > 0.0 && spread(degree) <= MOST_SPREAD)?;
        Some(Self { degree, cut })
    }

    /// The polynomial of the matrix times a vector, by the three-term recurrence.
    pub fn times(self, matrix: &Sparse, vector: &[f64]) -> Vec<f64> {
        let rows = 0..matrix.n();
        let mut now: Vec<f64> = rows.clone().map(|row| matrix.times(vector, row) / self.cut).collect();
        let mut before = vector.to_vec();
        for _ in 1..self.degree {
            for (row, x) in before.iter_mut().enumerate() {
                *x = 2.0 / self.cut * matrix.times(&now, row) - *x;
            }
            std::mem::swap(&mut before, &mut now);
        }
        now
    }
}
