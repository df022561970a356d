//! Input representation: a learnable [CLS] heads every chunk, then gene id embedding + value embedding of its genes.
//!
//! Row (cell, chunk, 0) = cls[chunk]; row (cell, chunk, 1 + m) = gene[genes] + value[values]. The backward pass adds
//! rows of dx to the rows they came from, in token order.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// The three tables of the input representation.
pub struct Tables<'a, B: Device> {
    /// [V, D]
    pub gene: &'a Tensor<B>,
    /// [Q + 2, D]
    pub value: &'a Tensor<B>,
    /// [C, D]
    pub cls: &'a Tensor<B>,
}

/// The gradients of `Tables`.
pub struct TablesMut<'a, B: Device> {
    /// [V, D]
    pub gene: &'a mut Tensor<B>,
    /// [Q + 2, D]
    pub value: &'a mut Tensor<B>,
    /// [C, D]
    pub cls: &'a mut Tensor<B>,
}

/// Embedding of tokens in chunks.
pub trait TokenEmbedding: Device {
    /// Where the gradients of a batch's rows go. It depends on the tokens alone, so it can be made before they are used.
    type Destinations: Send + Sync;

    /// genes, values: ids of all tokens, `chunk_len` a chunk, `n_chunks` a cell.
    fn destinations(
        &self,
        genes: &Self::Index,
        values: &Self::Index,
        n_chunks: usize,
        chunk_len: usize,
    ) -> Result<Self::Destinations>;

    /// genes, values: ids of all tokens of `n_cells`. Returns [n_cells * C * (M + 1), D].
    fn embed_tokens(
        &self,
        tables: Tables<Self>,
        genes: &Self::Index,
        values: &Self::Index,
        n_cells: usize,
    ) -> Result<Tensor<Self>>;

    /// Adds to the tables' gradients.
    fn embed_tokens_backward(
        &self,
        dx: &Tensor<Self>,
        genes: &Self::Index,
        values: &Self::Index,
        destinations: &Self::Destinations,
        grad: TablesMut<Self>,
    ) -> Result<()>;
}
