//! What evaluation keeps of every cell (codes, a few bytes each), and which cells it looks at more closely.

use crate::factor::{Builder, Factor, MISSING};
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::rng::{Philox, name_hash};
use panfoma_core::stage::{Context, UserError};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Names this use of the seed.
const SAMPLING: u32 = 0x736D_706C;

/// Every cell of `embeddings.parquet`.
pub struct Cells {
    /// Where each belongs.
    pub split: Vec<Split>,
    /// Label and group columns by name.
    pub columns: BTreeMap<String, Factor>,
    hashes: Vec<u64>,
    rows: HashMap<u64, u32>,
}

impl Cells {
    /// Reads everything but the vectors. Errors: a cell id twice.
    pub fn read(reader: &Reader, path: &Path, context: &Context) -> anyhow::Result<Self> {
        let names = &reader.metadata.columns;
        let mut builders: Vec<Builder> = names.iter().map(|_| Builder::default()).collect();
        let (mut split, mut hashes) = (Vec::new(), Vec::new());
        let mut rows = HashMap::with_capacity(reader.n_cells);
        for block in reader.obs_blocks()? {
            context.interrupt.check()?;
            let block = block?;
            for (builder, values) in builders.iter_mut().zip(&block.columns) {
                values.iter().for_each(|value| builder.push(value.as_deref()));
            }
            for id in &block.cell_id {
                let hash = name_hash(id);
                if rows.insert(hash, hashes.len() as u32).is_some() {
                    return Err(
                        UserError::bad_data(format!("`{}` lists cell `{id}` twice", path.display())).into()
                    );
                }
                hashes.push(hash);
            }
            split.extend(block.split);
        }
        let columns = names.iter().cloned().zip(builders.into_iter().map(Builder::finish)).collect();
        Ok(Self { split, columns, hashes, rows })
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.split.len()
    }

    /// True without cells.
    pub fn is_empty(&self) -> bool {
        self.split.is_empty()
    }

    /// The row of a cell by its id.
    pub fn row_of(&self, cell_id: &str) -> Option<usize> {
        self.row_of_hash(name_hash(cell_id))
    }

    /// The row of a cell by the hash of its id.
    pub fn row_of_hash(&self, hash: u64) -> Option<usize> {
        self.rows.get(&hash).map(|&row| row as usize)
    }

    /// The hash of a cell's id: the key of its random choices.
    pub fn hash(&self, row: usize) -> u64 {
        self.hashes[row]
    }

    /// A column that has at least one value.
    pub fn column(&self, name: &str) -> Option<&Factor> {
        self.columns.get(name).filter(|factor| !factor.levels.is_empty())
    }

    /// Rows of one split whose value in `label` is known.
    pub fn labelled(&self, split: Split, label: &Factor) -> Vec<usize> {
        (0..self.len()).filter(|&row| self.split[row] == split && label.codes[row] != MISSING).collect()
    }

    /// At most `max` of these rows, in order. Which ones depends on the seed and the cells' ids alone.
    pub fn sample(&self, rows: Vec<usize>, max: usize, seed: u64) -> Vec<usize> {
        if rows.len() <= max {
            return rows;
        }
        let philox = Philox::new(seed);
        let priority = |row: usize| {
            let hash = self.hashes[row];
            let words = philox.block([0, SAMPLING, hash as u32, (hash >> 32) as u32]);
            (words[0], words[1], hash)
        };
        let mut keyed: Vec<_> = rows.into_iter().map(|row| (priority(row), row)).collect();
        keyed.select_nth_unstable(max);
        let mut chosen: Vec<usize> = keyed[..max].iter().map(|keyed| keyed.1).collect();
        chosen.sort_unstable();
        chosen
    }
}

/// The embeddings of these rows, [rows × dim]; `rows` ascending.
pub fn gather(reader: &Reader, rows: &[usize], context: &Context) -> anyhow::Result<Vec<f32>> {
    let dim = reader.metadata.dim;
    let mut values = Vec::with_capacity(rows.len() * dim);
    let mut wanted = rows.iter().copied().peekable();
    let mut first = 0;
    for block in reader.blocks()? {
        context.interrupt.check()?;
        let (obs, block) = block?;
        while let Some(row) = wanted.next_if(|&row| row < first + obs.len()) {
            values.extend_from_slice(&block[(row - first) * dim..(row - first + 1) * dim]);
        }
        first += obs.len();
    }
    Ok(values)
}
