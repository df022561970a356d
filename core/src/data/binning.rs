//! Counts to expression bins. Bin 0 is a zero count; the others rank a cell's non-zero counts.

use crate::artifact::tokens::Binning;

/// Bins unless told otherwise, the zero bin included (scGPT's number).
pub const DEFAULT_N_BINS: u16 = 51;

/// The bins of one cell's non-zero counts, by the rule `binning`.
///
/// counts: [n_nonzero], any order   bins: [n_nonzero], cleared and filled
pub fn bin(binning: Binning, counts: &[f32], n_bins: u16, scratch: &mut Vec<f32>, bins: &mut Vec<u8>) {
    match binning {
        Binning::Quantile => quantile(counts, n_bins, scratch, bins),
    }
}

/// Quantile bins: 1 + floor((Q - 1) F) with F = (#smaller + #equal / 2) / n, at most Q - 1.
///
/// Ties share a bin, order is kept, and a monotone normalisation of the counts changes nothing.
/// counts: [n], positive   bins: [n], cleared and filled with 1 ..= Q - 1   Source: MODEL.md.
pub fn quantile(counts: &[f32], n_bins: u16, scratch: &mut Vec<f32>, bins: &mut Vec<u8>) {
    assert!((2..=256).contains(&n_bins), "{n_bins} bins, expected 2 to 256");
    scratch.clear();
    scratch.extend_from_slice(counts);
    scratch.sort_unstable_by(f32::total_cmp);
    let n = counts.len() as u64;
    let top = u64::from(n_bins - 1);
    bins.clear();
    bins.extend(counts.iter().map(|count| {
        let smaller = scratch.partition_point(|c| c < count) as u64;
        let not_larger = scratch.partition_point(|c| c <= count) as u64;
        // In integers, so that no rounding moves a gene over a bin's edge: F = (smaller + not_larger) / 2n.
        let bin = 1 + top * (smaller + not_larger) / (2 * n);
        bin.min(top) as u8
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Philox;

    fn bins(counts: &[f32], n_bins: u16) -> Vec<u8> {
        let mut bins = Vec::new();
        quantile(counts, n_bins, &mut Vec::new(), &mut bins);
        bins
    }

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
                    bins(&counts, n_bins),
                    by_definition(&counts, n_bins),
                    "seed {seed}, {n_bins} bins"
                );
            }
        }
    }

    #[test]
    fn small_cells_by_hand() {
        // One gene: F = 1/2, bin 1 + floor(25) = 26.
        assert_eq!(bins(&[7.0], 51), [26]);
        // All equal: the same middle.
        assert_eq!(bins(&[1.0; 9], 51), [26; 9]);
        // F = 1/4 and 3/4: 1 + floor(12.5), 1 + floor(37.5).
        assert_eq!(bins(&[9.0, 2.0], 51), [38, 13]);
        assert_eq!(bins(&[], 51), [0u8; 0]);
    }

    #[test]
    fn ties_share_a_bin_order_is_kept_and_monotone_transforms_change_nothing() {
        let counts = random_counts(99, 700);
        let found = bins(&counts, 51);
        for i in 0..counts.len() {
            for j in 0..counts.len() {
                assert!(counts[i] != counts[j] || found[i] == found[j]);
                assert!(counts[i] > counts[j] || found[i] <= found[j]);
            }
        }
        let logged: Vec<f32> = counts.iter().map(|c| (c / 1234.0 * 1e4).ln_1p()).collect();
        assert_eq!(bins(&logged, 51), found);
    }
}
