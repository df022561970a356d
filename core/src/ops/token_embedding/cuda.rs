use super::{Tables, TablesMut, TokenEmbedding};
use crate::device::cuda::{Cuda, Driver, Dtype, Index, Segments, kernels, number};
use crate::device::{Result, Tensor};

/// Threads of a block; a thread has eight columns of a row.
const THREADS: usize = 256;

impl<D: Driver> TokenEmbedding for Cuda<D> {
    fn embed_tokens(
        &self,
        tables: Tables<Self>,
        genes: &Index<D>,
        values: &Index<D>,
        n_cells: usize,
    ) -> Result<Tensor<Self>> {
        let (cols, n_chunks) = (tables.cls.cols(), tables.cls.rows());
        let chunk_len = genes.len() / (n_cells * n_chunks);
        let n_rows = n_cells * n_chunks * (chunk_len + 1);
        assert_eq!((genes.len(), tables.gene.cols(), tables.value.cols()), (values.len(), cols, cols));
        assert_eq!([tables.gene, tables.value, tables.cls].map(Tensor::dtype), [Dtype::F32; 3]);
        assert!(cols.is_multiple_of(8), "{cols} columns");
        let mut x = self.unwritten(&[n_rows, cols], Dtype::Bf16)?;
        let arguments = kernels::EmbedTokens {
            gene: tables.gene.read(),
            value: tables.value.read(),
            cls: tables.cls.read(),
            genes: genes.read(),
            values: values.read(),
            x: x.write(),
            n_rows: number(n_rows),
            n_chunks: number(n_chunks),
            chunk_len: number(chunk_len),
            cols: number(cols),
        };
        // SAFETY: the ids are rows of their tables: `CellBatch` was validated against the configuration.
        unsafe { self.launch(&arguments, [(n_rows * cols / 8).div_ceil(THREADS), 1, 1])? };
        Ok(x)
    }

    fn embed_tokens_backward(
        &self,
        dx: &Tensor<Self>,
        genes: &Index<D>,
        values: &Index<D>,
        n_cells: usize,
        grad: TablesMut<Self>,
    ) -> Result<()> {
        let n_chunks = grad.cls.rows();
        let chunk_len = genes.len() / (n_cells * n_chunks);
        let row = move |token: usize| (token / chunk_len * (chunk_len + 1) + 1 + token % chunk_len) as u32;
        for (ids, table) in [(genes, grad.gene), (values, grad.value)] {
            let ids = ids.host().expect("tokens come from the host");
            let rows = ids.iter().enumerate().map(|(token, &id)| (id, row(token)));
            Segments::new(self, rows)?.add(self, dx, table)?;
        }
        let heads = (0..n_cells * n_chunks)
            .map(|chunk| ((chunk % n_chunks) as u32, (chunk * (chunk_len + 1)) as u32));
        Segments::new(self, heads)?.add(self, dx, grad.cls)
    }
}
