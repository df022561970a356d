//! The exact nearest neighbours of every point among all points.

use super::Links;
use crate::dense::Number;
use crate::neighbors::map_nearest_around;
use rayon::prelude::*;

/// Candidates beyond those asked for, so that rounding in f32 loses none: an eighth, and at least this many.
const SPARE: usize = 16;

/// The same number of neighbours for every point, itself first, then the nearest others.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    /// Neighbours of a point, itself included.
    pub k: usize,
    /// [n × k], nearest first, ties by index.
    pub indices: Vec<u32>,
    /// [n × k] Euclidean distances, ascending.
    pub distances: Vec<f64>,
}

impl Knn {
    /// The min(k, n) nearest by Euclidean distance. Products in f32 choose candidates and differences in f64 decide; where
    /// rounding might have hidden a neighbour, products in f64 choose; where even those cannot tell, all are compared.
    ///
    /// points: [n × dim], finite. Memory: about 12 bytes a neighbour, and blocks of distances.
    pub fn exact(points: &[f32], dim: usize, k: usize) -> Self {
        assert!(dim > 0 && points.len().is_multiple_of(dim), "{} numbers of {dim} dimensions", points.len());
        let search = Search { points, dim, k: k.min(points.len() / dim), centre: mean(points, dim) };
        let queries: Vec<u32> = (0..search.n() as u32).collect();
        let mut rows = search.run::<f32>(&queries, points, &search.centre);
        let unsure: Vec<u32> = queries.into_iter().filter(|&query| rows[query as usize].is_none()).collect();
        let asked: Vec<f32> = unsure.iter().flat_map(|&query| search.point(query)).copied().collect();
        let centre: Vec<f64> = search.centre.iter().map(|&x| f64::from(x)).collect();
        for (query, row) in unsure.iter().zip(search.run::<f64>(&unsure, &asked, &centre)) {
            rows[*query as usize] = row;
        }
        let rows: Vec<Vec<(f64, u32)>> = rows
            .into_par_iter()
            .enumerate()
            .map(|(query, row)| row.unwrap_or_else(|| search.among_all(query as u32)))
            .collect();
        let indices = rows.iter().flatten().map(|&(_, at)| at).collect();
        let distances = rows.iter().flatten().map(|&(squared, _)| squared.sqrt()).collect();
        Self { k: search.k, indices, distances }
    }

    /// Number of points.
    pub fn n_points(&self) -> usize {
        self.indices.len() / self.k.max(1)
    }

    /// Neighbours of one point, itself first.
    pub fn of(&self, point: usize) -> &[u32] {
        &self.indices[point * self.k..(point + 1) * self.k]
    }

    /// Distances to the neighbours of one point, 0 to itself first.
    pub fn distances_of(&self, point: usize) -> &[f64] {
        &self.distances[point * self.k..(point + 1) * self.k]
    }

    /// Only the first `k` neighbours of each.
    pub fn truncated(&self, k: usize) -> Self {
        let k = k.min(self.k);
        let cut = |at: usize| at % self.k < k;
        let indices = self.indices.iter().enumerate().filter(|&(at, _)| cut(at)).map(|(_, &i)| i).collect();
        let distances =
            self.distances.iter().enumerate().filter(|&(at, _)| cut(at)).map(|(_, &d)| d).collect();
        Self { k, indices, distances }
    }

    /// A link from every point to each of its neighbours, itself included.
    pub fn links(&self) -> Links {
        Links {
            offsets: (0..=self.n_points()).map(|row| row * self.k).collect(),
            targets: self.indices.clone(),
        }
    }
}

struct Search<'a> {
    points: &'a [f32],
    dim: usize,
    k: usize,
    centre: Vec<f32>,
}

impl Search<'_> {
    fn n(&self) -> usize {
        self.points.len() / self.dim
    }

    fn point(&self, at: u32) -> &[f32] {
        &self.points[at as usize * self.dim..(at as usize + 1) * self.dim]
    }

    /// The neighbours of each query as (squared distance, index), or none where rounding in `T` leaves a doubt.
    fn run<T: Number + From<f32> + Into<f64>>(
        &self,
        queries: &[u32],
        asked: &[f32],
        centre: &[T],
    ) -> Vec<Option<Vec<(f64, u32)>>> {
        let wanted = (self.k + SPARE.max(self.k / 8)).min(self.n());
        map_nearest_around(centre, asked, self.points, wanted, |query, found| {
            let query = queries[query];
            let mut near = self.nearest_of(query, found.iter().map(|&(_, at)| at));
            if wanted < self.n() {
                // A point left out is at least as far as the farthest candidate seemed, less what rounding adds.
                let farthest = found.iter().fold(f64::NEG_INFINITY, |max, found| max.max(found.0.into()));
                let limit = near.last().map_or(0.0, |last| last.0);
                if limit >= farthest - self.rounding(query, limit, T::EPSILON.into()) {
                    return None;
                }
            }
            near.shrink_to_fit();
            Some(near)
        })
    }

    fn among_all(&self, query: u32) -> Vec<(f64, u32)> {
        self.nearest_of(query, 0..self.n() as u32)
    }

    fn nearest_of(&self, query: u32, candidates: impl Iterator<Item = u32>) -> Vec<(f64, u32)> {
        ordered_by_distance(self.points, self.dim, self.k, query, candidates)
    }

    /// How far |b|² - 2ab + |a|² may be from the truth for any b nearer to a than the squared distance `limit`. Each of
    /// dim + 1 products and sums rounds by at most half of `epsilon` (Higham 2002, section 3.1), as do the norms and the
    /// shift of both points; lengths are distances from the centre, and |b| is at most |a| + √limit.
    fn rounding(&self, query: u32, limit: f64, epsilon: f64) -> f64 {
        let length = squared_distance(self.point(query), &self.centre).sqrt();
        (self.dim as f64 + 8.0) * epsilon * (2.0 * length + limit.sqrt()).powi(2)
    }
}

