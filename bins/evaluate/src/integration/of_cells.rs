//! What the neighbours of single cells hold, as it is written and drawn.

use crate::factor::Factor;
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::artifact::neighborhoods::Neighborhood;
use panfoma_core::stage::Context;

/// What the neighbourhoods of single cells hold.
#[derive(Default)]
pub struct Neighborhoods {
    /// LISI of the labels of each cell's neighbours; none if there are too few cells.
    pub lisi_label: Option<Vec<f64>>,
    /// LISI of their batches.
    pub lisi_batch: Option<Vec<f64>>,
    /// kBET: probability of batches as uneven as theirs.
    pub kbet_p_value: Option<Vec<f64>>,
}

/// Single cells in each space.
pub struct OfCells<'a> {
    ids: Vec<String>,
    /// Rows of the embedding, ascending.
    rows: Vec<usize>,
    /// Of all cells.
    pub label: &'a Factor,
    /// Of all cells.
    pub batch: Option<&'a Factor>,
    /// The spaces by name.
    pub spaces: Vec<(&'static str, Neighborhoods)>,
}

impl<'a> OfCells<'a> {
    /// Of these rows, without spaces. Errors: unreadable embeddings.
    pub fn new(
        reader: &Reader,
        rows: &[usize],
        label: &'a Factor,
        batch: Option<&'a Factor>,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let mut ids = Vec::with_capacity(rows.len());
        let (mut first, mut wanted) = (0, rows.iter().copied().peekable());
        for block in reader.obs_blocks()? {
            context.interrupt.check()?;
            let mut block = block?.cell_id;
            while let Some(row) = wanted.next_if(|&row| row < first + block.len()) {
                ids.push(std::mem::take(&mut block[row - first]));
            }
            first += block.len();
        }
        Ok(Self { ids, rows: rows.to_vec(), label, batch, spaces: Vec::new() })
    }

    /// One row a cell and space.
    pub fn table(&self) -> Vec<Neighborhood<'_>> {
        let value = |of: &Option<Vec<f64>>, at: usize| of.as_ref().map(|of| of[at]);
        let row = |at: usize, method: &'static str, found: &Neighborhoods| Neighborhood {
            cell_id: &self.ids[at],
            method,
            label: self.label.get(self.rows[at]).unwrap_or_default(),
            batch: self.batch.and_then(|batch| batch.get(self.rows[at])),
            lisi_label: value(&found.lisi_label, at),
            lisi_batch: value(&found.lisi_batch, at),
            kbet_p_value: value(&found.kbet_p_value, at),
        };
        let of_space = |(method, found): &(&'static str, Neighborhoods)| {
            (0..self.rows.len()).map(|at| row(at, method, found)).collect::<Vec<_>>()
        };
        self.spaces.iter().flat_map(of_space).collect()
    }

    /// The values of each label's cells, one list a level.
    pub fn by_label(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut of_levels = vec![Vec::new(); self.label.levels.len()];
        for (&row, &value) in self.rows.iter().zip(values) {
            of_levels[self.label.codes[row] as usize].push(value);
        }
        of_levels
    }
}
