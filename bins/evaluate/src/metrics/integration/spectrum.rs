//! The largest eigenvalues of a sparse symmetric matrix by Lanczos' method, every new vector made orthogonal to all
//! before (Golub & Van Loan, Matrix Computations, 4th ed., 10.3).
//!
//! A short search tells where the wanted eigenvalues begin, and ends there if it has found them. Where they lie close
//! together, it would need many steps, each dearer than the last; so a second search runs on a polynomial of the matrix that
//! spreads them and flattens the others: a step is a few products with the sparse matrix, and a few hundred steps are enough.

use super::sparse::{Filter, Sparse};
use panfoma_core::rng::{Philox, Stream};
use panfoma_core::subspace::{dot, eigen_of_tridiagonal};

/// Names this use of the seed.
const PURPOSE: u32 = 0x6C61_6E63;
/// An eigenvalue is found when its residual is below this share of the largest.
const TOLERANCE: f64 = 1e-11;
/// The filter's cut lies a little below the first estimate, so that no wanted eigenvalue lies on it.
const BELOW: f64 = 0.98;

/// The `wanted` eigenvalues of largest magnitude and their vectors of length 1, [n × wanted] row-major.
pub fn largest(matrix: &Sparse, wanted: usize) -> (Vec<f64>, Vec<f64>) {
    let wanted = wanted.min(matrix.n());
    let mut search = Search::new(matrix, Filter::NONE);
    let mut steps = 2 * wanted + 20;
    loop {
        search.extend(steps);
        let found = search.found(wanted);
        // Below the largest magnitudes found another may hide as long as these move.
        if found.is_done() {
            let vectors = search.expand(&found);
            return (matrix.quotients(&vectors, wanted), vectors);
        }
        let estimate = |at: usize| found.values[at].abs();
        match Filter::above(BELOW * estimate(wanted - 1), estimate(0)) {
            Some(filter) if search.filter.degree == 1 => search = Search::new(matrix, filter),
            _ => steps += steps / 4,
        }
    }
}

/// Lanczos' method on a polynomial of a matrix.
struct Search<'a> {
    matrix: &'a Sparse,
    filter: Filter,
    stream: Stream,
    /// Orthonormal, one more than steps were made.
    basis: Vec<Vec<f64>>,
    /// The tridiagonal matrix in this basis.
    diagonal: Vec<f64>,
    /// Of each step, the last included.
    beside: Vec<f64>,
}

/// What a search knows of the largest magnitudes.
struct Found {
    /// Estimates, descending in magnitude.
    values: Vec<f64>,
    /// The largest residual.
    residual: f64,
    /// That of a residual that is small enough.
    most: f64,
    /// [wanted × steps] the vectors in the search's basis.
    vectors: Vec<Vec<f64>>,
}

impl Found {
    fn is_done(&self) -> bool {
        self.residual <= self.most
    }
}

impl<'a> Search<'a> {
    fn new(matrix: &'a Sparse, filter: Filter) -> Self {
        let mut stream = Philox::new(0).stream(0, PURPOSE);
        let basis = vec![fresh(matrix.n(), &[], &mut stream)];
        Self { matrix, filter, stream, basis, diagonal: Vec::new(), beside: Vec::new() }
    }

    /// To `steps` of them, or to as many as the matrix has rows.
    fn extend(&mut self, steps: usize) {
        let n = self.matrix.n();
        for at in self.diagonal.len()..steps.min(n) {
            let mut next = self.filter.times(self.matrix, &self.basis[at]);
            let along = dot(&next, &self.basis[at]);
            self.diagonal.push(along);
            // What the recurrence removes goes first: of the rest little lies along the basis.
            subtract(&mut next, along, &self.basis[at]);
            if at > 0 {
                subtract(&mut next, self.beside[at - 1], &self.basis[at - 1]);
            }
            make_orthogonal(&mut next, &self.basis);
            let mut length = dot(&next, &next).sqrt();
            if length > 1e-13 {
                next.iter_mut().for_each(|x| *x /= length);
            } else if at + 1 < n {
                // All that the start reaches is found: what remains begins anew.
                next = fresh(n, &self.basis, &mut self.stream);
                length = 0.0;
            }
            self.beside.push(length);
            self.basis.push(next);
        }
    }

    fn found(&self, wanted: usize) -> Found {
        let steps = self.diagonal.len();
        let (values, vectors) =
            eigen_of_tridiagonal(self.diagonal.clone(), self.beside[..steps - 1].to_vec());
        let mut order: Vec<usize> = (0..steps).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
        order.truncate(wanted);
        let last = |&which: &usize| (self.beside[steps - 1] * vectors[(steps - 1) * steps + which]).abs();
        let residual =
            if steps == self.matrix.n() { 0.0 } else { order.iter().map(last).fold(0.0, f64::max) };
        // Of a filtered matrix the smallest wanted value is about 1, and a residual is larger than A's.
        let most = TOLERANCE * if self.filter.degree == 1 { values[order[0]].abs() } else { 1.0 };
        let vector = |&which: &usize| (0..steps).map(|step| vectors[step * steps + which]).collect();
        Found {
            values: order.iter().map(|&which| values[which]).collect(),
            residual,
            most,
            vectors: order.iter().map(vector).collect(),
        }
    }

