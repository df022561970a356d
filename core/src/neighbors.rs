//! Exact nearest neighbours: distances by blocks of matrix products, of which only the smallest are held.

use crate::dense::{Number, View, multiply};
use rayon::prelude::*;

/// Queries of one product, and points: their distances stay in the second cache.
const QUERIES: usize = 64;
const POINTS: usize = 1_024;

/// The `k` nearest of each query: (index, distance), nearest first, ties by index.
///
/// queries: [m × dim]   base: [n × dim]   returns m lists of min(k, n).
pub fn nearest(queries: &[f64], base: &[f64], dim: usize, k: usize) -> Vec<Vec<(u32, f64)>> {
    map_nearest(queries, base, dim, k, |_, found| {
        let mut sorted: Vec<(u32, f64)> = found.iter().map(|&(distance, at)| (at, distance)).collect();
        sorted.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        sorted.iter_mut().for_each(|neighbour| neighbour.1 = neighbour.1.max(0.0).sqrt());
        sorted
    })
}

/// What `each(query, neighbours)` makes of the `k` nearest of every query, in the order of the queries. The neighbours
/// are (squared distance, index) in no order; rounding may put a distance of 0 below 0. Of equal distances the smaller
/// index is the nearer. Memory: a block of distances a thread, and what `each` returns.
///
/// queries: [m × dim]   base: [n × dim]   neighbours: min(k, n)
pub fn map_nearest<T: Number, R: Send>(
    queries: &[T],
    base: &[T],
    dim: usize,
    k: usize,
    each: impl Fn(usize, &[(T, u32)]) -> R + Sync,
) -> Vec<R> {
    map_nearest_around(&vec![T::ZERO; dim], queries, base, k, each)
}

/// As [`map_nearest`], computed in `T` with the origin moved to `centre`: the nearer that is to the points, the less is
/// lost to rounding.
///
/// centre: [dim]
pub fn map_nearest_around<S: Copy + Into<T> + Sync, T: Number, R: Send>(
    centre: &[T],
    queries: &[S],
    base: &[S],
    k: usize,
    each: impl Fn(usize, &[(T, u32)]) -> R + Sync,
) -> Vec<R> {
    let dim = centre.len();
    let wide = dim + 1;
    let blocks: Vec<Vec<R>> = queries
        .par_chunks(QUERIES * dim)
        .enumerate()
        .map(|(block, queries)| {
            // With [-2a, 1] and [b, |b|²] one product gives |b|² - 2ab, which is the squared distance less |a|².
            let n_asked = queries.len() / dim;
            let (mut asked, mut points) = (Vec::new(), Vec::new());
            let norms = widen(queries, centre, &mut asked, |x| x * T::MINUS_TWO, |_| T::ONE);
            let mut held: Vec<Nearest<T>> = (0..n_asked).map(|_| Nearest::new(k)).collect();
            let mut products = vec![T::ZERO; n_asked * POINTS];
            for (tile, base) in base.chunks(POINTS * dim).enumerate() {
                let n_points = base.len() / dim;
                widen(base, centre, &mut points, |x| x, |norm| norm);
                let products = &mut products[..n_asked * n_points];
                let points = View::new(&points, n_points, wide).t();
                multiply(View::new(&asked, n_asked, wide), points, products);
                for (held, row) in held.iter_mut().zip(products.chunks_exact(n_points)) {
                    held.offer((tile * POINTS) as u32, row);
                }
            }
            let found = held.into_iter().zip(norms).enumerate();
            found.map(|(row, (held, norm))| each(block * QUERIES + row, &held.finish(norm))).collect()
        })
        .collect();
    blocks.into_iter().flatten().collect()
}

/// Writes `change` of each coordinate less the centre's, and `last` of the squared distance from the centre, to `out`,
/// [points × (dim + 1)]. Returns those squared distances.
fn widen<S: Copy + Into<T>, T: Number>(
    points: &[S],
    centre: &[T],
    out: &mut Vec<T>,
    change: impl Fn(T) -> T,
    last: impl Fn(T) -> T,
) -> Vec<T> {
    out.clear();
    let widened = points.chunks_exact(centre.len()).map(|point| {
        let start = out.len();
        out.extend(point.iter().zip(centre).map(|(&x, &c)| x.into() - c));
        let norm: T = sum_of_squares(&out[start..]);
        out[start..].iter_mut().for_each(|x| *x = change(*x));
        out.push(last(norm));
        norm
    });
    widened.collect()
}

