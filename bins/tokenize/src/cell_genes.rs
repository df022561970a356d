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

    /// Begins another cell.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.counts.clear();
    }

    /// Adds a gene; none twice.
    pub fn push(&mut self, id: u32, count: f32) {
        self.ids.push(id);
        self.counts.push(count);
    }

    /// Puts ids in ascending order, and counts with them.
    pub fn sort(&mut self) {
        if self.ids.is_sorted() {
            return;
        }
        for (&id, &count) in self.ids.iter().zip(&self.counts) {
            self.by_id[id as usize] = count;
            self.expressed[id as usize / 64] |= 1 << (id % 64);
        }
        self.clear();
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
            genes.clear();
            ids[..n].iter().for_each(|&id| genes.push(id, id as f32 + 0.5));
            genes.sort();
            ids.truncate(n);
            ids.sort_unstable();
            assert_eq!(genes.ids, ids);
            assert!(genes.ids.iter().zip(&genes.counts).all(|(&id, &count)| count == id as f32 + 0.5));
        }
    }
}
