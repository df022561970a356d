//! All cell ids, read once: they are stored in chunks too long to be read a block of cells at a time.

use crate::cohort::Cohort;
use anyhow::Result;
use panfoma_core::rng;
use panfoma_core::stage::UserError;

/// Ids decoded at a time.
const AT_ONCE: usize = 1 << 17;

/// The ids in order, end to end: their bytes and eight a cell.
pub struct CellIds {
    texts: String,
    ends: Vec<usize>,
}

impl CellIds {
    /// Reads them.
    pub fn read(cells: &Cohort) -> Result<Self> {
        let n_cells = cells.n_cells();
        let mut found = Self { texts: String::new(), ends: Vec::with_capacity(n_cells) };
        for start in (0..n_cells).step_by(AT_ONCE) {
            for id in cells.cell_ids(start..(start + AT_ONCE).min(n_cells))? {
                found.texts.push_str(&id);
                found.ends.push(found.texts.len());
            }
        }
        Ok(found)
    }

    /// The id of a cell.
    pub fn get(&self, cell: usize) -> &str {
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.texts[start..self.ends[cell]]
    }

    /// [`rng::name_hash`] of each. Errors: two cells of one id.
    pub fn hashes(&self, cells: &Cohort) -> Result<Vec<u64>> {
        let hashes: Vec<u64> = (0..self.ends.len()).map(|cell| rng::name_hash(self.get(cell))).collect();
        let mut sorted = hashes.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let cell = hashes.iter().position(|hash| *hash == pair[0]).expect("it was just hashed");
            let (inputs, id) = (cells.names(), self.get(cell));
            return Err(UserError::bad_data(format!("two cells of {inputs} have the id `{id}`"))
                .hint("every table is joined by cell id: give the studies different names in panfoma-qc")
                .into());
        }
        Ok(hashes)
    }
}