fn sum_of_squares<T: Number>(values: &[T]) -> T {
    // Eight sums side by side, in a fixed order: one sum would wait for each addition.
    let mut sums = [T::ZERO; 8];
    let eights = values.chunks_exact(8);
    let rest: T = eights.remainder().iter().map(|&x| x * x).sum();
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &x)| *sum = *sum + x * x);
    }
    sums.into_iter().sum::<T>() + rest
}

/// The nearest so far, and at most as many more.
struct Nearest<T> {
    k: usize,
    found: Vec<(T, u32)>,
    /// The k-th distance when last looked at: nothing at it or beyond it can be among the nearest.
    limit: T,
}

impl<T: Number> Nearest<T> {
    fn new(k: usize) -> Self {
        let limit = if k == 0 { T::ZERO } else { T::INFINITY };
        Self { k, found: Vec::with_capacity(2 * k), limit }
    }

    /// Distances of the points from `first` on.
    fn offer(&mut self, first: u32, distances: &[T]) {
        if self.k == 0 {
            return;
        }
        for (at, chunk) in distances.chunks(16).enumerate() {
            // Nearly always none: this line is what the search spends its time on besides the products.
            if !chunk.iter().fold(false, |any, &distance| any | (distance < self.limit)) {
                continue;
            }
            for (lane, &distance) in chunk.iter().enumerate() {
                if distance < self.limit {
                    self.found.push((distance, first + (at * 16 + lane) as u32));
                    if self.found.len() == 2 * self.k {
                        self.shrink();
                    }
                }
            }
        }
    }

    fn shrink(&mut self) {
        if self.found.len() > self.k {
            let nearer = |a: &(T, u32), b: &(T, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            self.found.select_nth_unstable_by(self.k - 1, nearer);
            self.found.truncate(self.k);
            self.limit = self.found[self.k - 1].0;
        }
    }

    /// With `norm`, which the products lack.
    fn finish(mut self, norm: T) -> Vec<(T, u32)> {
        self.shrink();
        self.found.iter_mut().for_each(|found| found.0 = found.0 + norm);
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_come_nearest_first_and_ties_by_index() {
        let base = [0.0, 1.0, 1.0, 3.0];
        let found = nearest(&[0.9], &base, 1, 3);
        assert_eq!(found[0].iter().map(|n| n.0).collect::<Vec<_>>(), [1, 2, 0]);
        assert!((found[0][0].1 - 0.1).abs() < 1e-12);
        assert_eq!(nearest(&[0.0], &base, 1, 9)[0].len(), 4);
        assert_eq!(nearest(&[0.0], &base, 1, 0)[0].len(), 0);
    }

    /// Whole numbers, so that every distance is exact in f32 and many are equal.
    #[test]
    fn several_blocks_give_what_sorting_all_distances_gives() {
        let (n, dim, k) = (2 * POINTS + 77, 3, 21);
        let base: Vec<f32> = (0..n * dim).map(|i| ((i * 7_919 + i / 13) % 23) as f32).collect();
        let queries = &base[..(QUERIES + 5) * dim];
        let found = map_nearest(queries, &base, dim, k, |_, found| {
            let mut found: Vec<(u32, u32)> = found.iter().map(|&(d, at)| (d as u32, at)).collect();
            found.sort_unstable();
            found
        });
        assert_eq!(found.len(), QUERIES + 5);
        for (query, found) in queries.chunks_exact(dim).zip(found) {
            let distance =
                |point: &[f32]| query.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            let mut all: Vec<(u32, u32)> =
                base.chunks_exact(dim).zip(0..).map(|(point, at)| (distance(point) as u32, at)).collect();
            all.sort_unstable();
            assert_eq!(found, all[..k]);
        }
    }
}