/// The `k` nearest of some candidates as (squared distance, index): the point itself, then by distance, then by index.
pub(super) fn ordered_by_distance(
    points: &[f32],
    dim: usize,
    k: usize,
    query: u32,
    candidates: impl Iterator<Item = u32>,
) -> Vec<(f64, u32)> {
    let point = |at: u32| &points[at as usize * dim..(at as usize + 1) * dim];
    let own = point(query);
    let mut near: Vec<(f64, u32)> =
        candidates.map(|other| (squared_distance(own, point(other)), other)).collect();
    let order = |a: &(f64, u32), b: &(f64, u32)| {
        (b.1 == query).cmp(&(a.1 == query)).then(a.0.total_cmp(&b.0)).then(a.1.cmp(&b.1))
    };
    if k < near.len() {
        near.select_nth_unstable_by(k, order);
        near.truncate(k);
    }
    near.sort_unstable_by(order);
    near
}

fn mean(points: &[f32], dim: usize) -> Vec<f32> {
    let n = (points.len() / dim).max(1) as f64;
    let mut sums = vec![0.0; dim];
    for point in points.chunks_exact(dim) {
        sums.iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums.into_iter().map(|sum| (sum / n) as f32).collect()
}

/// Squared Euclidean distance in f64, the same from either end.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    // Eight sums side by side: one sum would wait for each addition.
    let mut sums = [0.0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let square = |(&x, &y): (&f32, &f32)| (f64::from(x) - f64::from(y)).powi(2);
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(square).sum();
    for (x, y) in a8.zip(b8) {
        sums.iter_mut().zip(x.iter().zip(y)).for_each(|(sum, pair)| *sum += square(pair));
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_sorting(points: &[f32], dim: usize, k: usize) -> Vec<u32> {
        let rows: Vec<&[f32]> = points.chunks_exact(dim).collect();
        let nearest_of = |(i, row): (usize, &&[f32])| {
            let distance = |other: &[f32]| -> f64 {
                row.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
            };
            let mut all: Vec<(bool, f64, u32)> =
                rows.iter().zip(0..).map(|(other, j)| (j as usize != i, distance(other), j)).collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            all.into_iter().take(k).map(|(.., j)| j).collect::<Vec<u32>>()
        };
        rows.iter().enumerate().flat_map(nearest_of).collect()
    }

    /// Far from the origin, f32 products lose what tells neighbours apart; differences in f64 do not.
    #[test]
    fn neighbours_are_those_of_double_precision_even_far_from_the_origin() {
        for shift in [0.0f32, 1_000.0] {
            let (n, dim, k) = (1_100, 4, 20);
            let mut stream = crate::rng::Philox::new(1).stream(0, 0);
            let points: Vec<f32> = (0..n * dim).map(|_| stream.normal() as f32 + shift).collect();
            let found = Knn::exact(&points, dim, k);
            assert_eq!(found.indices, by_sorting(&points, dim, k), "shift {shift}");
            assert!((0..n).all(|i| found.of(i)[0] == i as u32 && found.distances_of(i)[0] == 0.0));
        }
    }

    /// Two tight clusters, each far from the mean of all: the bound on rounding exceeds every distance within them.
    #[test]
    fn clusters_tighter_than_f32_can_tell_are_searched_in_double_precision() {
        let (n, k) = (300, 10);
        let mut stream = crate::rng::Philox::new(2).stream(0, 0);
        let mut coordinate = |i: usize| (i % 2) as f32 * 4.0 + 1e-5 * stream.normal() as f32;
        let points: Vec<f32> = (0..n).flat_map(|i| [coordinate(i), coordinate(i)]).collect();
        assert_eq!(Knn::exact(&points, 2, k).indices, by_sorting(&points, 2, k));
    }

    #[test]
    fn duplicates_come_after_the_point_itself_by_index() {
        let found = Knn::exact(&[5.0; 40], 1, 3);
        assert_eq!(found.of(0), [0, 1, 2]);
        assert_eq!(found.of(30), [30, 0, 1]);
        assert_eq!(Knn::exact(&[1.0, 2.0], 1, 9).k, 2);
        assert_eq!(found.truncated(2).of(30), [30, 0]);
    }
}