    /// The vectors found, [n × wanted] row-major.
    fn expand(&self, found: &Found) -> Vec<f64> {
        let width = found.vectors.len();
        let mut out = vec![0.0; self.matrix.n() * width];
        for (step, vector) in self.basis.iter().take(self.diagonal.len()).enumerate() {
            let weights: Vec<f64> = found.vectors.iter().map(|of| of[step]).collect();
            for (row, &x) in out.chunks_exact_mut(width).zip(vector) {
                row.iter_mut().zip(&weights).for_each(|(out, weight)| *out += x * weight);
            }
        }
        out
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

/// Again if much was removed: what rounding left of it is then no longer small beside the rest (Daniel et al. 1976).
fn make_orthogonal(vector: &mut [f64], basis: &[Vec<f64>]) {
    for _ in 0..2 {
        let before = dot(vector, vector);
        basis.iter().for_each(|other| subtract(vector, dot(vector, other), other));
        if dot(vector, vector) > 0.5 * before {
            return;
        }
    }
}

fn subtract(vector: &mut [f64], along: f64, other: &[f64]) {
    vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::graph::Links;

    /// Rows of (column, value).
    fn sparse(rows: impl Iterator<Item = Vec<(usize, f64)>>) -> Sparse {
        let mut matrix =
            Sparse { links: Links { offsets: vec![0], targets: Vec::new() }, values: Vec::new() };
        for row in rows {
            matrix.links.targets.extend(row.iter().map(|&(column, _)| column as u32));
            matrix.values.extend(row.iter().map(|&(_, value)| value));
            matrix.links.offsets.push(matrix.values.len());
        }
        matrix
    }

    /// A grid of nodes, each linked to those beside, above and below it.
    fn grid(height: usize, width: usize) -> Sparse {
        let row = move |node: usize| {
            let (y, x) = (node / width, node % width);
            let beside = [(y > 0, node.wrapping_sub(width)), (x > 0, node.wrapping_sub(1))];
            let beyond = [(x + 1 < width, node + 1), (y + 1 < height, node + width)];
            let links = beside.into_iter().chain(beyond);
            links.filter_map(|(is_there, to)| is_there.then_some((to, 1.0))).collect()
        };
        sparse((0..height * width).map(row))
    }

    /// Of a grid: 2 cos(π i / (height + 1)) + 2 cos(π j / (width + 1)).
    fn magnitudes_of_grid(height: usize, width: usize) -> Vec<f64> {
        let wave = |at: usize, n: usize| 2.0 * (std::f64::consts::PI * at as f64 / (n + 1) as f64).cos();
        let of = |i: usize| (1..=width).map(move |j| (wave(i, height) + wave(j, width)).abs());
        let mut all: Vec<f64> = (1..=height).flat_map(of).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        all
    }

    /// Magnitudes as expected, and of every pair A v = λ v.
    fn check(matrix: &Sparse, expected: &[f64], tolerance: f64) {
        let wanted = expected.len();
        let (values, vectors) = largest(matrix, wanted);
        for (at, (value, expected)) in values.iter().zip(expected).enumerate() {
            assert!((value.abs() - expected).abs() < tolerance, "{at}: {value} {expected}");
            let vector: Vec<f64> = vectors.iter().skip(at).step_by(wanted).copied().collect();
            assert!((dot(&vector, &vector) - 1.0).abs() < 1e-10, "{at}");
            for (row, x) in vector.iter().enumerate() {
                assert!((matrix.times(&vector, row) - value * x).abs() < 100.0 * tolerance, "{at}");
            }
        }
    }

    /// A path of n nodes has eigenvalues 2 cos(π k / (n + 1)), in pairs of opposite sign.
    #[test]
    fn the_largest_magnitudes_of_a_path_are_the_known_ones() {
        let expected = |at: usize| 2.0 * (std::f64::consts::PI * (at / 2 + 1) as f64 / 301.0).cos();
        check(&grid(1, 300), &(0..12).map(expected).collect::<Vec<_>>(), 1e-10);
    }

    /// Steps enough for a path would find few of these: the wanted ones lie as close together as all others.
    #[test]
    fn eigenvalues_that_crowd_are_all_found() {
        check(&grid(37, 23), &magnitudes_of_grid(37, 23)[..60], 1e-10);
    }

    /// A polynomial that spreads the small ones would lift the first beyond all digits.
    #[test]
    fn one_far_above_all_others_does_not_drown_them() {
        let value = |at: usize| if at == 0 { 1e3 } else { 1.0 - at as f64 / 1e3 };
        let matrix = sparse((0..500).map(|at| vec![(at, value(at))]));
        check(&matrix, &(0..5).map(value).collect::<Vec<_>>(), 1e-9);
    }

    /// The identity: every vector is found, though the first step already ends the search.
    #[test]
    fn equal_eigenvalues_are_all_found() {
        let (values, vectors) = largest(&sparse((0..6).map(|at| vec![(at, 1.0)])), 4);
        assert!(values.iter().all(|value| (value - 1.0).abs() < 1e-12));
        for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
            let product: f64 = vectors.chunks_exact(4).map(|row| row[a] * row[b]).sum();
            assert!((product - f64::from(a == b)).abs() < 1e-10);
        }
    }
}
