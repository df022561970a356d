use super::{Chunks, SortGenes, Sorted};
use crate::device::cuda::{Cuda, Driver, Dtype, Index, kernels, number};
use crate::device::{Result, Tensor};

/// Threads of a block of `cell_global`, one column each; and genes of a block of `gene_scores`, a warp each.
const THREADS: usize = 256;
const GENES: usize = 8;

impl<D: Driver> SortGenes for Cuda<D> {
    fn sort_genes(&self, states: &Tensor<Self>, genes: &Index<D>, chunks: Chunks) -> Result<Sorted<Self>> {
        let Chunks { n_cells, n_chunks, chunk_len } = chunks;
        let (cols, n_tokens) = (states.cols(), n_cells * chunks.seq_len());
        assert_eq!((states.rows(), genes.len()), (n_cells * n_chunks * (chunk_len + 1), n_tokens));
        assert_eq!((states.dtype(), cols % 8), (Dtype::Bf16, 0));
        let mut global = self.unwritten(&[n_cells, cols], Dtype::F32)?;
        let mut scores = self.unwritten(&[n_cells, chunks.seq_len()], Dtype::F32)?;
        let (mut rows, mut places) = (self.unwritten_index(n_tokens)?, self.unwritten_index(n_tokens)?);
        let of_global = kernels::CellGlobal {
            states: states.read(),
            global: global.write(),
            n: number(n_cells * cols),
            cols: number(cols),
            n_chunks: number(n_chunks),
            chunk_len: number(chunk_len),
        };
        let of_scores = kernels::GeneScores {
            states: states.read(),
            global: global.read(),
            scores: scores.write(),
            n_tokens: number(n_tokens),
            cols: number(cols),
            n_chunks: number(n_chunks),
            chunk_len: number(chunk_len),
        };
        let n_keys = chunks.seq_len().next_power_of_two().max(2);
        let of_order = kernels::SortGenes {
            scores: scores.read(),
            genes: genes.read(),
            rows: rows.write(),
            places: places.write(),
            seq_len: number(chunks.seq_len()),
            chunk_len: number(chunk_len),
            n_keys: number(n_keys),
        };
        // SAFETY: the states have a row for every [CLS] and gene; the rest was made for these cells. Keys have 8 bytes.
        unsafe {
            self.launch(&of_global, [(n_cells * cols).div_ceil(THREADS), 1, 1])?;
            self.launch(&of_scores, [n_tokens.div_ceil(GENES), 1, 1])?;
            self.launch_with_shared(&of_order, [n_cells, 1, 1], 8 * n_keys)?;
        }
        Ok(Sorted { global, scores, rows, places })
    }
}
