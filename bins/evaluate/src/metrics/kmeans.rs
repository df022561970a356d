//! k-means with k-means++ seeding; every random choice is a Philox draw. All restarts share each pass over the points.

use panfoma_core::dense::{View, multiply};
use panfoma_core::rng::{Philox, Stream};
use rayon::prelude::*;

/// Names this use of the seed.
const PURPOSE: u32 = 0x6B6D_6E73;
const MAX_ITERATIONS: usize = 300;
/// Points whose products with all centres one thread holds.
const BLOCK: usize = 256;

/// The clustering with the least sum of squared distances among `restarts`.
///
/// points: [n × dim]   returns the cluster of each point, below `k`.
pub fn cluster(points: &[f32], dim: usize, k: usize, restarts: u64, seed: u64) -> Vec<u32> {
    let points = Points::new(points, dim);
    assert!((1..=points.n()).contains(&k), "{k} clusters of {} cells", points.n());
    let streams = (0..restarts).map(|restart| Philox::new(seed).stream(restart, PURPOSE)).collect();
    let seeds = points.seeds(k, streams);
    let mut runs: Vec<Run> = seeds.into_iter().map(|centres| Run::new(centres, points.n(), dim)).collect();
    for _ in 0..MAX_ITERATIONS {
        let mut active: Vec<&mut Run> = runs.iter_mut().filter(|run| !run.is_done).collect();
        if active.is_empty() {
            break;
        }
        let centres: Vec<f64> = active.iter().flat_map(|run| &run.centres).copied().collect();
        let nearest = points.nearest(&centres, k);
        active.par_iter_mut().zip(nearest).for_each(|(run, assigned)| run.update(&points, assigned));
    }
    let best =
        runs.into_iter().reduce(|best, next| if next.between() > best.between() { next } else { best });
    best.expect("at least one restart").assigned
}

/// Points and their mean: centres are measured from the mean, where rounding takes least away.
struct Points<'a> {
    values: &'a [f32],
    dim: usize,
    mean: Vec<f64>,
    /// Squared distance of each point from the mean.
    norms: Vec<f64>,
}

