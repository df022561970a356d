//! How often each count occurs in a cell: what bins depend on, without sorting the genes.

/// Counts below this are tallied in a table; the counts of a cell with a larger or a broken one are sorted.
const TABLE: usize = 4096;

/// The distinct counts of one cell, ascending, and how many genes have each.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    runs: Vec<Run>,
    /// By count: first the number of genes that have it, then its place in `runs`; 0 where no gene has it.
    table: Vec<u32>,
    /// All counts ascending, if they do not fit the table.
    sorted: Option<Vec<f32>>,
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

impl Occurrences {
    /// Of positive counts in any order; integers below 4096, as nearly all are, cost one addition each.
    pub fn tally(&mut self, counts: &[f32]) {
        self.table.resize(TABLE, 0);
        for run in self.runs.drain(..) {
            self.table[(run.count as usize).min(TABLE - 1)] = 0;
        }
        self.sorted = None;
        match self.fill_table(counts) {
            Some(largest) => self.runs_of_table(largest),
            None => self.sort(counts),
        }
    }

    /// The largest count; `None`, and an empty table, if one does not fit.
    fn fill_table(&mut self, counts: &[f32]) -> Option<usize> {
        let mut largest = 0;
        let mut whole = true;
        for &count in counts {
            // Saturates: a count beyond the table falls on its last entry and differs from it.
            let place = (count as usize).min(TABLE - 1);
            whole &= place as f32 == count;
            largest = largest.max(place);
            self.table[place] += 1;
        }
        if !whole {
            self.table[..=largest].fill(0);
        }
        whole.then_some(largest)
    }

    fn runs_of_table(&mut self, largest: usize) {
        let mut smaller = 0;
        for (count, n) in self.table[..=largest].iter_mut().enumerate().filter(|(_, n)| **n > 0) {
            let equal = std::mem::replace(n, self.runs.len() as u32);
            self.runs.push(Run { count: count as f32, smaller, equal });
            smaller += equal;
        }
    }

    fn sort(&mut self, counts: &[f32]) {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let mut smaller = 0;
        for run in sorted.chunk_by(|a, b| a == b) {
            let equal = run.len() as u32;
            self.runs.push(Run { count: run[0], smaller, equal });
            smaller += equal;
        }
        self.sorted = Some(sorted);
    }

    /// The distinct counts, ascending.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The place in `runs` of each of the counts that were tallied, in their order.
    pub fn places(&self, counts: &[f32]) -> impl Iterator<Item = usize> {
        let in_table = self.sorted.is_none();
        counts.iter().map(move |&count| match in_table {
            true => self.table[(count as usize).min(TABLE - 1)] as usize,
            false => self.runs.partition_point(|run| run.count < count),
        })
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
                found.places(counts).map(|place| found.runs()[place].smaller as usize).collect();
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
