//! Bins by rank, ties together.

use super::occurrences::Occurrences;

/// Quantile bins: 1 + floor((Q - 1) F) with F = (#smaller + #equal / 2) / n, at most Q - 1.
///
/// Ties share a bin, order is kept, and a monotone normalisation of the counts changes nothing.
/// counts: [n], positive   returns [n], 1 ..= Q - 1   Source: MODEL.md.
pub fn quantile(counts: &[f32], n_bins: u16) -> Vec<u8> {
    let mut bins = Vec::with_capacity(counts.len());
    append(counts, n_bins, &mut Occurrences::default(), &mut bins);
    bins
}

/// [`quantile`] at the end of `bins`.
pub(super) fn append(counts: &[f32], n_bins: u16, occurrences: &mut Occurrences, bins: &mut Vec<u8>) {
    assert!((2..=256).contains(&n_bins), "{n_bins} bins, expected 2 to 256");
    occurrences.tally(counts);
    let n = counts.len() as u64;
    let of_runs: Vec<u8> =
        occurrences.runs().iter().map(|run| bin(run.smaller, run.equal, n, n_bins)).collect();
    bins.extend(occurrences.places().iter().map(|&place| of_runs[place as usize]));
}

/// The bin of a value among `n`, of which so many are smaller and so many are equal, itself included.
pub(super) fn bin(smaller: u32, equal: u32, n: u64, n_bins: u16) -> u8 {
    let top = u64::from(n_bins - 1);
    // In integers, so that no rounding moves a gene over a bin's edge: F = (2 smaller + equal) / 2n.
    let bin = 1 + top * (2 * u64::from(smaller) + u64::from(equal)) / (2 * n);
    bin.min(top) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Philox;

    /// The definition read aloud: count smaller and equal ones for each gene, quadratic, in floating point.
    fn by_definition(counts: &[f32], n_bins: u16) -> Vec<u8> {
        let n = counts.len() as f64;
        let fraction = |c: f32| {
            let smaller = counts.iter().filter(|&&other| other < c).count() as f64;
            let equal = counts.iter().filter(|&&other| other == c).count() as f64;
            (smaller + equal / 2.0) / n
        };
        let q = f64::from(n_bins);
        // The 1e-9 keeps exact edges (F = k / (Q - 1)) from falling below by rounding.
        counts.iter().map(|&c| (1.0 + ((q - 1.0) * fraction(c) + 1e-9).floor()).min(q - 1.0) as u8).collect()
    }

    fn random_counts(seed: u64, n: usize) -> Vec<f32> {
        let mut stream = Philox::new(seed).stream(0, 0);
        (0..n).map(|_| (1.0 + (4.0 * stream.uniform() * stream.uniform()).exp()).floor() as f32).collect()
    }

    #[test]
    fn quantile_bins_are_those_of_the_definition() {
        for seed in 0..50 {
            let counts = random_counts(seed, 1 + 37 * seed as usize);
            for n_bins in [2, 3, 51, 256] {
                assert_eq!(
                    quantile(&counts, n_bins),
                    by_definition(&counts, n_bins),
                    "seed {seed}, {n_bins} bins"
                );
            }
        }
    }

    #[test]
    fn small_cells_by_hand() {
        // One gene: F = 1/2, bin 1 + floor(25) = 26.
        assert_eq!(quantile(&[7.0], 51), [26]);
        // All equal: the same middle.
        assert_eq!(quantile(&[1.0; 9], 51), [26; 9]);
        // F = 1/4 and 3/4: 1 + floor(12.5), 1 + floor(37.5).
        assert_eq!(quantile(&[9.0, 2.0], 51), [38, 13]);
        assert_eq!(quantile(&[], 51), [0u8; 0]);
    }

    #[test]
    fn ties_share_a_bin_order_is_kept_and_monotone_transforms_change_nothing() {
        let counts = random_counts(99, 700);
        let found = quantile(&counts, 51);
        for i in 0..counts.len() {
            for j in 0..counts.len() {
                assert!(counts[i] != counts[j] || found[i] == found[j]);
                assert!(counts[i] > counts[j] || found[i] <= found[j]);
            }
        }
        let logged: Vec<f32> = counts.iter().map(|c| (c / 1234.0 * 1e4).ln_1p()).collect();
        assert_eq!(quantile(&logged, 51), found);
    }
}
