//! Symmetric positive definite matrices in f64, in a fixed order of additions.

/// The lower triangle L of S = L Lᵀ.
pub struct Cholesky {
    /// [n x n], zeros above the diagonal.
    lower: Vec<f64>,
    n: usize,
}

impl Cholesky {
    /// Factorises `matrix` [n x n] after adding `ridge` to its diagonal.
    ///
    /// Panics if the sum is not positive definite: `ridge` has to be above the rounding error of the matrix.
    pub fn new(matrix: &[f64], n: usize, ridge: f64) -> Self {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                let rest = matrix[i * n + j] - dot + if i == j { ridge } else { 0.0 };
                assert!(i != j || rest > 0.0, "pivot {i} of {n} is {rest}");
                lower[i * n + j] = if i == j { rest.sqrt() } else { rest / lower[j * n + j] };
            }
        }
        Self { lower, n }
    }

    /// x with L x = `rhs`.
    pub fn solve_lower(&self, mut rhs: Vec<f64>) -> Vec<f64> {
        for i in 0..self.n {
            let dot: f64 = (0..i).map(|k| self.lower[i * self.n + k] * rhs[k]).sum();
            rhs[i] = (rhs[i] - dot) / self.lower[i * self.n + i];
        }
        rhs
    }

    /// x with Lᵀ x = `rhs`.
    pub fn solve_upper(&self, mut rhs: Vec<f64>) -> Vec<f64> {
        for i in (0..self.n).rev() {
            let dot: f64 = (i + 1..self.n).map(|k| self.lower[k * self.n + i] * rhs[k]).sum();
            rhs[i] = (rhs[i] - dot) / self.lower[i * self.n + i];
        }
        rhs
    }

    /// x with S x = `rhs`.
    pub fn solve(&self, rhs: Vec<f64>) -> Vec<f64> {
        self.solve_upper(self.solve_lower(rhs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S = L Lᵀ of L = [[2, 0, 0], [1, 3, 0], [-1, 2, 1]]; S (1, 2, 3) by hand.
    #[test]
    fn a_system_with_a_known_factor_is_solved() {
        let matrix = [4.0, 2.0, -2.0, 2.0, 10.0, 5.0, -2.0, 5.0, 6.0];
        let factor = Cholesky::new(&matrix, 3, 0.0);
        assert_eq!(factor.lower, [2.0, 0.0, 0.0, 1.0, 3.0, 0.0, -1.0, 2.0, 1.0]);
        assert_eq!(factor.solve(vec![2.0, 37.0, 26.0]), [1.0, 2.0, 3.0]);
    }
}
