//! scGPT's bins: quantile edges of the cell's non-zero values, ties spread at random over the bins they span.
//!
//! Where counts repeat, many edges coincide, and scGPT draws one of the bins between them for each gene (87 % of the
//! non-zero counts of real cells). Its own draws come from one global generator in the order of the work; here a draw
//! is a function of (seed, cell id, gene id), so a cell's bins do not depend on threads, shards or other cells.
//!
//! scGPT bins log1p of normalised values. Quantiles within a cell keep their places under any monotone map, so the
//! counts themselves give the same bins.
//!
//! Source: scGPT 0.2.4, `preprocess.py`; `numpy.quantile` (linear), `numpy.digitize`.

use super::Expressed;
use super::occurrences::{Occurrences, Run};
use crate::rng::Philox;
use crate::vectors::widest;

/// What the draws are for, as a word of Philox's counter.
const PURPOSE: u32 = u32::from_be_bytes(*b"scgp");

/// The edges that a count lies between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Edges not larger than the count: `numpy.digitize(x, edges)`.
    pub left: u16,
    /// Edges smaller than the count: `numpy.digitize(x, edges, right=True)`.
    pub right: u16,
}

impl Span {
    /// The bin: ceil(u (right - left) + left), u in [0, 1). All of right + 1 ..= left are equally likely.
    pub fn digit(self, u: f64) -> u8 {
        let (left, right) = (f64::from(self.left), f64::from(self.right));
        (u * (right - left) + left).ceil() as u8
    }

    /// [`Span::digit`] of u = word / 2^32, in whole numbers: left - floor(u (left - right)). Where there is nothing to draw
    /// every word gives the one bin.
    fn digit_of(self, word: u32) -> u8 {
        let width = u64::from(self.left) - u64::from(self.right);
        (u64::from(self.left) - ((u64::from(word) * width) >> 32)) as u8
    }
}

/// The span of each of a cell's non-zero counts.
pub fn spans(counts: &[f32], n_bins: u16) -> Vec<Span> {
    let mut occurrences = Occurrences::default();
    occurrences.tally(counts);
    let of_runs = of_runs(&occurrences, counts.len(), n_bins);
    occurrences.places().iter().map(|&place| of_runs[place as usize]).collect()
}

/// Appends the bins of a cell's genes; without a generator each takes the middle of its span (u = 1/2). `words` is a buffer.
pub(super) fn append(
    cell: Expressed<'_>,
    n_bins: u16,
    philox: Option<&Philox>,
    occurrences: &mut Occurrences,
    words: &mut Vec<u32>,
    bins: &mut Vec<u8>,
) {
    occurrences.tally(cell.counts);
    let spans = of_runs(occurrences, cell.counts.len(), n_bins);
    words.clear();
    match philox {
        // A draw of 32 bits, so that `Span::digit` would round nothing, for each gene. One Philox block serves four ids.
        Some(philox) => {
            philox.words(cell.gene_ids, [PURPOSE, cell.cell as u32, (cell.cell >> 32) as u32], words);
        }
        None => words.resize(cell.counts.len(), 1 << 31),
    }
    let places = occurrences.places().iter();
    widest(|| {
        bins.extend(places.zip(words.iter()).map(|(&place, &word)| spans[place as usize].digit_of(word)))
    });
}

/// The span of every distinct count of a cell with `n` non-zero ones.
fn of_runs(occurrences: &Occurrences, n: usize, n_bins: u16) -> Vec<Span> {
    if n == 0 {
        return Vec::new();
    }
    let edges = edges(occurrences, n, n_bins);
    let span = |run: &Run| {
        let count = f64::from(run.count);
        let left = edges.partition_point(|&edge| edge <= count) as u16;
        let right = edges.partition_point(|&edge| edge < count) as u16;
        Span { left, right }
    };
    occurrences.runs().iter().map(span).collect()
}

/// `numpy.quantile(counts, numpy.linspace(0, 1, n_bins - 1))`, operation by operation: an edge that falls on a count but
/// for a rounding decides a bin.
fn edges(occurrences: &Occurrences, n: usize, n_bins: u16) -> Vec<f64> {
    let n_edges = usize::from(n_bins) - 1;
    let step = 1.0 / (n_edges - 1).max(1) as f64;
    let edge = |k: usize| {
        let probability = if k + 1 == n_edges && k > 0 { 1.0 } else { k as f64 * step };
        let index = (n - 1) as f64 * probability;
        let low = (index.floor() as usize).min(n - 1);
        let (a, b) = (occurrences.ascending(low), occurrences.ascending((low + 1).min(n - 1)));
        let weight = index - low as f64;
        match weight >= 0.5 {
            true => b - (b - a) * (1.0 - weight),
            false => a + (b - a) * weight,
        }
    };
    (0..n_edges).map(edge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_draw_the_same_bins() {
        for (left, right) in [(1, 0), (7, 7), (50, 0), (50, 49), (255, 0), (31, 12)] {
            let span = Span { left, right };
            for word in (0..=u32::MAX).step_by(7_654_321).chain([1, u32::MAX - 1, u32::MAX, 1 << 31, 1 << 30])
            {
                let u = f64::from(word) / (1_u64 << 32) as f64;
                assert_eq!(span.digit_of(word), span.digit(u), "{span:?}, {word}");
            }
        }
    }
}
