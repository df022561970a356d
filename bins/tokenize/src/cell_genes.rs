//! The vocabulary genes of one cell, put in the order of their ids without comparing them.

/// Ids and counts of one cell's genes.
#[derive(Clone, Debug)]
pub struct CellGenes {
    /// Vocabulary ids.
    pub ids: Vec<u32>,
    /// One a gene.
    pub counts: Vec<f32>,
    /// By id, while a cell is sorted.
    by_id: Vec<f32>,
    /// One bit an id.
    expressed: Vec<u64>,
}

impl CellGenes {
    /// For ids up to this.
    pub fn new(n_genes: usize) -> Self {
        let (by_id, expressed) = (vec![0.0; n_genes + 1], vec![0; n_genes / 64 + 1]);
        Self { ids: Vec::new(), counts: Vec::new(), by_id, expressed }
    }

    /// Takes the expressed genes of a cell, `of_columns` being the id of each column, 0 for what is left out. Returns the
    /// largest id. No id twice.
    pub fn take(&mut self, columns: &[u32], counts: &[f32], of_columns: &[u32]) -> u32 {
        self.ids.resize(columns.len(), 0);
        self.counts.resize(columns.len(), 0.0);
        let (mut at, mut largest) = (0, 0);
        for (&column, &count) in columns.iter().zip(counts) {
            let id = if count > 0.0 { of_columns[column as usize] } else { 0 };
            // Written in any case, and again if it is left out.
            (self.ids[at], self.counts[at]) = (id, count);
            at += usize::from(id > 0);
            largest = largest.max(id);
        }
        self.ids.truncate(at);
        self.counts.truncate(at);
        largest
    }

    /// Puts ids in ascending order, and counts with them.
    pub fn sort(&mut self) {
        let neighbours = self.ids.iter().zip(self.ids.iter().skip(1));
        if neighbours.fold(true, |all, (a, b)| all & (a < b)) {
            return;
        }
        for (&id, &count) in self.ids.iter().zip(&self.counts) {
            self.by_id[id as usize] = count;
            self.expressed[id as usize / 64] |= 1 << (id % 64);
        }
        self.ids.clear();
        self.counts.clear();
        for (word, first) in self.expressed.iter_mut().zip((0..).step_by(64)) {
            while *word != 0 {
                let id = first + word.trailing_zeros();
                *word &= *word - 1;
                self.ids.push(id);
                self.counts.push(self.by_id[id as usize]);
            }
        }
    }
}

/// Sum of a cell's counts: integers, so their order decides nothing below 2^53, and eight sums need not wait for one.
pub fn total(counts: &[f32]) -> f64 {
    let (eights, rest) = counts.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &count)| *sum += f64::from(count));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&count| f64::from(count)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    #[test]
    fn genes_are_ordered_by_id_with_their_counts() {
        let mut genes = CellGenes::new(1000);
        let mut stream = Philox::new(0).stream(0, 0);
        for n in [0, 1, 2, 400, 1000] {
            let mut ids: Vec<u32> = (1..=1000).collect();
            stream.shuffle(&mut ids);
            // Columns in any order, every third of a gene that is left out, every fifth without a count.
            let columns: Vec<u32> = ids[..n].to_vec();
            let counts: Vec<f32> =
                columns.iter().map(|&id| if id % 5 == 0 { 0.0 } else { id as f32 }).collect();
            let of_columns: Vec<u32> =
                (0..=1000).map(|column| if column % 3 == 0 { 0 } else { column }).collect();
            ids.truncate(n);
            ids.retain(|id| id % 3 > 0 && id % 5 > 0);
            assert_eq!(genes.take(&columns, &counts, &of_columns), ids.iter().copied().max().unwrap_or(0));
            assert_eq!(total(&counts), counts.iter().map(|&count| f64::from(count)).sum::<f64>());
            genes.sort();
            ids.sort_unstable();
            assert_eq!(genes.ids, ids);
            assert!(genes.ids.iter().zip(&genes.counts).all(|(&id, &count)| count == id as f32));
        }
    }
}
