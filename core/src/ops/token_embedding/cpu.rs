use super::{Tables, TablesMut, TokenEmbedding};
use crate::device::cpu::stale;
use crate::device::{Cpu, Real, Result, Tensor};

fn add<T: Real>(y: &mut [T], x: &[T]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
}

/// Row `row` of a table of `n` columns.
fn at<T>(table: &[T], row: u32, n: usize) -> &[T] {
    &table[row as usize * n..][..n]
}

fn at_mut<T>(table: &mut [T], row: u32, n: usize) -> &mut [T] {
    &mut table[row as usize * n..][..n]
}

/// Genes of a chunk: the ids themselves are the destinations.
pub struct ChunkLen(usize);

impl<T: Real> TokenEmbedding for Cpu<T> {
    type Destinations = ChunkLen;

    fn destinations(&self, _: &Vec<u32>, _: &Vec<u32>, _: usize, chunk_len: usize) -> Result<ChunkLen> {
        Ok(ChunkLen(chunk_len))
    }

    fn embed_tokens(
        &self,
        tables: Tables<Self>,
        genes: &Vec<u32>,
        values: &Vec<u32>,
        n_cells: usize,
    ) -> Result<Tensor<Self>> {
        let (n, n_chunks) = (tables.cls.cols(), tables.cls.rows());
        let chunk_len = genes.len() / (n_cells * n_chunks);
        let mut x = stale(&[n_cells * n_chunks * (chunk_len + 1), n]);
        let chunks = x.as_mut_slice().chunks_exact_mut((chunk_len + 1) * n);
        for (i, ((chunk, genes), values)) in
            chunks.zip(genes.chunks_exact(chunk_len)).zip(values.chunks_exact(chunk_len)).enumerate()
        {
            let (head, rows) = chunk.split_at_mut(n);
            head.copy_from_slice(at(tables.cls.as_slice(), (i % n_chunks) as u32, n));
            for ((row, &gene), &value) in rows.chunks_exact_mut(n).zip(genes).zip(values) {
                row.copy_from_slice(at(tables.gene.as_slice(), gene, n));
                add(row, at(tables.value.as_slice(), value, n));
            }
        }
        Ok(x)
    }

    fn embed_tokens_backward(
        &self,
        dx: &Tensor<Self>,
        genes: &Vec<u32>,
        values: &Vec<u32>,
        &ChunkLen(chunk_len): &ChunkLen,
        grad: TablesMut<Self>,
    ) -> Result<()> {
        let (n, n_chunks) = (grad.cls.cols(), grad.cls.rows());
        let chunks = dx.as_slice().chunks_exact((chunk_len + 1) * n);
        for (i, ((chunk, genes), values)) in
            chunks.zip(genes.chunks_exact(chunk_len)).zip(values.chunks_exact(chunk_len)).enumerate()
        {
            let (head, rows) = chunk.split_at(n);
            add(at_mut(grad.cls.as_mut_slice(), (i % n_chunks) as u32, n), head);
            for ((row, &gene), &value) in rows.chunks_exact(n).zip(genes).zip(values) {
                add(at_mut(grad.gene.as_mut_slice(), gene, n), row);
                add(at_mut(grad.value.as_mut_slice(), value, n), row);
            }
        }
        Ok(())
    }
}
