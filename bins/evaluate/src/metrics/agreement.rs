//! Two ways to group the same cells: shared information and pairs of cells, as scikit-learn 1.9 defines them.

/// How many cells each pair of groups shares.
struct Contingency {
    n: f64,
    /// [groups of a × groups of b].
    counts: Vec<Vec<f64>>,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Contingency {
    fn new(a: &[u32], b: &[u32]) -> Self {
        assert_eq!(a.len(), b.len(), "cells");
        let groups = |codes: &[u32]| codes.iter().max().map_or(0, |&max| max as usize + 1);
        let (n_a, n_b) = (groups(a), groups(b));
        let mut counts = vec![vec![0.0; n_b]; n_a];
        a.iter().zip(b).for_each(|(&a, &b)| counts[a as usize][b as usize] += 1.0);
        let row_sums = counts.iter().map(|row| row.iter().sum()).collect();
        let column_sums = (0..n_b).map(|b| counts.iter().map(|row| row[b]).sum()).collect();
        Self { n: a.len() as f64, counts, a: row_sums, b: column_sums }
    }

    /// Has either grouping at most one group?
    fn single(&self) -> (bool, bool) {
        let used = |sizes: &[f64]| sizes.iter().filter(|&&size| size > 0.0).count();
        (used(&self.a) <= 1, used(&self.b) <= 1)
    }

    /// In nats, never negative.
    fn mutual_information(&self) -> f64 {
        let mut information = 0.0;
        for (row, of_a) in self.counts.iter().zip(&self.a) {
            for (&count, of_b) in row.iter().zip(&self.b).filter(|(count, _)| **count > 0.0) {
                information += count / self.n * (count * self.n / (of_a * of_b)).ln();
            }
        }
        information.max(0.0)
    }

    /// Of a and of b, in nats.
    fn entropies(&self) -> (f64, f64) {
        (entropy(&self.a, self.n), entropy(&self.b, self.n))
    }
}

fn entropy(sizes: &[f64], n: f64) -> f64 {
    sizes.iter().filter(|&&size| size > 0.0).map(|size| -size / n * (size / n).ln()).sum()
}

/// Mutual information over the arithmetic mean of the two entropies, 0 to 1.
///
/// 1 if both groupings have a single group. As `sklearn.metrics.normalized_mutual_info_score`.
pub fn normalized_mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let table = Contingency::new(a, b);
    if table.single() == (true, true) {
        return 1.0;
    }
    let information = table.mutual_information();
    if information <= f64::EPSILON {
        return 0.0;
    }
    let (of_a, of_b) = table.entropies();
    information / ((of_a + of_b) / 2.0).max(f64::EPSILON)
}

/// Mutual information beyond what groups of these sizes share by chance: 1 for the same grouping, 0 on average for
/// unrelated ones.
///
/// Arithmetic mean of the entropies (Vinh, Epps & Bailey 2010). As `sklearn.metrics.adjusted_mutual_info_score`.
pub fn adjusted_mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let table = Contingency::new(a, b);
    match table.single() {
        (true, true) => return 1.0,
        (true, false) | (false, true) => return 0.0,
        (false, false) => {}
    }
    let by_chance = expected_information(&table);
    let (of_a, of_b) = table.entropies();
    let room = (of_a + of_b) / 2.0 - by_chance;
    let room = if room < 0.0 { room.min(-f64::EPSILON) } else { room.max(f64::EPSILON) };
    (table.mutual_information() - by_chance) / room
}

/// Mean mutual information over all ways to deal the cells to groups of these sizes, in nats.
fn expected_information(table: &Contingency) -> f64 {
    // Groups of equal size share by chance what their like share: each pair of sizes once.
    let (of_a, of_b) = (distinct(&table.a), distinct(&table.b));
    let mut sum = 0.0;
    for &(a, times_a) in &of_a {
        for &(b, times_b) in &of_b {
            sum += times_a * times_b * expected_share(a, b, table.n);
        }
    }
    sum
}

/// The sizes that occur, each with how often.
fn distinct(sizes: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = sizes.iter().copied().filter(|&size| size > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|x, y| x == y).map(|equal| (equal[0], equal.len() as f64)).collect()
}

