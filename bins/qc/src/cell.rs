//! The metrics of one cell.

use panfoma_core::vectors::widest;

/// Sizes of the sets of highest counts whose share is reported, as scanpy's default `percent_top`.
pub const TOP: [usize; 4] = [50, 100, 200, 500];

/// Counts below this are counted by value: most of a cell's are 1 and 2. They fit a byte.
const N_SMALL: usize = 256;
/// As many histograms are filled in turn: a run of equal counts would wait for its own last addition.
const LANES: usize = 4;

/// What is measured of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// Genes with a count.
    pub n_genes: u32,
    /// Sum of counts.
    pub total: f64,
    /// Sum of counts of mitochondrial genes.
    pub mt: f64,
    /// Sum of counts of ribosomal genes.
    pub ribo: f64,
    /// Sums of the highest 50, 100, 200 and 500 counts.
    pub top: [f64; TOP.len()],
}

/// What measuring a cell needs, kept from one to the next.
pub struct Meter<'a> {
    classes: &'a [Class],
    /// The counts as bytes; 0 for those that stand in `large`.
    bytes: Vec<u8>,
    small: Box<[[u32; N_SMALL]; LANES]>,
    large: Vec<f32>,
    /// Positions in the cell of genes that are in a class.
    found: Vec<u32>,
}

/// What a gene's counts are added to besides the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing.
    Other,
    /// The mitochondrial counts.
    Mt,
    /// The ribosomal counts.
    Ribo,
}

impl<'a> Meter<'a> {
    /// `classes` holds one entry for each gene of the matrix.
    pub fn new(classes: &'a [Class]) -> Self {
        let small = Box::new([[0; N_SMALL]; LANES]);
        Self { classes, bytes: Vec::new(), small, large: Vec::new(), found: Vec::new() }
    }

    /// Measures a cell; `counts` are positive, each of another of `genes`. Sums of integers are exact.
    pub fn measure(&mut self, genes: &[u32], counts: &[f32]) -> Cell {
        let mut cell = Cell { n_genes: genes.len() as u32, ..Cell::default() };
        self.add_classes(genes, counts, &mut cell);
        let (most, whole) = self.count_by_value(counts);
        if whole {
            self.sum_up(most, &mut cell);
        } else {
            // Estimated counts, such as RSEM's: all are sorted.
            self.large.clear();
            self.large.extend_from_slice(counts);
            self.sum_up(0, &mut cell);
        }
        self.small.iter_mut().for_each(|lane| lane[..=most].fill(0));
        cell
    }

    /// Adds up the counts of mitochondrial and ribosomal genes, of which a cell has a few among many.
    fn add_classes(&mut self, genes: &[u32], counts: &[f32], cell: &mut Cell) {
        // Found without a branch, which would be taken too seldom to be foreseen and too often to be cheap.
        self.found.resize(genes.len() + 1, 0);
        let mut n_found = 0;
        for (i, &gene) in genes.iter().enumerate() {
            self.found[n_found] = i as u32;
            n_found += usize::from(self.classes[gene as usize] != Class::Other);
        }
        for &i in &self.found[..n_found] {
            let count = f64::from(counts[i as usize]);
            match self.classes[genes[i as usize] as usize] {
                Class::Other => {}
                Class::Mt => cell.mt += count,
                Class::Ribo => cell.ribo += count,
            }
        }
    }

