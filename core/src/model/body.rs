//! From tokens to final gene states, and back: input representation, local encoder, dynamic sorting, global decoder.

use super::{CellBatch, ModelConfig, ModelError, PAD_GENE, PanFoMa, global_decoder, local_context_encoder};
use crate::device::Tensor;
use crate::ops::attention;
use crate::ops::sort_genes::{Chunks, Sorted};
use crate::ops::{Backend, Sequences};

/// A batch on the device.
pub struct Tokens<B: Backend> {
    pub genes: B::Index,
    pub values: B::Index,
    /// 0 at padding, by encoder row.
    pub keys: B::Index,
    pub chunks: Chunks,
    /// The sorted genes of each cell.
    pub sequences: Sequences<B>,
    /// For the backward pass.
    pub destinations: Option<B::Destinations>,
}

impl<B: Backend> Tokens<B> {
    /// A valid batch, moved to the device; `trains`: with what a backward pass needs of it.
    pub fn new(config: &ModelConfig, b: &B, cells: &CellBatch, trains: bool) -> Result<Self, ModelError> {
        cells.validate(config)?;
        let chunks =
            Chunks { n_cells: cells.n_cells, n_chunks: config.n_chunks, chunk_len: config.chunk_len };
        let mut keys = Vec::with_capacity(cells.n_cells * (cells.seq_len + chunks.n_chunks));
        for genes in cells.genes.chunks_exact(chunks.chunk_len) {
            keys.push(1);
            keys.extend(genes.iter().map(|&gene| u32::from(gene != PAD_GENE)));
        }
        let n_valid = |genes: &[u32]| genes.iter().filter(|&&gene| gene != PAD_GENE).count() as u32;
        let n_valid: Vec<u32> = cells.genes.chunks_exact(cells.seq_len).map(n_valid).collect();
        let (genes, values) = (b.index(&cells.genes)?, b.index(&cells.values)?);
        let destinations =
            trains.then(|| b.destinations(&genes, &values, chunks.n_chunks, chunks.chunk_len)).transpose()?;
        Ok(Self {
            genes,
            values,
            keys: b.index(&keys)?,
            chunks,
            sequences: Sequences::new(b, cells.seq_len, &n_valid)?,
            destinations,
        })
    }
}

/// Final states, and what the backward pass consumes if it was kept.
pub struct Body<B: Backend> {
    /// [n_cells * S, D] in sorted order.
    pub states: Tensor<B>,
    /// [n_cells * C * (M + 1), D] final encoder states; only without training.
    pub encoder_states: Option<Tensor<B>>,
    pub sorted: Sorted<B>,
    pub saved: Option<Saved<B>>,
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    encoder: local_context_encoder::Saved<B>,
    decoder: global_decoder::Saved<B>,
}

impl<B: Backend> PanFoMa<B> {
    /// A valid batch, moved to the device.
    pub(super) fn tokens(&self, b: &B, cells: &CellBatch) -> Result<Tokens<B>, ModelError> {
        Tokens::new(&self.config, b, cells, false)
    }

    pub(super) fn attention_heads<'a>(&self, tokens: &'a Tokens<B>) -> attention::Heads<'a, B> {
        attention::Heads {
            n_sequences: tokens.chunks.n_cells * tokens.chunks.n_chunks,
            len: tokens.chunks.chunk_len + 1,
            n_heads: self.config.n_heads,
            keys: &tokens.keys,
        }
    }

    /// Final states of all genes.
    pub(super) fn body(&self, b: &B, tokens: &Tokens<B>, training: bool) -> Result<Body<B>, ModelError> {
        let x = self.embed.forward(b, &tokens.genes, &tokens.values, tokens.chunks.n_cells)?;
        let (encoded, in_encoder) = self.encoder.forward(b, &self.attention_heads(tokens), x, training)?;
        let sorted = b.sort_genes(&encoded, &tokens.genes, tokens.chunks)?;
        let x = b.gather_rows(&encoded, &sorted.rows)?;
        let (states, in_decoder) = self.decoder.forward(b, &tokens.sequences, x, training)?;
        let saved = in_encoder.zip(in_decoder).map(|(encoder, decoder)| Saved { encoder, decoder });
        Ok(Body { states, encoder_states: (!training).then_some(encoded), sorted, saved })
    }

    /// Adds the body's gradients to `grad`, given those of the final states.
    pub(super) fn body_backward(
        &self,
        b: &B,
        tokens: &Tokens<B>,
        body: Body<B>,
        d_states: Tensor<B>,
        grad: &mut Self,
    ) -> Result<(), ModelError> {
        let saved = body.saved.expect("a forward pass for training keeps its activations");
        let dx = self.decoder.backward(b, &tokens.sequences, saved.decoder, d_states, &mut grad.decoder)?;
        let heads = self.attention_heads(tokens);
        let mut d_encoded = b.zero_activations(&[heads.n_sequences * heads.len, self.config.d_model])?;
        b.scatter_add_rows(&dx, &body.sorted.rows, &mut d_encoded)?;
        let dx = self.encoder.backward(b, &heads, saved.encoder, d_encoded, &mut grad.encoder)?;
        let (genes, values) = (&tokens.genes, &tokens.values);
        match &tokens.destinations {
            Some(destinations) => grad.embed.accumulate(b, &dx, genes, values, destinations)?,
            None => {
                let Chunks { n_chunks, chunk_len, .. } = tokens.chunks;
                let destinations = b.destinations(genes, values, n_chunks, chunk_len)?;
                grad.embed.accumulate(b, &dx, genes, values, &destinations)?;
            }
        }
        Ok(())
    }
}
