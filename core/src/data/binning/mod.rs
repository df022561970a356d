//! Counts to expression bins. Bin 0 is a zero count; the others order a cell's non-zero counts.
//!
//! | rule | bin of a gene | comparable with |
//! |---|---|---|
//! | `quantile` | by rank among the cell's counts, ties share a bin | every cell, whatever its depth |
//! | `scgpt` | drawn among the quantile bins that its ties span, keyed by (seed, cell, gene) | models of scGPT's rule |
//! | `scgpt-midpoint` | the middle of those bins: nothing is drawn | |
//! | `rank` | by rank of Geneformer's value: the share of the count over the gene's median | |

mod occurrences;
mod quantile;
pub mod rank;
pub mod scgpt;
#[cfg(test)]
mod tests;

pub use quantile::quantile;

use crate::artifact::tokens::Binning;
use crate::artifact::vocabulary::Vocabulary;
use crate::rng::Philox;
use crate::stage::UserError;
use occurrences::Occurrences;

/// Bins unless told otherwise, the zero bin included (scGPT's number).
pub const DEFAULT_N_BINS: u16 = 51;

/// One cell's non-zero counts of vocabulary genes.
#[derive(Clone, Copy, Debug)]
pub struct Expressed<'a> {
    /// [`name_hash`](crate::rng::name_hash) of the cell's id.
    pub cell: u64,
    /// Counts of the whole cell, genes outside the vocabulary included.
    pub total: f64,
    /// Vocabulary ids, ascending, never 0.
    pub gene_ids: &'a [u32],
    /// One a gene, positive.
    pub counts: &'a [f32],
}

/// A binning rule with all it needs.
#[derive(Clone, Debug)]
pub struct Rule {
    binning: Binning,
    n_bins: u16,
    philox: Philox,
    /// Of the genes by id - 1; empty unless the rule is `rank`.
    medians: Vec<f64>,
}

impl Rule {
    /// `seed` keys what `scgpt` draws. Errors: `rank` without the medians of the genes.
    pub fn new(binning: Binning, n_bins: u16, seed: u64, vocabulary: &Vocabulary) -> Result<Self, UserError> {
        assert!((2..=256).contains(&n_bins), "{n_bins} bins, expected 2 to 256");
        let medians = match (binning, vocabulary.medians()) {
            (Binning::Rank, Some(medians)) => medians.to_vec(),
            (Binning::Rank, None) => {
                return Err(UserError::bad_data(
                    "the vocabulary holds no medians of its genes, which `--binning rank` divides by",
                )
                .hint("fit a vocabulary with `--binning rank`, or take another rule"));
            }
            _ => Vec::new(),
        };
        if binning == Binning::Rank && vocabulary.n_genes() > usize::from(u16::MAX) {
            let n = vocabulary.n_genes();
            return Err(UserError::bad_data(format!("{n} genes, at most {} have a rank", u16::MAX)));
        }
        Ok(Self { binning, n_bins, philox: Philox::new(seed), medians })
    }

    /// Something to bin cells with; it keeps its buffers, so one serves many cells.
    pub fn binner(&self) -> Binner<'_> {
        Binner { rule: self, occurrences: Occurrences::default(), words: Vec::new(), order: Vec::new() }
    }
}

/// Bins cells by a [`Rule`].
pub struct Binner<'a> {
    rule: &'a Rule,
    occurrences: Occurrences,
    words: Vec<u32>,
    order: Vec<rank::Place>,
}

impl Binner<'_> {
    /// Appends the bins of one cell's genes, 1 ..= n_bins - 1, and for `rank` also their ranks, 1 for the highest.
    pub fn bin(&mut self, cell: Expressed<'_>, bins: &mut Vec<u8>, ranks: &mut Vec<u16>) {
        let Rule { binning, n_bins, philox, medians } = self.rule;
        let Self { occurrences, words, order, .. } = self;
        match binning {
            Binning::Quantile => quantile::append(cell.counts, *n_bins, occurrences, bins),
            Binning::Scgpt => scgpt::append(cell, *n_bins, Some(philox), occurrences, words, bins),
            Binning::ScgptMidpoint => scgpt::append(cell, *n_bins, None, occurrences, words, bins),
            Binning::Rank => rank::append(cell, medians, *n_bins, order, bins, ranks),
        }
    }
}
