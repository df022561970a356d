//! The encoder's attention, block by block, for whoever reads gene-gene edges off it.

use super::{CellBatch, ModelError, PanFoMa};
use crate::ops::Backend;

/// Attention probabilities of one head over one chunk of one cell.
#[derive(Clone, Copy, Debug)]
pub struct AttentionView<'a> {
    /// Cell of the batch.
    pub cell: usize,
    /// Chunk of the cell.
    pub chunk: usize,
    /// Application of the encoder's layer.
    pub layer: usize,
    /// Head.
    pub head: usize,
    /// [M] gene ids of the chunk, 0 = padding. Token 0 of `probabilities` is [CLS]; gene i is token i + 1.
    pub genes: &'a [u32],
    /// [M + 1, M + 1] row = querying token, column = key token; rows sum to 1, padding columns are 0.
    pub probabilities: &'a [f32],
}

impl<B: Backend> PanFoMa<B> {
    /// Shows `visit` every attention block of the encoder, by layer, cell, chunk, head.
    ///
    /// Errors: a batch that does not fit the configuration, or the device.
    pub fn encoder_attention(
        &self,
        b: &B,
        cells: &CellBatch,
        visit: &mut dyn FnMut(AttentionView),
    ) -> Result<(), ModelError> {
        let tokens = self.tokens(b, cells)?;
        let heads = self.attention_heads(&tokens);
        let x = self.embed.forward(b, &tokens.genes, &tokens.values, cells.n_cells)?;
        self.encoder.each_attention(b, &heads, x, |layer, qkv| {
            for (sequence, genes) in cells.genes.chunks_exact(self.config.chunk_len).enumerate() {
                let (cell, chunk) = (sequence / self.config.n_chunks, sequence % self.config.n_chunks);
                for head in 0..heads.n_heads {
                    let probabilities = b.attention_probabilities(qkv, &heads, sequence, head)?;
                    visit(AttentionView { cell, chunk, layer, head, genes, probabilities: &probabilities });
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}
