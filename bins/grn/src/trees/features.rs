//! Regulators' expression in bins, which is all that a tree sees of it.

use rayon::prelude::*;

/// Bins of a regulator at most; with as many values or fewer, every cut between two values can be made.
pub const MAX_BINS: usize = 128;

/// One regulator over the cells.
pub struct Feature {
    /// [cells] bins by ascending value.
    pub bins: Vec<u8>,
    /// Bins.
    pub n_bins: usize,
    /// The bin of most cells, in single cells that of zero.
    pub common: u8,
    /// Cells of other bins, ascending.
    pub others: Vec<u32>,
}

impl Feature {
    /// Values up to MAX_BINS are a bin each; more are cut at quantiles, equal values never apart.
    pub fn new(values: &[f32]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let n = sorted.len();
        let mut lows: Vec<f32> = sorted.clone();
        lows.dedup_by(|a, b| a == b);
        if lows.len() > MAX_BINS {
            lows = quantile_lows(&sorted);
        }
        let bin = |value: f32| (lows.partition_point(|&low| low <= value) - 1) as u8;
        let bins: Vec<u8> = values.iter().map(|&value| bin(value)).collect();
        let mut counts = vec![0u32; lows.len()];
        bins.iter().for_each(|&bin| counts[usize::from(bin)] += 1);
        let common = (0..lows.len()).max_by_key(|&bin| (counts[bin], n - bin)).unwrap_or(0) as u8;
        let others = (0..n as u32).filter(|&cell| bins[cell as usize] != common).collect();
        Self { bins, n_bins: lows.len(), common, others }
    }
}

/// The lowest value of each bin: bins of about equal numbers of cells, where ties allow.
fn quantile_lows(sorted: &[f32]) -> Vec<f32> {
    let mut lows = vec![sorted[0]];
    let mut begin = 0;
    while lows.len() < MAX_BINS {
        let left = MAX_BINS - lows.len() + 1;
        let end = begin + (sorted.len() - begin).div_ceil(left);
        // Cells that tie with the last of the bin belong to it.
        let Some(&last) = sorted.get(end - 1) else { break };
        let next = end + sorted[end..].partition_point(|&value| value <= last);
        let Some(&low) = sorted.get(next) else { break };
        lows.push(low);
        begin = next;
    }
    lows
}

/// All regulators.
pub fn features<'a>(rows: &[&'a [f32]]) -> Vec<Feature> {
    rows.par_iter().map(|&row: &&'a [f32]| Feature::new(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_a_bin_each_and_the_commonest_is_known() {
        let feature = Feature::new(&[0.0, 2.5, 0.0, -1.0, 2.5, 0.0]);
        assert_eq!((feature.bins, feature.n_bins), (vec![1, 2, 1, 0, 2, 1], 3));
        assert_eq!((feature.common, feature.others), (1, vec![1, 3, 4]));
    }

    #[test]
    fn many_values_fill_all_bins_evenly_and_ties_stay_together() {
        let mut values: Vec<f32> = (0..3_000).map(|i| ((i * 7919) % 3_000) as f32).collect();
        values.extend([0.0; 2_000]);
        let feature = Feature::new(&values);
        assert_eq!(feature.n_bins, MAX_BINS);
        let mut sizes = vec![0; MAX_BINS];
        feature.bins.iter().for_each(|&bin| sizes[usize::from(bin)] += 1);
        // The zeros are one bin; the others share 2,999 cells.
        assert_eq!(sizes[0], 2_001);
        assert!(sizes[1..].iter().all(|size| (23..=24).contains(size)), "{sizes:?}");
        let mut pairs: Vec<(f32, u8)> = values.into_iter().zip(feature.bins).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(pairs.is_sorted_by_key(|pair| pair.1));
    }
}