    /// Fills the histograms and `large`. Returns the highest value in a histogram, and whether there are integers only.
    fn count_by_value(&mut self, counts: &[f32]) -> (usize, bool) {
        /// Added to a number below 2^23, leaves it as an integer in the lowest bits, rounded.
        const SHIFT: f32 = 8_388_608.0;
        let small = |count: f32| {
            let byte = (count + SHIFT).to_bits() as u8;
            if f32::from(byte) == count { byte } else { 0 }
        };
        self.bytes.clear();
        self.large.clear();
        let most = widest(|| {
            self.bytes.extend(counts.iter().map(|&count| small(count)));
            self.bytes.iter().fold(0, |most, &byte| most.max(byte))
        });
        let (fours, rest) = self.bytes.as_chunks::<LANES>();
        for four in fours {
            self.small.iter_mut().zip(four).for_each(|(lane, &byte)| lane[usize::from(byte)] += 1);
        }
        rest.iter().for_each(|&byte| self.small[0][usize::from(byte)] += 1);
        if self.bytes.contains(&0) {
            let large = counts.iter().zip(&self.bytes).filter(|(_, byte)| **byte == 0);
            self.large.extend(large.map(|(&count, _)| count));
        }
        (most.into(), self.large.iter().all(|&count| count >= N_SMALL as f32))
    }

    /// The highest counts first: the large ones, then the small ones by value from `most` down.
    fn sum_up(&mut self, most: usize, cell: &mut Cell) {
        let n_sorted = TOP[TOP.len() - 1];
        if self.large.len() > n_sorted {
            self.large.select_nth_unstable_by(n_sorted, |a, b| b.total_cmp(a));
        }
        let n_sorted = n_sorted.min(self.large.len());
        self.large[..n_sorted].sort_unstable_by(|a, b| b.total_cmp(a));
        let large = self.large.iter().map(|&count| (f64::from(count), 1));
        let n_of = |value: usize| self.small.iter().map(|lane| lane[value] as usize).sum::<usize>();
        let small = (1..=most).rev().map(|value| (value as f64, n_of(value)));
        let mut next = 0;
        let mut n_taken = 0;
        for (value, n) in large.chain(small) {
            while next < TOP.len() && n_taken + n >= TOP[next] {
                cell.top[next] = cell.total + (TOP[next] - n_taken) as f64 * value;
                next += 1;
            }
            n_taken += n;
            cell.total += n as f64 * value;
        }
        cell.top[next..].fill(cell.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    /// The definition, by sorting.
    fn sorted(counts: &[f32]) -> [f64; TOP.len()] {
        let mut counts: Vec<f64> = counts.iter().map(|&count| f64::from(count)).collect();
        counts.sort_by(|a, b| b.total_cmp(a));
        TOP.map(|k| counts.iter().take(k).sum())
    }

    #[test]
    fn the_highest_counts_are_those_of_a_sorted_cell() {
        let classes = vec![Class::Other; 5000];
        let mut meter = Meter::new(&classes);
        let mut random = Philox::new(1).stream(0, 0);
        // Ties, few genes, counts on both sides of the histogram's end, reads by the thousand, fractions; one meter for all.
        for (n_genes, most, step) in [
            (0, 1, 1.0),
            (49, 3, 1.0),
            (50, 1, 1.0),
            (700, 3, 1.0),
            (700, 400, 1.0),
            (5000, 90_000, 1.0),
            (800, 900, 0.25),
            (700, 5, 1.0),
        ] {
            let genes: Vec<u32> = (0..n_genes).collect();
            let counts: Vec<f32> = genes.iter().map(|_| (1 + random.below(most)) as f32 * step).collect();
            let cell = meter.measure(&genes, &counts);
            assert_eq!(cell.top, sorted(&counts), "{n_genes} genes, counts up to {most}");
            assert_eq!(cell.total, counts.iter().map(|&count| f64::from(count)).sum::<f64>() + 0.0);
            assert_eq!(cell.n_genes, n_genes);
        }
    }

    #[test]
    fn counts_are_added_to_their_genes_class() {
        let classes = [Class::Mt, Class::Other, Class::Ribo, Class::Mt, Class::Ribo];
        let cell = Meter::new(&classes).measure(&[0, 1, 3, 4], &[1.0, 10.0, 300.0, 1000.0]);
        assert_eq!((cell.total, cell.mt, cell.ribo), (1311.0, 301.0, 1000.0));
    }
}
