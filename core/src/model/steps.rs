//! One micro-batch of pretraining or classification: losses, and gradients where they are wanted.

use super::{CellBatch, ClassSums, ModelError, PanFoMa, PretrainBatch, PretrainSums, TrainScope};
use crate::layers::Layer;
use crate::layers::cell_prompt::Cells;
use crate::ops::Backend;

impl<B: Backend> PanFoMa<B> {
    /// Adds `scale` * d(sum of both cross-entropies over masked genes) to `grad`; returns the sums.
    ///
    /// Errors: a batch that does not fit the configuration, or the device.
    pub fn pretrain_step(
        &self,
        b: &B,
        batch: &PretrainBatch,
        scale: f64,
        grad: &mut Self,
    ) -> Result<PretrainSums, ModelError> {
        self.pretrain(b, batch, scale, Some(grad))
    }

    /// The sums of `pretrain_step`, without gradients.
    pub fn pretrain_eval(&self, b: &B, batch: &PretrainBatch) -> Result<PretrainSums, ModelError> {
        self.pretrain(b, batch, 0.0, None)
    }

    fn pretrain(
        &self,
        b: &B,
        batch: &PretrainBatch,
        scale: f64,
        grad: Option<&mut Self>,
    ) -> Result<PretrainSums, ModelError> {
        batch.validate(&self.config)?;
        let masked: Vec<usize> = (0..batch.masked.len()).filter(|&token| batch.masked[token]).collect();
        if masked.is_empty() {
            return Ok(PretrainSums::default());
        }
        let at_masked = |f: &dyn Fn(usize) -> u32| masked.iter().map(|&token| f(token)).collect::<Vec<u32>>();
        let genes = b.index(&at_masked(&|token| batch.cells.genes[token]))?;
        let targets = b.index(&at_masked(&|token| batch.target[token]))?;
        let cell_of = b.index(&at_masked(&|token| (token / batch.cells.seq_len) as u32))?;
        let at = b.index(&at_masked(&|token| token as u32))?;

        let tokens = self.tokens(b, &batch.cells)?;
        let body = self.body(b, &tokens, grad.is_some())?;
        let places = b.select(&body.sorted.places, &at)?;
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let cells = Cells { embeddings: &cell, cell_of: &cell_of };

        let (mut logits, in_expression) =
            self.heads.expression.forward(b, &(), b.gather_rows(&body.states, &places)?)?;
        let expression = b.cross_entropy(&mut logits, &targets, None, scale)?;
        let prompts = b.gather_rows(&self.embed.gene, &genes)?;
        let (mut cell_logits, in_prompt) = self.heads.cell_expression.forward(b, &cells, prompts)?;
        let cell_expression = b.cross_entropy(&mut cell_logits, &targets, None, scale)?;

        if let Some(grad) = grad {
            let head = &mut grad.heads;
            let d_masked =
                self.heads.expression.backward(b, &(), in_expression, logits, &mut head.expression)?;
            let (d_prompts, d_cell) = self.heads.cell_expression.backward(
                b,
                &cells,
                in_prompt,
                cell_logits,
                &mut head.cell_expression,
            )?;
            b.scatter_add_rows(&d_prompts, &genes, &mut grad.embed.gene)?;
            let mut d_states = b.zero_activations(body.states.shape())?;
            b.scatter_add_rows(&d_masked, &places, &mut d_states)?;
            b.mean_pool_backward(&d_cell, &tokens.sequences, &mut d_states)?;
            self.body_backward(b, &tokens, body, d_states, grad)?;
        }
        Ok(PretrainSums {
            expression_nll: expression.nll,
            cell_expression_nll: cell_expression.nll,
            n_masked: masked.len(),
        })
    }

    /// Adds `scale` * d(sum of the labels' cross-entropy, times the labels' class weights) to `grad`; returns the sums.
    ///
    /// Errors: no class head, a label or a number of weights that does not fit it, a batch that does not fit the
    /// configuration, or the device.
    pub fn class_step(
        &self,
        b: &B,
        cells: &CellBatch,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
        grad: &mut Self,
    ) -> Result<ClassSums, ModelError> {
        let (Some(head), Some(head_grad)) = (&self.heads.class, &mut grad.heads.class) else {
            return Err(ModelError::NoClassHead);
        };
        let n_classes = self.config.n_classes;
        if labels.len() != cells.n_cells || labels.iter().any(|&label| label as usize >= n_classes) {
            return Err(ModelError::Batch(format!(
                "{} labels, the largest {:?}, for {} cells and {n_classes} classes",
                labels.len(),
                labels.iter().max(),
                cells.n_cells
            )));
        }
        if let Some(found) = class_weights.map(<[f32]>::len).filter(|&found| found != n_classes) {
            return Err(ModelError::Batch(format!("{found} class weights for {n_classes} classes")));
        }
        let weights: Option<Vec<f32>> =
            class_weights.map(|weights| labels.iter().map(|&label| weights[label as usize]).collect());

        let tokens = self.tokens(b, cells)?;
        let body = self.body(b, &tokens, scope == TrainScope::Full)?;
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let (mut logits, saved) = head.forward(b, &(), cell)?;
        let sums = b.cross_entropy(&mut logits, &b.index(labels)?, weights.as_deref(), scale)?;
        let d_cell = head.backward(b, &(), saved, logits, head_grad)?;
        if scope == TrainScope::Full {
            let mut d_states = b.zero_activations(body.states.shape())?;
            b.mean_pool_backward(&d_cell, &tokens.sequences, &mut d_states)?;
            self.body_backward(b, &tokens, body, d_states, grad)?;
        }
        Ok(ClassSums {
            nll: sums.nll,
            weight: weights.map_or(labels.len() as f64, |w| w.iter().map(|&w| f64::from(w)).sum()),
            n: labels.len(),
            n_correct: sums.n_correct,
        })
    }
}
