//! Nearest neighbours of very many points, nearly all of them right.
//!
//! Points are dealt to the nearest of √n centres (inverted lists, as in Jégou et al. 2011), and the neighbours of a list's points are
//! sought in the lists of the [`PROBES`] centres that lie nearest to its own: one product of matrices a list. What is found is
//! ordered by differences in f64, as in [`Knn::exact`].

use super::Knn;
use super::knn::ordered_by_distance;
use crate::neighbors::map_nearest_around;
use crate::rng::Philox;
use rayon::prelude::*;

/// Points from which on neighbours are sought in lists: comparing all pairs takes n² · dim products.
pub const EXACT_UP_TO: usize = 200_000;
/// Lists that are looked through for each.
const PROBES: usize = 32;
/// Rounds of k-means on the sample that centres are fitted to.
const ROUNDS: usize = 6;
/// Points of the sample for each centre.
const SAMPLE_PER_CENTRE: usize = 40;
/// Purpose of the stream that draws the sample.
const SAMPLE: u32 = u32::from_be_bytes(*b"ivfs");

impl Knn {
    /// The neighbours of every point: exact up to [`EXACT_UP_TO`] points, of more nearly all.
    ///
    /// points: [n × dim], finite
    pub fn search(points: &[f32], dim: usize, k: usize, seed: u64) -> Self {
        match points.len() / dim {
            n if n <= EXACT_UP_TO => Self::exact(points, dim, k),
            _ => Self::approximate(points, dim, k, seed),
        }
    }

    /// Neighbours sought in the lists around each point; itself first always.
    ///
    /// points: [n × dim], finite. Memory: about 12 bytes a neighbour, and the points of the lists that a thread looks through.
    pub fn approximate(points: &[f32], dim: usize, k: usize, seed: u64) -> Self {
        let n = points.len() / dim;
        let k = k.min(n);
        let centres = centres(points, dim, (n as f64).sqrt().ceil() as usize, seed);
        let mut lists: Vec<Vec<u32>> = vec![Vec::new(); centres.len() / dim];
        for (point, list) in nearest_one(points, &centres, dim).into_iter().enumerate() {
            lists[list as usize].push(point as u32);
        }
        let around = map_nearest_around(&vec![0.0f32; dim], &centres, &centres, PROBES, |_, found| {
            let mut near: Vec<u32> = found.iter().map(|&(_, list)| list).collect();
            near.sort_unstable();
            near
        });
        let rows: Vec<Vec<(u32, Vec<(f64, u32)>)>> = lists
            .par_iter()
            .zip(&around)
            .map(|(own, around)| {
                let mut near: Vec<usize> = around.iter().map(|&list| list as usize).collect();
                // A list with few points around it looks further.
                if near.iter().map(|&list| lists[list].len()).sum::<usize>() < k {
                    near = (0..lists.len()).collect();
                }
                let mut candidates: Vec<u32> = near.iter().flat_map(|&list| &lists[list]).copied().collect();
                candidates.sort_unstable();
                among(points, dim, k, own, &candidates)
            })
            .collect();
        let mut by_point: Vec<Vec<(f64, u32)>> = vec![Vec::new(); n];
        rows.into_iter().flatten().for_each(|(point, row)| by_point[point as usize] = row);
        Self {
            k,
            indices: by_point.iter().flatten().map(|&(_, at)| at).collect(),
            distances: by_point.iter().flatten().map(|&(squared, _)| squared.sqrt()).collect(),
        }
    }
}

/// The `k` nearest candidates of each of `queries`. candidates: ascending, the queries among them
fn among(
    points: &[f32],
    dim: usize,
    k: usize,
    queries: &[u32],
    candidates: &[u32],
) -> Vec<(u32, Vec<(f64, u32)>)> {
    let gather = |of: &[u32]| -> Vec<f32> {
        of.iter().flat_map(|&at| &points[at as usize * dim..(at as usize + 1) * dim]).copied().collect()
    };
    let (asked, base) = (gather(queries), gather(candidates));
    if asked.is_empty() {
        return Vec::new();
    }
    // Near the points little is lost to rounding; a few more than asked for make up for what is.
    let wanted = (k + 16.max(k / 8)).min(candidates.len());
    let found = map_nearest_around(&asked[..dim], &asked, &base, wanted, |query, found| {
        let query = queries[query];
        let others = found.iter().map(|&(_, at)| candidates[at as usize]).filter(|&at| at != query);
        // Among many equal points it need not be of the nearest itself.
        ordered_by_distance(points, dim, k, query, others.chain([query]))
    });
    queries.iter().copied().zip(found).collect()
}

