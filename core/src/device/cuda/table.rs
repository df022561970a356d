//! Many tensors in one launch: a table of them, from which a block finds its own.
//!
//! A model has hundreds of tensors, most of them short. A launch for each would take the host longer than the GPU.

use super::{Address, Block, Cuda, Driver, Dtype};
use crate::device::Result;

/// Numbers of a block of the kernels that read plain tables: `sum_of_squares`, `set_zero`.
const NUMBERS: usize = 1 << 14;

/// The tensors of a launch: addresses, n, first block, and what else the kernel wants of each.
pub(crate) struct Table {
    words: Vec<u32>,
    n_tensors: usize,
    blocks: usize,
    per_block: usize,
}

impl Table {
    /// Tensors of which a block takes so many numbers.
    pub fn new(per_block: usize) -> Self {
        Self { words: Vec::new(), n_tensors: 0, blocks: 0, per_block }
    }

    /// f32 tensors by (where, what, how many).
    pub fn of(tensors: impl Iterator<Item = (Address, Dtype, usize)>) -> Self {
        let mut table = Self::new(NUMBERS);
        for (at, dtype, n) in tensors {
            assert_eq!(dtype, Dtype::F32);
            table.push(&[at], n, &[]);
        }
        table
    }

    /// Adds a row.
    pub fn push(&mut self, addresses: &[Address], n: usize, more: &[u32]) {
        self.words.extend(addresses.iter().flat_map(|&at| [at as u32, (at >> 32) as u32]));
        self.words.extend([super::number(n), super::number(self.blocks)]);
        self.words.extend(more);
        self.n_tensors += 1;
        self.blocks += n.div_ceil(self.per_block);
    }

    /// The rows on the device.
    pub fn upload<D: Driver>(&self, b: &Cuda<D>) -> Result<Block<D>> {
        b.numbers(&self.words)
    }

    /// Rows.
    pub fn n_tensors(&self) -> usize {
        self.n_tensors
    }

    /// Blocks of all tensors.
    pub fn blocks(&self) -> usize {
        self.blocks
    }
}
