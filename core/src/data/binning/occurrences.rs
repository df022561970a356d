//! How often each count occurs in a cell: what bins depend on, without sorting the genes.

use crate::vectors::widest;

/// Counts below this are tallied in a table; the counts of a cell with a larger or a broken one are sorted.
const TABLE: usize = 4096;
/// As many tables are filled in turn: a run of equal counts would wait for its own last addition.
const LANES: usize = 4;

/// The distinct counts of one cell, ascending, and how many genes have each.
#[derive(Clone, Debug)]
pub struct Occurrences {
    runs: Vec<Run>,
    /// Of each count in its order: its place in `runs`.
    places: Vec<u32>,
    /// By count: the number of genes that have it; all 0 between cells.
    tables: Box<[[u32; TABLE]; LANES]>,
}

/// One distinct count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// The count.
    pub count: f32,
    /// Genes of smaller counts.
    pub smaller: u32,
    /// Genes of this count.
    pub equal: u32,
}

impl Default for Occurrences {
    fn default() -> Self {
        Self { runs: Vec::new(), places: Vec::new(), tables: Box::new([[0; TABLE]; LANES]) }
    }
}

impl Occurrences {
    /// Of positive counts in any order; integers below 4096, as nearly all are, cost one addition each.
    pub fn tally(&mut self, counts: &[f32]) {
        self.runs.clear();
        match self.take_values(counts) {
            true => self.run_by_table(),
            false => self.run_by_sorting(counts),
        }
    }

    /// Puts the counts into `places` as integers; false if one does not fit the table.
    fn take_values(&mut self, counts: &[f32]) -> bool {
        /// Added to a number below 2^23, leaves it as an integer in the lowest bits, rounded.
        const SHIFT: f32 = 8_388_608.0;
        let value = |count: f32| (count + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits());
        let fits = |value: u32, count: f32| (value < TABLE as u32) & (value as i32 as f32 == count);
        self.places.clear();
        widest(|| {
            self.places.extend(counts.iter().map(|&count| value(count)));
            let pairs = counts.iter().zip(&self.places);
            pairs.fold(true, |all, (&count, &value)| all & fits(value, count))
        })
    }

    fn run_by_table(&mut self) {
        let Self { runs, places, tables } = self;
        for (i, &value) in places.iter().enumerate() {
            tables[i % LANES][value as usize % TABLE] += 1;
        }
        let largest = places.iter().fold(0, |largest, &value| largest.max(value)) as usize;
        let mut smaller = 0;
        for count in 0..=largest {
            let equal: u32 = tables.iter().map(|table| table[count]).sum();
            if equal > 0 {
                tables[0][count] = runs.len() as u32;
                runs.push(Run { count: count as f32, smaller, equal });
                smaller += equal;
            }
        }
        places.iter_mut().for_each(|place| *place = tables[0][*place as usize % TABLE]);
        tables.iter_mut().for_each(|table| table[..=largest].fill(0));
    }

    fn run_by_sorting(&mut self, counts: &[f32]) {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let mut smaller = 0;
        for run in sorted.chunk_by(|a, b| a == b) {
            let equal = run.len() as u32;
            self.runs.push(Run { count: run[0], smaller, equal });
            smaller += equal;
        }
        let place = |&count: &f32| self.runs.partition_point(|run| run.count < count) as u32;
        self.places.clear();
        self.places.extend(counts.iter().map(place));
    }

    /// The distinct counts, ascending.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The place in `runs` of each of the counts that were tallied, in their order.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// The value at `index` of the counts in ascending order.
    pub fn ascending(&self, index: usize) -> f64 {
        let after = self.runs.partition_point(|run| run.smaller as usize <= index);
        f64::from(self.runs[after - 1].count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_large_and_broken_counts_are_tallied_alike() {
        let check = |counts: &[f32], expected: &[(f32, u32)]| {
            let mut found = Occurrences::default();
            // Cells before leave no trace.
            found.tally(&[2.0, 4095.0, 7.0]);
            found.tally(&[2.0, 9e9, 3.5]);
            found.tally(counts);
            let runs: Vec<(f32, u32)> = found.runs().iter().map(|run| (run.count, run.equal)).collect();
            assert_eq!(runs, expected);
            let mut sorted = counts.to_vec();
            sorted.sort_by(f32::total_cmp);
            let smaller: Vec<usize> = counts.iter().map(|c| sorted.partition_point(|s| s < c)).collect();
            let of_run: Vec<usize> =
                found.places().iter().map(|&place| found.runs()[place as usize].smaller as usize).collect();
            assert_eq!(of_run, smaller);
            let ascending: Vec<f32> = (0..counts.len()).map(|i| found.ascending(i) as f32).collect();
            assert_eq!(ascending, sorted);
        };
        check(&[], &[]);
        check(&[3.0, 1.0, 3.0, 2.0], &[(1.0, 1), (2.0, 1), (3.0, 2)]);
        check(&[4095.0, 1.0, 4095.0], &[(1.0, 1), (4095.0, 2)]);
        check(&[4096.0, 1.0, 4095.0], &[(1.0, 1), (4095.0, 1), (4096.0, 1)]);
        check(&[1e30, 1.0, 1.0], &[(1.0, 2), (1e30, 1)]);
        check(&[0.5, 1.5, 0.5], &[(0.5, 2), (1.5, 1)]);
    }
}
