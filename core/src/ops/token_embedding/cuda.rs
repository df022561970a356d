use super::{Tables, TablesMut, TokenEmbedding};
use crate::device::cuda::{Cuda, Driver, Dtype, Index, Segments, kernels, number};
use crate::device::{Result, Tensor};

/// Threads of a block; a thread has eight columns of a row.
const THREADS: usize = 256;

/// Rows of dx by the rows of each table that they are added to.
pub struct Destinations<D: Driver> {
    gene: Segments<D>,
    value: Segments<D>,
    cls: Segments<D>,
}

impl<D: Driver> TokenEmbedding for Cuda<D> {
    type Destinations = Destinations<D>;

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

    fn destinations(
        &self,
        genes: &Index<D>,
        values: &Index<D>,
        n_chunks: usize,
        chunk_len: usize,
    ) -> Result<Destinations<D>> {
        let row = move |token: usize| (token / chunk_len * (chunk_len + 1) + 1 + token % chunk_len) as u32;
        let tokens = |ids: &Index<D>| {
            let ids = ids.host().expect("tokens come from the host");
            Segments::new(self, ids.iter().enumerate().map(|(token, &id)| (id, row(token))))
        };
        let heads = (0..genes.len() / chunk_len)
            .map(|chunk| ((chunk % n_chunks) as u32, (chunk * (chunk_len + 1)) as u32));
        Ok(Destinations { gene: tokens(genes)?, value: tokens(values)?, cls: Segments::new(self, heads)? })
    }

    fn embed_tokens_backward(
        &self,
        dx: &Tensor<Self>,
        _: &Index<D>,
        _: &Index<D>,
        destinations: &Destinations<D>,
        grad: TablesMut<Self>,
    ) -> Result<()> {
        destinations.gene.add(self, dx, grad.gene)?;
        destinations.value.add(self, dx, grad.value)?;
        destinations.cls.add(self, dx, grad.cls)
    }
}
