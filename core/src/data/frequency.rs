//! The baseline of pretraining: a predictor that knows how often each gene falls into each bin, and nothing of the
//! cell. A model whose loss is not below this one has learned no context.

use super::FIXED_EPOCH;
use super::draw::Drawer;
use super::loader::{Batches, Plan};
use super::order::Arrangement;
use crate::artifact::tokens::{Columns, Split, Tokens};

/// Bin frequencies of every gene among the drawn sequences of the training split.
#[derive(Clone, Debug, PartialEq)]
pub struct BinFrequencies {
    n_bins: usize,
    /// [n_genes + 1][n_bins]; row 0 (padding) stays empty.
    counts: Vec<u32>,
    /// [n_genes + 1]
    totals: Vec<u64>,
    /// [n_bins]: probability of each bin over all genes.
    global: Vec<f64>,
}

impl BinFrequencies {
    /// Counts bins in the sequences of `seq_len` genes drawn once from every training cell, or from the first
    /// `max_cells` of a shuffled pass. Zero counts that the draw fills with are counted: the model sees them too.
    pub fn fit(tokens: &Tokens, seed: u64, seq_len: usize, max_cells: usize) -> anyhow::Result<Self> {
        let n_bins = tokens.index().n_bins;
        let mut counter = Counter::new(tokens.vocabulary().n_genes(), n_bins);
        let drawer = Drawer::new(seed, FIXED_EPOCH, tokens.panels(), n_bins);
        let shuffled =
            Arrangement::Shuffled { seed, epoch: FIXED_EPOCH, window: super::order::DEFAULT_WINDOW };
        let whole = tokens.index().split.cells.train as usize <= max_cells;
        let plan = Plan {
            split: Some(Split::Train),
            arrangement: if whole { Arrangement::Sequential } else { shuffled },
            batch_cells: 256,
            start: 0,
            columns: Columns::default(),
        };
        let mut left = max_cells;
        for batch in Batches::new(tokens, plan) {
            let batch = batch?;
            let n_cells = batch.rows.n_cells();
            let mut genes = vec![0; n_cells * seq_len];
            let mut bins = vec![0; n_cells * seq_len];
            let filled = drawer.draw_rows(&batch.rows, seq_len, &mut genes, &mut bins);
            for (cell, &n) in filled.iter().enumerate().take(left) {
                let start = cell * seq_len;
                counter.add(&genes[start..start + n], &bins[start..start + n]);
            }
            left -= n_cells.min(left);
            if left == 0 {
                break;
            }
        }
        Ok(counter.finish())
    }

    /// [n_bins]: natural logarithms of the bins' frequencies over all genes; none is impossible.
    pub fn global_logarithms(&self) -> Vec<f32> {
        self.global.iter().map(|&frequency| libm::log(frequency) as f32).collect()
    }

    /// -ln of the probability that `gene` falls into bin `target`, in nats.
    ///
    /// The gene's counts are smoothed by n_bins observations (one a bin on average, Laplace's rule) spread like the
    /// bins of all genes, so that a gene never seen has the global distribution.
    pub fn nll(&self, gene: u32, target: u32) -> f64 {
        let (gene, target) = (gene as usize, target as usize);
        let prior = self.n_bins as f64;
        let seen = f64::from(self.counts[gene * self.n_bins + target]);
        -libm::log((seen + prior * self.global[target]) / (self.totals[gene] as f64 + prior))
    }

    /// Mean nll over the hidden places of a batch, in nats; `None` if nothing is hidden.
    ///
    /// genes, target, masked: [n_cells x S]
    pub fn mean_nll(&self, genes: &[u32], target: &[u32], masked: &[bool]) -> Option<f64> {
        let hidden = || (0..masked.len()).filter(|&i| masked[i]);
        let n = hidden().count();
        (n > 0).then(|| hidden().map(|i| self.nll(genes[i], target[i])).sum::<f64>() / n as f64)
    }
}

