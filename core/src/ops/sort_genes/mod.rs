//! Global-informed dynamic sorting: g = mean of a cell's final [CLS] states, score s_i = h_i . g, genes of all chunks
//! in descending s, ties in input order, padding last. No gradient passes through the order.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// How the tokens of a batch stand in the encoder's rows.
#[derive(Clone, Copy, Debug)]
pub struct Chunks {
    /// Cells.
    pub n_cells: usize,
    /// C, chunks of a cell.
    pub n_chunks: usize,
    /// M, genes of a chunk.
    pub chunk_len: usize,
}

impl Chunks {
    /// Row of gene `token` of `cell` among rows that have a [CLS] at the head of every chunk.
    pub fn row(&self, cell: usize, token: usize) -> usize {
        let chunk = cell * self.n_chunks + token / self.chunk_len;
        chunk * (self.chunk_len + 1) + 1 + token % self.chunk_len
    }

    /// Row of the [CLS] of a chunk.
    pub fn cls_row(&self, cell: usize, chunk: usize) -> usize {
        (cell * self.n_chunks + chunk) * (self.chunk_len + 1)
    }

    /// S, genes of a cell.
    pub fn seq_len(&self) -> usize {
        self.n_chunks * self.chunk_len
    }
}

/// The sorted order of a batch.
pub struct Sorted<B: Device> {
    /// [n_cells, D] g
    pub global: Tensor<B>,
    /// [n_cells, S] s, in input order
    pub scores: Tensor<B>,
    /// [n_cells * S] encoder row of the gene at each sorted place
    pub rows: B::Index,
    /// [n_cells * S] sorted row of each gene, in input order
    pub places: B::Index,
}

/// Dynamic sorting.
pub trait SortGenes: Device {
    /// states: [n_cells * C * (M + 1), D] final encoder states; genes: [n_cells * S] ids, 0 = padding.
    fn sort_genes(&self, states: &Tensor<Self>, genes: &Self::Index, chunks: Chunks) -> Result<Sorted<Self>>;
}
