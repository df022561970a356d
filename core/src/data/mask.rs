//! Which values the model must tell: each real gene's bin is hidden with one probability, and at least one is.

use super::{cell_stream, epoch_key, purpose};
use crate::rng::Philox;

/// The paper's share of hidden values.
pub const DEFAULT_PROBABILITY: f64 = 0.4;

/// The value id of a hidden bin.
pub fn mask_value(n_bins: u16) -> u32 {
    u32::from(n_bins)
}

/// The value id of padding.
pub fn padding_value(n_bins: u16) -> u32 {
    u32::from(n_bins) + 1
}

/// Hides values for one epoch.
#[derive(Clone, Copy, Debug)]
pub struct Masker {
    key: Philox,
    probability: f64,
    n_bins: u16,
}

impl Masker {
    /// Hides each value with `probability`; for what must repeat pass [`FIXED_EPOCH`](super::FIXED_EPOCH).
    pub fn new(seed: u64, epoch: u32, probability: f64, n_bins: u16) -> Self {
        assert!((0.0..=1.0).contains(&probability), "a probability of {probability}");
        Self { key: epoch_key(seed, epoch), probability, n_bins }
    }

    /// Hides values of one drawn sequence and returns how many.
    ///
    /// values: [S] bins, replaced by [`mask_value`] where hidden   target: [S] the bins, 0 at padding
    /// masked: [S]   n_genes: the places that hold a gene, as the draw returned it
    pub fn hide(
        &self,
        cell_hash: u64,
        n_genes: usize,
        values: &mut [u32],
        target: &mut [u32],
        masked: &mut [bool],
    ) -> usize {
        let mut stream = cell_stream(&self.key, cell_hash, purpose(b"mask"));
        target[..n_genes].copy_from_slice(&values[..n_genes]);
        target[n_genes..].fill(0);
        masked.fill(false);
        masked[..n_genes].iter_mut().for_each(|hidden| *hidden = stream.uniform() < self.probability);
        if n_genes > 0 && !masked.contains(&true) {
            // A cell without a hidden value would have no loss.
            masked[stream.below(n_genes as u32) as usize] = true;
        }
        for (value, _) in values.iter_mut().zip(&*masked).filter(|(_, hidden)| **hidden) {
            *value = mask_value(self.n_bins);
        }
        masked.iter().filter(|&&hidden| hidden).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: usize = 64;

    fn hide(masker: &Masker, hash: u64, n_genes: usize) -> (Vec<u32>, Vec<u32>, Vec<bool>, usize) {
        let mut values: Vec<u32> =
            (0..S as u32).map(|i| if (i as usize) < n_genes { i % 11 } else { 12 }).collect();
        let (mut target, mut masked) = (vec![99; S], vec![true; S]);
        let n = masker.hide(hash, n_genes, &mut values, &mut target, &mut masked);
        (values, target, masked, n)
    }

    #[test]
    fn hidden_values_are_replaced_targets_are_kept_and_padding_is_never_hidden() {
        let masker = Masker::new(1, 2, 0.4, 11);
        for hash in 0..200 {
            let n_genes = 1 + hash as usize % S;
            let (values, target, masked, n) = hide(&masker, hash, n_genes);
            assert_eq!(n, masked.iter().filter(|&&m| m).count());
            assert!(n >= 1, "a cell without a hidden value has no loss");
            for i in 0..S {
                let bin = i as u32 % 11;
                let expected = match (i < n_genes, masked[i]) {
                    (true, true) => (11, bin, true),
                    (true, false) => (bin, bin, false),
                    (false, _) => (12, 0, false),
                };
                assert_eq!((values[i], target[i], masked[i]), expected);
            }
        }
    }

    #[test]
    fn the_share_is_the_probability_at_every_place() {
        let masker = Masker::new(1, 2, 0.4, 11);
        let n_cells = 20_000u64;
        let mut hidden = vec![0u32; S];
        for hash in 0..n_cells {
            let (_, _, masked, _) = hide(&masker, hash, S);
            hidden.iter_mut().zip(masked).for_each(|(n, m)| *n += u32::from(m));
        }
        let (mean, variance) = (n_cells as f64 * 0.4, n_cells as f64 * 0.4 * 0.6);
        let chi: f64 = hidden.iter().map(|&n| (f64::from(n) - mean).powi(2) / variance).sum();
        // Upper 0.1 % point of chi-square at 64 degrees of freedom.
        assert!(chi < 104.72, "chi-square {chi}: {hidden:?}");
    }

    #[test]
    fn a_mask_depends_on_cell_seed_and_epoch_and_not_on_the_draw() {
        let masks = |seed, epoch, hash| hide(&Masker::new(seed, epoch, 0.4, 11), hash, S).2;
        assert_eq!(masks(1, 2, 3), masks(1, 2, 3));
        for (seed, epoch, hash) in [(2, 2, 3), (1, 3, 3), (1, 2, 4)] {
            assert_ne!(masks(seed, epoch, hash), masks(1, 2, 3));
        }
    }

    #[test]
    fn probability_zero_still_hides_one() {
        assert_eq!(hide(&Masker::new(1, 2, 0.0, 11), 5, 3).3, 1);
        assert_eq!(hide(&Masker::new(1, 2, 1.0, 11), 5, S).3, S);
        assert_eq!(hide(&Masker::new(1, 2, 0.4, 11), 5, 0).3, 0);
    }
}