struct Counter {
    n_bins: usize,
    counts: Vec<u32>,
}

impl Counter {
    fn new(n_genes: usize, n_bins: u16) -> Self {
        Self { n_bins: n_bins.into(), counts: vec![0; (n_genes + 1) * usize::from(n_bins)] }
    }

    fn add(&mut self, genes: &[u32], bins: &[u32]) {
        for (&gene, &bin) in genes.iter().zip(bins) {
            self.counts[gene as usize * self.n_bins + bin as usize] += 1;
        }
    }

    fn finish(self) -> BinFrequencies {
        let Self { n_bins, counts } = self;
        let totals = counts.chunks(n_bins).map(|row| row.iter().map(|&n| u64::from(n)).sum()).collect();
        let mut sums = vec![0u64; n_bins];
        for row in counts.chunks(n_bins) {
            sums.iter_mut().zip(row).for_each(|(sum, &n)| *sum += u64::from(n));
        }
        // One more observation of every bin: none is impossible.
        let all = (sums.iter().sum::<u64>() + n_bins as u64) as f64;
        let global = sums.iter().map(|&sum| (sum + 1) as f64 / all).collect();
        BinFrequencies { n_bins, counts, totals, global }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::tokens::fixture::Corpus;

    #[test]
    fn probabilities_of_a_gene_sum_to_one_seen_or_not() {
        let (_directory, tokens) = Corpus::default().open();
        let frequencies = BinFrequencies::fit(&tokens, 0, 16, usize::MAX).unwrap();
        for gene in 0..=40 {
            let sum: f64 = (0..11).map(|bin| (-frequencies.nll(gene, bin)).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "gene {gene}: {sum}");
        }
    }

    #[test]
    fn counts_are_those_of_the_training_cells_alone() {
        // A sequence as long as the panel draws every measured gene of every cell, so the counts are known.
        let corpus = Corpus::default();
        let (_directory, tokens) = corpus.open();
        let found = BinFrequencies::fit(&tokens, 0, 40, usize::MAX).unwrap();
        let (rows, panels) = (corpus.rows(), corpus.panels());
        let mut expected = vec![0u32; 41 * 11];
        for cell in (0..corpus.n_cells).filter(|&cell| tokens.splits()[cell] == Split::Train) {
            let cell = rows.cell(cell);
            for id in &panels[usize::from(cell.panel)].gene_ids {
                let bin = cell.gene_ids.binary_search(id).map_or(0, |at| cell.bins[at]);
                expected[*id as usize * 11 + usize::from(bin)] += 1;
            }
        }
        assert_eq!(found.counts, expected);
    }

    #[test]
    fn a_gene_always_in_one_bin_is_nearly_certain_and_an_unseen_one_follows_the_rest() {
        let mut counter = Counter::new(3, 4);
        (0..1000).for_each(|_| counter.add(&[1, 2], &[2, 0]));
        let frequencies = counter.finish();
        // (1000 + 4 x 0.4995) / 1004
        assert!((frequencies.nll(1, 2) - 0.001_996).abs() < 1e-5, "{}", frequencies.nll(1, 2));
        // Half of all bins were 2, half 0.
        assert!((frequencies.nll(3, 2) - std::f64::consts::LN_2).abs() < 2e-3);
        assert_eq!(frequencies.mean_nll(&[1, 3], &[2, 2], &[false, true]), Some(frequencies.nll(3, 2)));
        assert_eq!(frequencies.mean_nll(&[1], &[2], &[false]), None);
    }

    #[test]
    fn a_capped_fit_uses_so_many_cells() {
        let (_directory, tokens) = Corpus::default().open();
        let frequencies = BinFrequencies::fit(&tokens, 0, 8, 300).unwrap();
        assert_eq!(frequencies.totals.iter().sum::<u64>(), 300 * 8);
    }
}
