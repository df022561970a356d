//! Input representation: gene id embedding + value embedding, and a [CLS] of its own for every chunk.

use super::ModelConfig;
use crate::device::{Result, Tensor};
use crate::layers::{Init, ParamError, Source, params};
use crate::ops::Backend;
use crate::ops::token_embedding::{Tables, TablesMut};

/// The embedding tables.
pub struct InputRepresentation<B: Backend> {
    /// [V, D]
    pub gene: Tensor<B>,
    /// [Q + 2, D]
    pub value: Tensor<B>,
    /// [C, D]
    pub cls: Tensor<B>,
}

params!(InputRepresentation { gene => "gene.weight", value => "value.weight", cls => "cls" });

impl<B: Backend> InputRepresentation<B> {
    pub fn new(source: &mut Source<B>, c: &ModelConfig) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            gene: source("embed.gene.weight", &[c.n_genes, c.d_model], Init::Normal(0.0))?,
            value: source("embed.value.weight", &[c.n_bins + 2, c.d_model], Init::Normal(0.0))?,
            cls: source("embed.cls", &[c.n_chunks, c.d_model], Init::Normal(0.0))?,
        })
    }

    /// Rows of all chunks, each headed by its [CLS].
    pub fn forward(&self, b: &B, genes: &B::Index, values: &B::Index, n_cells: usize) -> Result<Tensor<B>> {
        let tables = Tables { gene: &self.gene, value: &self.value, cls: &self.cls };
        b.embed_tokens(tables, genes, values, n_cells)
    }

    /// On a gradient: adds the rows of dx.
    pub fn accumulate(
        &mut self,
        b: &B,
        dx: &Tensor<B>,
        genes: &B::Index,
        values: &B::Index,
        destinations: &B::Destinations,
    ) -> Result<()> {
        let tables = TablesMut { gene: &mut self.gene, value: &mut self.value, cls: &mut self.cls };
        b.embed_tokens_backward(dx, genes, values, destinations, tables)
    }
}
