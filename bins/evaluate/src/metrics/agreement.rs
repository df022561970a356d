//! Two ways to group the same cells: normalised mutual information and the adjusted Rand index.

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
}

fn entropy(sizes: &[f64], n: f64) -> f64 {
    sizes.iter().filter(|&&size| size > 0.0).map(|size| -size / n * (size / n).ln()).sum()
}

/// Mutual information over the arithmetic mean of the two entropies, 0 to 1.
///
/// 1 if both groupings have a single group. As `sklearn.metrics.normalized_mutual_info_score`.
pub fn normalized_mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let table = Contingency::new(a, b);
    let used = |sizes: &[f64]| sizes.iter().filter(|&&size| size > 0.0).count();
    if used(&table.a) <= 1 && used(&table.b) <= 1 {
        return 1.0;
    }
    let mut information = 0.0;
    for (row, of_a) in table.counts.iter().zip(&table.a) {
        for (&count, of_b) in row.iter().zip(&table.b).filter(|(count, _)| **count > 0.0) {
            information += count / table.n * (count * table.n / (of_a * of_b)).ln();
        }
    }
    if information <= f64::EPSILON {
        return 0.0;
    }
    let mean = (entropy(&table.a, table.n) + entropy(&table.b, table.n)) / 2.0;
    information / mean.max(f64::EPSILON)
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
    fn nmi_and_ari_are_those_of_scikit_learn_in_edge_cases_too() {
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
            close(normalized_mutual_information(&a, &b), &goldens["cluster"][name]["nmi"], 1e-12);
            close(adjusted_rand_index(&a, &b), &goldens["cluster"][name]["ari"], 1e-12);
        }
    }
}
