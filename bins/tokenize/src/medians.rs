//! The median of a gene's non-zero values, streamed: exact for rare genes, within 0.4 % for the others.
//!
//! Geneformer's medians are t-digests, whose values depend on the order of the cells. These do not: up to 512
//! values of a gene are kept as they are, more are counted in bins of 128 an octave.

use panfoma_core::data::binning::rank::factor;
use panfoma_core::matrix::Rows;

/// Values of a gene that are kept exactly; a gene costs 4 KiB either way.
const MAX_EXACT: usize = 512;
/// Bits of f32's mantissa below a bin: 7 of 23 remain.
const DROPPED_BITS: u32 = 16;

/// The values of every gene of the input over the training cells, as far as a median needs them.
#[derive(Clone, Debug)]
pub struct Medians {
    genes: Vec<Values>,
}

/// The values of one gene.
#[derive(Clone, Debug, Default)]
struct Values {
    exact: Vec<f64>,
    n: u64,
    /// Values in each bin from `first_bin` on; the leading bits of a positive f32 ascend with it.
    bins: Vec<u32>,
    first_bin: u32,
}

impl Medians {
    /// Of no cells yet.
    pub fn new(n_genes: usize) -> Self {
        Self { genes: vec![Values::default(); n_genes] }
    }

    /// Adds the cells of a block that train.
    pub fn add(&mut self, rows: &Rows, trains: impl Iterator<Item = bool>) {
        for (cell, _) in trains.enumerate().filter(|(_, trains)| *trains) {
            let range = rows.indptr[cell]..rows.indptr[cell + 1];
            let counts = &rows.data[range.clone()];
            let factor = factor(counts.iter().map(|&count| f64::from(count)).sum());
            for (&gene, &count) in rows.indices[range].iter().zip(counts).filter(|(_, count)| **count > 0.0) {
                self.genes[gene as usize].push(f64::from(count) * factor);
            }
        }
    }

    /// The median of a gene; `None` if no cell expresses it.
    pub fn of(&self, gene: usize) -> Option<f64> {
        self.genes[gene].median()
    }
}

impl Values {
    fn push(&mut self, value: f64) {
        self.n += 1;
        if self.bins.is_empty() && self.exact.len() < MAX_EXACT {
            return self.exact.push(value);
        }
        for value in std::mem::take(&mut self.exact) {
            self.count(value);
        }
        self.count(value);
    }

    fn count(&mut self, value: f64) {
        let bin = (value as f32).to_bits() >> DROPPED_BITS;
        if self.bins.is_empty() {
            self.first_bin = bin;
        }
        if bin < self.first_bin {
            let more = (self.first_bin - bin) as usize;
            self.bins.splice(0..0, std::iter::repeat_n(0, more));
            self.first_bin = bin;
        }
        let place = (bin - self.first_bin) as usize;
        if place >= self.bins.len() {
            self.bins.resize(place + 1, 0);
        }
        self.bins[place] += 1;
    }

    fn median(&self) -> Option<f64> {
        let last = self.n.checked_sub(1)?;
        let mut exact = self.exact.clone();
        exact.sort_unstable_by(f64::total_cmp);
        let at = |index: u64| exact.get(index as usize).copied().unwrap_or_else(|| self.middle_of_bin(index));
        Some((at(last / 2) + at(last.div_ceil(2))) / 2.0)
    }

    /// The middle of the bin that holds the value at `index` in ascending order.
    fn middle_of_bin(&self, index: u64) -> f64 {
        let mut before = 0;
        let reached = |&n: &u32| {
            before += u64::from(n);
            before > index
        };
        let place = self.bins.iter().position(reached).expect("an index below the number of values");
        let edge = |bin: u32| f64::from(f32::from_bits(bin << DROPPED_BITS));
        let bin = self.first_bin + place as u32;
        (edge(bin) + edge(bin + 1)) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    fn check(values: &[f64], tolerance: f64) {
        let mut streamed = Values::default();
        values.iter().for_each(|&value| streamed.push(value));
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let expected = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        let found = streamed.median().unwrap();
        assert!((found / expected - 1.0).abs() <= tolerance, "{n} values: {found}, expected {expected}");
    }

    #[test]
    fn few_values_have_an_exact_median_and_many_one_within_a_bin() {
        let mut stream = Philox::new(1).stream(0, 0);
        let values: Vec<f64> = (0..20_000).map(|_| (3.0 * stream.normal()).exp()).collect();
        for n in [1, 2, 3, 4, 511, 512] {
            check(&values[..n], 0.0);
        }
        // Half a bin of 128 an octave.
        for n in [513, 514, 5_000, 20_000] {
            check(&values[..n], 0.5 / 128.0);
        }
        assert_eq!(Values::default().median(), None);
    }

    #[test]
    fn the_order_of_the_cells_is_no_matter() {
        let mut stream = Philox::new(2).stream(0, 0);
        let mut values: Vec<f64> = (0..3_000).map(|_| stream.uniform() + 0.01).collect();
        let median = |values: &[f64]| {
            let mut streamed = Values::default();
            values.iter().for_each(|&value| streamed.push(value));
            streamed.median().unwrap().to_bits()
        };
        let forward = median(&values);
        values.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(median(&values), forward);
    }
}