impl<'a> Points<'a> {
    fn new(values: &'a [f32], dim: usize) -> Self {
        let n = (values.len() / dim).max(1) as f64;
        let mut mean = vec![0.0; dim];
        for point in values.chunks_exact(dim) {
            mean.iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        mean.iter_mut().for_each(|sum| *sum /= n);
        let norm = |point: &[f32]| point.iter().zip(&mean).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum();
        let norms = values.par_chunks_exact(dim).map(norm).collect();
        Self { values, dim, mean, norms }
    }

    fn n(&self) -> usize {
        self.norms.len()
    }

    /// A point, measured from the mean.
    fn centred(&self, at: usize) -> Vec<f64> {
        let point = &self.values[at * self.dim..(at + 1) * self.dim];
        point.iter().zip(&self.mean).map(|(&x, m)| f64::from(x) - m).collect()
    }

    /// What `each` makes of the squared distances, less the point's own norm, of a block of points to all centres,
    /// [points × centres]. centres: [m × dim] measured from the mean.
    fn map_blocks<R: Send>(&self, centres: &[f64], each: impl Fn(usize, &[f64]) -> R + Sync) -> Vec<R> {
        let m = centres.len() / self.dim;
        let narrow: Vec<f32> = centres.iter().map(|&c| c as f32).collect();
        // |c|² - 2 (x - mean) c = |c|² + 2 mean c - 2 x c
        let offset = |c: &[f64]| c.iter().zip(&self.mean).map(|(c, mean)| c * (c + 2.0 * mean)).sum();
        let offsets: Vec<f64> = centres.chunks_exact(self.dim).map(offset).collect();
        let blocks = self.values.par_chunks(BLOCK * self.dim).enumerate();
        blocks
            .map(|(block, points)| {
                let n = points.len() / self.dim;
                let mut products = vec![0.0f32; n * m];
                multiply(View::new(points, n, self.dim), View::new(&narrow, m, self.dim).t(), &mut products);
                let distances = products.iter().zip(offsets.iter().cycle());
                let distances: Vec<f64> = distances.map(|(&p, offset)| offset - 2.0 * f64::from(p)).collect();
                each(block * BLOCK, &distances)
            })
            .collect()
    }

    /// Squared distances of all points to some centres, [centres × n].
    fn distances(&self, centres: &[f64]) -> Vec<Vec<f64>> {
        let m = centres.len() / self.dim;
        let blocks = self.map_blocks(centres, |first, distances| {
            let norms = &self.norms[first..];
            let of_centre = |c: usize| -> Vec<f64> {
                let column = distances.iter().skip(c).step_by(m);
                column.zip(norms).map(|(distance, norm)| (distance + norm).max(0.0)).collect()
            };
            (0..m).map(of_centre).collect::<Vec<_>>()
        });
        (0..m).map(|c| blocks.iter().flat_map(|block| &block[c]).copied().collect()).collect()
    }

    /// The nearest centre of each point, the first of equals, for each run of `k` centres.
    fn nearest(&self, centres: &[f64], k: usize) -> Vec<Vec<u32>> {
        let n_runs = centres.len() / self.dim / k;
        let blocks = self.map_blocks(centres, |_, distances| {
            let nearest = |of_run: &[f64]| {
                (1..k).fold(0, |best, c| if of_run[c] < of_run[best] { c } else { best }) as u32
            };
            distances.chunks_exact(k).map(nearest).collect::<Vec<u32>>()
        });
        let of_run = |run: usize| -> Vec<u32> {
            blocks.iter().flat_map(|block| block.iter().skip(run).step_by(n_runs)).copied().collect()
        };
        (0..n_runs).map(of_run).collect()
    }

    /// k-means++ for each stream: every next centre is a point drawn with probability proportional to its squared
    /// distance to those chosen; the best of 2 + ln k draws is kept (Arthur & Vassilvitskii 2007, greedy).
    fn seeds(&self, k: usize, mut streams: Vec<Stream>) -> Vec<Vec<f64>> {
        let trials = 2 + (k as f64).ln() as usize;
        let first: Vec<Vec<f64>> =
            streams.iter_mut().map(|stream| self.centred(stream.below(self.n() as u32) as usize)).collect();
        let mut nearest = self.distances(&first.concat());
        let mut seeds = first;
        for _ in 1..k {
            let draw = |(stream, nearest): (&mut Stream, &Vec<f64>)| -> Vec<usize> {
                let total: f64 = nearest.iter().sum();
                (0..trials).map(|_| weighted_index(nearest, stream.uniform() * total)).collect()
            };
            let drawn: Vec<Vec<usize>> = streams.iter_mut().zip(&nearest).map(draw).collect();
            let candidates: Vec<f64> = drawn.iter().flatten().flat_map(|&at| self.centred(at)).collect();
            let distances = self.distances(&candidates);
            let runs = seeds.par_iter_mut().zip(&mut nearest).zip(distances.par_chunks(trials)).zip(&drawn);
            runs.for_each(|(((seeds, nearest), distances), drawn)| {
                let after = |distances: &Vec<f64>| -> Vec<f64> {
                    nearest.iter().zip(distances).map(|(a, b)| a.min(*b)).collect()
                };
                let after: Vec<Vec<f64>> = distances.iter().map(after).collect();
                let potential: Vec<f64> = after.iter().map(|after| after.iter().sum()).collect();
                let best =
                    (1..trials).fold(0, |best, t| if potential[t] < potential[best] { t } else { best });
                seeds.extend(self.centred(drawn[best]));
                nearest.clone_from(&after[best]);
            });
        }
        seeds
    }
}

fn weighted_index(weights: &[f64], mut at: f64) -> usize {
    for (i, weight) in weights.iter().enumerate() {
        if at < *weight {
            return i;
        }
        at -= weight;
    }
    weights.len() - 1
}

/// Lloyd's iterations from one set of seeds.
struct Run {
    /// [k × dim], measured from the mean.
    centres: Vec<f64>,
    /// Sums of the points of each cluster, measured from the mean, and how many they are.
    sums: Vec<f64>,
    sizes: Vec<f64>,
    assigned: Vec<u32>,
    is_done: bool,
}

impl Run {
    fn new(centres: Vec<f64>, n: usize, dim: usize) -> Self {
        let k = centres.len() / dim;
        let (sums, sizes) = (vec![0.0; centres.len()], vec![0.0; k]);
        Self { centres, sums, sizes, assigned: vec![u32::MAX; n], is_done: false }
    }