/// Mean over the hypergeometric distribution of k, the cells that groups of sizes `a` and `b` share, of
/// k/n ln(n k / (a b)).
///
/// The probabilities follow from that of the most likely k by ratios and are scaled to add up to 1, which needs no
/// factorial and keeps every digit.
fn expected_share(a: f64, b: f64, n: f64) -> f64 {
    let (lowest, highest) = ((a + b - n).max(0.0), a.min(b));
    let term = |k: f64| if k > 0.0 { k / n * (n * k / (a * b)).ln() } else { 0.0 };
    let mode = (((a + 1.0) * (b + 1.0)) / (n + 2.0)).floor().clamp(lowest, highest);
    let (mut total, mut sum) = (1.0, term(mode));
    let (mut k, mut p) = (mode, 1.0);
    while k < highest && p > 0.0 {
        p *= (a - k) * (b - k) / ((k + 1.0) * (n - a - b + k + 1.0));
        k += 1.0;
        total += p;
        sum += p * term(k);
    }
    let (mut k, mut p) = (mode, 1.0);
    while k > lowest && p > 0.0 {
        p *= k * (n - a - b + k) / ((a - k + 1.0) * (b - k + 1.0));
        k -= 1.0;
        total += p;
        sum += p * term(k);
    }
    sum / total
}

/// Do clusters hold cells of one label only? 1 − H(label | cluster) / H(label); 1 with a single label.
///
/// As `sklearn.metrics.homogeneity_score`; with the arguments swapped, `completeness_score`.
pub fn homogeneity(labels: &[u32], clusters: &[u32]) -> f64 {
    let table = Contingency::new(labels, clusters);
    let of_labels = table.entropies().0;
    if of_labels == 0.0 { 1.0 } else { table.mutual_information() / of_labels }
}

/// Are the cells of a label in one cluster? 1 − H(cluster | label) / H(cluster); 1 with a single cluster.
pub fn completeness(labels: &[u32], clusters: &[u32]) -> f64 {
    homogeneity(clusters, labels)
}

/// Agreement over pairs of cells beyond chance: 1 for the same grouping, about 0 for unrelated ones.
///
/// As `sklearn.metrics.adjusted_rand_score`.
pub fn adjusted_rand_index(a: &[u32], b: &[u32]) -> f64 {
    let table = Contingency::new(a, b);
    let squares = |sizes: &[f64]| sizes.iter().map(|size| size * size).sum::<f64>();
    let both: f64 = table.counts.iter().map(|row| squares(row)).sum();
    let (in_a, in_b) = (squares(&table.a), squares(&table.b));
    // Ordered pairs of different cells: together in both, in b only, in a only, in neither.
    let together = both - table.n;
    let (only_b, only_a) = (in_b - both, in_a - both);
    let neither = table.n * table.n - in_a - in_b + both;
    if only_a == 0.0 && only_b == 0.0 {
        return 1.0;
    }
    let expected = (together + only_a) * (only_a + neither) + (together + only_b) * (only_b + neither);
    2.0 * (together * neither - only_a * only_b) / expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, codes, json};

    #[test]
    fn every_agreement_is_that_of_scikit_learn_in_edge_cases_too() {
        let (goldens, inputs) = (json("cls.json"), json("cls_inputs.json"));
        let y = codes(&inputs["y"]);
        let n = y.len();
        let cases = [
            ("y_yp", y.clone(), codes(&inputs["yp"])),
            ("y_random12", y.clone(), codes(&inputs["rnd"])),
            ("identical", y.clone(), y.clone()),
            ("permuted", y.clone(), y.iter().map(|y| (y * 3 + 1) % 7).collect()),
            ("single_cluster", y.clone(), vec![0; n]),
            ("singletons", y.clone(), (0..n as u32).collect()),
            ("both_single", vec![0; n], vec![0; n]),
            ("two_points", vec![0, 1], vec![0, 0]),
        ];
        for (name, a, b) in cases {
            let expected = &goldens["cluster"][name];
            close(normalized_mutual_information(&a, &b), &expected["nmi"], 1e-12);
            close(adjusted_mutual_information(&a, &b), &expected["ami"], 1e-12);
            close(adjusted_rand_index(&a, &b), &expected["ari"], 1e-12);
            close(homogeneity(&a, &b), &expected["hom"], 1e-12);
            close(completeness(&a, &b), &expected["com"], 1e-12);
        }
    }

    /// All 15 ways to deal two cells of six to a group of two, by hand: 1 of 15 shares both, 8 share one, 6 none.
    #[test]
    fn information_by_chance_is_the_mean_over_all_ways_to_deal() {
        let share = |k: f64| k / 6.0 * (6.0 * k / 4.0).ln();
        let expected = (share(2.0) + 8.0 * share(1.0)) / 15.0;
        assert!((expected_share(2.0, 2.0, 6.0) - expected).abs() < 1e-15);
    }
}