/// k-means of a sample, [n_centres × dim]; begins with points of it.
fn centres(points: &[f32], dim: usize, n_centres: usize, seed: u64) -> Vec<f32> {
    let n = points.len() / dim;
    let mut order: Vec<u32> = (0..n as u32).collect();
    Philox::new(seed).stream(n as u64, SAMPLE).shuffle(&mut order);
    order.truncate(n_centres * SAMPLE_PER_CENTRE);
    let sample: Vec<f32> =
        order.iter().flat_map(|&at| &points[at as usize * dim..(at as usize + 1) * dim]).copied().collect();
    let mut centres = sample[..n_centres * dim].to_vec();
    for _ in 0..ROUNDS {
        let (mut sums, mut sizes) = (vec![0.0f64; centres.len()], vec![0u32; n_centres]);
        for (point, list) in sample.chunks_exact(dim).zip(nearest_one(&sample, &centres, dim)) {
            let list = list as usize;
            sizes[list] += 1;
            let sum = &mut sums[list * dim..(list + 1) * dim];
            sum.iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        for (list, &size) in sizes.iter().enumerate().filter(|&(_, &size)| size > 0) {
            for at in list * dim..(list + 1) * dim {
                centres[at] = (sums[at] / f64::from(size)) as f32;
            }
        }
    }
    centres
}

fn nearest_one(points: &[f32], centres: &[f32], dim: usize) -> Vec<u32> {
    map_nearest_around(&vec![0.0f32; dim], points, centres, 1, |_, found| found[0].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on 40 curves in 12 dimensions, some far from the origin.
    fn points(n: usize, dim: usize) -> Vec<f32> {
        let mut stream = Philox::new(4).stream(0, 0);
        let places: Vec<f32> = (0..40 * 2 * dim).map(|_| 8.0 * stream.normal() as f32).collect();
        (0..n)
            .flat_map(|i| {
                let (curve, along) = (i % 40, stream.normal() as f32);
                (0..dim)
                    .map(|d| places[2 * curve * dim + d] + 0.3 * along * places[(2 * curve + 1) * dim + d])
                    .map(|x| x + stream.normal() as f32)
                    .collect::<Vec<f32>>()
            })
            .collect()
    }

    #[test]
    fn nearly_all_neighbours_are_the_exact_ones_with_their_distances() {
        let (n, dim, k) = (12_000, 12, 30);
        let points = points(n, dim);
        let (found, exact) = (Knn::approximate(&points, dim, k, 0), Knn::exact(&points, dim, k));
        assert_eq!(found.indices.len(), n * k);
        let mut shared = 0;
        for point in 0..n {
            assert_eq!(found.of(point)[0], point as u32);
            assert!(found.distances_of(point).is_sorted());
            let exact: std::collections::BTreeSet<u32> = exact.of(point).iter().copied().collect();
            shared += found.of(point).iter().filter(|at| exact.contains(at)).count();
            // A neighbour that is missed makes the others farther, never nearer.
            let pairs =
                found.distances_of(point).iter().zip(exact_distances(&points, dim, point, found.of(point)));
            for (found, expected) in pairs {
                assert!((found - expected).abs() < 1e-9);
            }
        }
        let recall = shared as f64 / (n * k) as f64;
        assert!(recall > 0.99, "{recall}");
    }

    fn exact_distances<'a>(
        points: &'a [f32],
        dim: usize,
        point: usize,
        others: &'a [u32],
    ) -> impl Iterator<Item = f64> + 'a {
        let row = move |at: usize| &points[at * dim..(at + 1) * dim];
        others.iter().map(move |&other| {
            let square = |(&a, &b): (&f32, &f32)| (f64::from(a) - f64::from(b)).powi(2);
            row(point).iter().zip(row(other as usize)).map(square).sum::<f64>().sqrt()
        })
    }

    #[test]
    fn few_points_and_equal_points_have_all_their_neighbours() {
        let found = Knn::approximate(&[5.0; 40], 1, 3, 0);
        assert_eq!(found.of(30), [30, 0, 1]);
        let found = Knn::approximate(&[1.0, 2.0, 9.0], 1, 9, 0);
        assert_eq!((found.k, found.of(2)), (3, [2, 1, 0].as_slice()));
    }
}