    /// Moves the points that changed; the centre of a cluster without points stays.
    fn update(&mut self, points: &Points, assigned: Vec<u32>) {
        self.is_done = self.assigned == assigned;
        let dim = points.dim;
        let changed = self.assigned.iter().zip(&assigned).enumerate().filter(|(_, (old, new))| old != new);
        for (at, (&old, &new)) in changed {
            let point = points.centred(at);
            for (cluster, sign) in [(old, -1.0), (new, 1.0)].into_iter().filter(|&(c, _)| c != u32::MAX) {
                let cluster = cluster as usize;
                self.sizes[cluster] += sign;
                let sums = &mut self.sums[cluster * dim..(cluster + 1) * dim];
                sums.iter_mut().zip(&point).for_each(|(sum, x)| *sum += sign * x);
            }
        }
        self.assigned = assigned;
        for (cluster, &size) in self.sizes.iter().enumerate().filter(|&(_, &size)| size > 0.0) {
            let range = cluster * dim..(cluster + 1) * dim;
            self.centres[range.clone()]
                .iter_mut()
                .zip(&self.sums[range])
                .for_each(|(c, sum)| *c = sum / size);
        }
    }

    /// Sum of squares between clusters: what it lacks to that of all points lies within them.
    fn between(&self) -> f64 {
        let dim = self.centres.len() / self.sizes.len();
        let squares = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum::<f64>();
        let of_cluster = self.sums.chunks_exact(dim).zip(&self.sizes).filter(|&(_, &size)| size > 0.0);
        of_cluster.map(|(sums, size)| squares(sums) / size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::agreement::{adjusted_rand_index, normalized_mutual_information};
    use crate::metrics::goldens::pbmc_cells;

    /// scikit-learn 1.9.1, `KMeans(10, n_init=10)`, seeds 0 to 9, on the same cells: the range of its results,
    /// widened by 0.02 because ten seeds do not show the ends of it.
    #[test]
    fn clusters_agree_with_labels_as_well_as_those_of_scikit_learn() {
        let (points, labels, _) = pbmc_cells();
        let found = cluster(&points, 50, 10, 10, 0);
        let (nmi, ari) =
            (normalized_mutual_information(&labels, &found), adjusted_rand_index(&labels, &found));
        assert!((SKLEARN_NMI.0 - 0.02..SKLEARN_NMI.1 + 0.02).contains(&nmi), "NMI {nmi}");
        assert!((SKLEARN_ARI.0 - 0.02..SKLEARN_ARI.1 + 0.02).contains(&ari), "ARI {ari}");
    }

    const SKLEARN_NMI: (f64, f64) = (0.6500, 0.6632);
    const SKLEARN_ARI: (f64, f64) = (0.5002, 0.5937);

    #[test]
    fn well_separated_points_are_found_and_duplicates_do_no_harm() {
        let points: Vec<f32> = (0..30).flat_map(|i| [(i % 3) as f32 * 100.0, 0.0]).collect();
        let found = cluster(&points, 2, 3, 1, 5);
        let expected: Vec<u32> = (0..30).map(|i| i % 3).collect();
        assert_eq!(adjusted_rand_index(&found, &expected), 1.0);
        assert_eq!(cluster(&[1.0; 8], 2, 4, 2, 0).len(), 4);
    }
}
