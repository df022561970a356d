//! Every tensor of a forward pass that is worth comparing with another implementation.

use super::{CellBatch, ModelError, PanFoMa};
use crate::layers::Layer;
use crate::layers::cell_prompt::Cells;
use crate::ops::Backend;

/// The forward pass laid open, on the host; genes in input order unless said otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// [n_cells, S, D] final encoder states.
    pub encoder_states: Vec<f32>,
    /// [n_cells, C, D] final [CLS] states.
    pub cls: Vec<f32>,
    /// [n_cells, D]
    pub global_state: Vec<f32>,
    /// [n_cells, S]
    pub scores: Vec<f32>,
    /// [n_cells, S] the gene at each sorted place.
    pub order: Vec<u32>,
    /// [n_cells, S, D] final states.
    pub gene_states: Vec<f32>,
    /// [n_cells, D]
    pub cell: Vec<f32>,
    /// [n_cells, S, Q]
    pub expression: Vec<f32>,
    /// [n_cells, S, Q]
    pub cell_expression: Vec<f32>,
    /// [n_cells, n_classes] if there is a class head.
    pub class_logits: Option<Vec<f32>>,
}

impl<B: Backend> PanFoMa<B> {
    /// Runs the forward pass and both expression heads on every gene.
    ///
    /// Errors: a batch that does not fit the configuration, or the device.
    pub fn trace(&self, b: &B, cells: &CellBatch) -> Result<Trace, ModelError> {
        let tokens = self.tokens(b, cells)?;
        let body = self.body(b, &tokens, false)?;
        let chunks = tokens.chunks;
        let seq_len = cells.seq_len;
        let encoded = body.encoder_states.as_ref().expect("a forward pass without training keeps them");
        let every = |n: usize, row: &dyn Fn(usize, usize) -> usize| -> Vec<u32> {
            (0..cells.n_cells).flat_map(|cell| (0..n).map(move |i| row(cell, i) as u32)).collect()
        };
        let gene_rows = b.index(&every(seq_len, &|cell, token| chunks.row(cell, token)))?;
        let cls_rows = b.index(&every(chunks.n_chunks, &|cell, chunk| chunks.cls_row(cell, chunk)))?;
        let cell_of = b.index(&every(seq_len, &|cell, _| cell))?;
        let mut order = vec![0; cells.genes.len()];
        for (i, place) in b.index_to_host(&body.sorted.places)?.into_iter().enumerate() {
            order[place as usize] = (i % seq_len) as u32;
        }
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let states = b.gather_rows(&body.states, &body.sorted.places)?;
        let gene_states = b.download(&states)?;
        let expression = self.heads.expression.forward(b, &(), states)?.0;
        let prompts = b.gather_rows(&self.embed.gene, &tokens.genes)?;
        let cell_expression = self
            .heads
            .cell_expression
            .forward(b, &Cells { embeddings: &cell, cell_of: &cell_of }, prompts)?
            .0;
        let class_logits = match &self.heads.class {
            None => None,
            Some(head) => Some(b.download(&head.forward(b, &(), b.copy(&cell)?)?.0)?),
        };
        Ok(Trace {
            encoder_states: b.download(&b.gather_rows(encoded, &gene_rows)?)?,
            cls: b.download(&b.gather_rows(encoded, &cls_rows)?)?,
            global_state: b.download(&body.sorted.global)?,
            scores: b.download(&body.sorted.scores)?,
            order,
            gene_states,
            cell: b.download(&cell)?,
            expression: b.download(&expression)?,
            cell_expression: b.download(&cell_expression)?,
            class_logits,
        })
    }
}
