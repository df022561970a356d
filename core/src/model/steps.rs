//! One micro-batch of pretraining or classification: losses, and gradients where they are wanted.
//!
//! Each in three: what it needs of the batch goes to the device, which can be ahead of time; the device is asked for all of
//! it; and the sums are fetched, which waits for them.

use super::body::Tokens;
use super::{
    CellBatch, ClassSums, ModelConfig, ModelError, PanFoMa, PretrainBatch, PretrainSums, TrainScope,
};
use crate::layers::Layer;
use crate::layers::cell_prompt::Cells;
use crate::ops::Backend;

/// Cells with hidden values, on the device. No value may be hidden: then there is nothing to do.
pub struct Hidden<B: Backend>(Option<Masked<B>>);

/// The masked genes of a batch, one after the other.
struct Masked<B: Backend> {
    tokens: Tokens<B>,
    genes: B::Index,
    targets: B::Index,
    cell_of: B::Index,
    /// Tokens of the batch.
    at: B::Index,
    n: usize,
}

impl<B: Backend> Hidden<B> {
    /// A valid batch, moved to the device; `trains`: with what a backward pass needs of it.
    ///
    /// Errors: a batch that does not fit the configuration, or the device.
    pub fn new(config: &ModelConfig, b: &B, batch: &PretrainBatch, trains: bool) -> Result<Self, ModelError> {
        batch.validate(config)?;
        let masked: Vec<usize> = (0..batch.masked.len()).filter(|&token| batch.masked[token]).collect();
        if masked.is_empty() {
            return Ok(Self(None));
        }
        let at_masked = |f: &dyn Fn(usize) -> u32| masked.iter().map(|&token| f(token)).collect::<Vec<u32>>();
        let genes = b.index(&at_masked(&|token| batch.cells.genes[token]))?;
        let cell_of = b.index(&at_masked(&|token| (token / batch.cells.seq_len) as u32))?;
        if trains {
            b.expect_scatter(&genes)?;
            b.expect_scatter(&cell_of)?;
        }
        Ok(Self(Some(Masked {
            tokens: Tokens::new(config, b, &batch.cells, trains)?,
            genes,
            targets: b.index(&at_masked(&|token| batch.target[token]))?,
            cell_of,
            at: b.index(&at_masked(&|token| token as u32))?,
            n: masked.len(),
        })))
    }
}

/// Losses over masked genes, asked for and not yet fetched: from the genes' states, and from the cell.
pub struct HiddenLosses<B: Backend>(Option<(B::Sums, B::Sums, usize)>);

impl<B: Backend> HiddenLosses<B> {
    /// The sums, on the host.
    pub fn fetch(self, b: &B) -> Result<PretrainSums, ModelError> {
        let Some((expression, cell_expression, n_masked)) = self.0 else {
            return Ok(PretrainSums::default());
        };
        Ok(PretrainSums {
            expression_nll: b.nll_sums(&expression)?.nll,
            cell_expression_nll: b.nll_sums(&cell_expression)?.nll,
            n_masked,
        })
    }
}

/// The loss of labels, asked for and not yet fetched.
pub struct ClassLoss<B: Backend> {
    sums: B::Sums,
    weight: f64,
    n: usize,
}

impl<B: Backend> ClassLoss<B> {
    /// The sums, on the host.
    pub fn fetch(self, b: &B) -> Result<ClassSums, ModelError> {
        let sums = b.nll_sums(&self.sums)?;
        Ok(ClassSums { nll: sums.nll, weight: self.weight, n: self.n, n_correct: sums.n_correct })
    }
}

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
        let hidden = Hidden::new(&self.config, b, batch, true)?;
        self.pretrain(b, &hidden, scale, Some(grad))?.fetch(b)
    }

    /// The sums of `pretrain_step`, without gradients.
    pub fn pretrain_eval(&self, b: &B, batch: &PretrainBatch) -> Result<PretrainSums, ModelError> {
        let hidden = Hidden::new(&self.config, b, batch, false)?;
        self.pretrain(b, &hidden, 0.0, None)?.fetch(b)
    }

    /// Asks for the losses, and with `grad` for their gradient; returns without waiting.
    pub(super) fn pretrain(
        &self,
        b: &B,
        hidden: &Hidden<B>,
        scale: f64,
        grad: Option<&mut Self>,
    ) -> Result<HiddenLosses<B>, ModelError> {
        let Some(Masked { tokens, genes, targets, cell_of, at, n }) = &hidden.0 else {
            return Ok(HiddenLosses(None));
        };
        let body = self.body(b, tokens, grad.is_some())?;
        let places = b.select(&body.sorted.places, at)?;
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let cells = Cells { embeddings: &cell, cell_of };

        let (mut logits, in_expression) =
            self.heads.expression.forward(b, &(), b.gather_rows(&body.states, &places)?)?;
        let expression = b.cross_entropy(&mut logits, targets, None, scale)?;
        let prompts = b.gather_rows(&self.embed.gene, genes)?;
        let (mut cell_logits, in_prompt) = self.heads.cell_expression.forward(b, &cells, prompts)?;
        let cell_expression = b.cross_entropy(&mut cell_logits, targets, None, scale)?;

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
            b.scatter_add_rows(&d_prompts, genes, &mut grad.embed.gene)?;
            let mut d_states = b.zero_activations(body.states.shape())?;
            b.scatter_add_rows(&d_masked, &places, &mut d_states)?;
            b.mean_pool_backward(&d_cell, &tokens.sequences, &mut d_states)?;
            self.body_backward(b, tokens, body, d_states, grad)?;
        }
        Ok(HiddenLosses(Some((expression, cell_expression, *n))))
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
        let tokens = Tokens::new(&self.config, b, cells, scope == TrainScope::Full)?;
        self.class(b, &tokens, labels, class_weights, scale, scope, grad)?.fetch(b)
    }

    /// Asks for the loss and its gradient; returns without waiting.
    pub(super) fn class(
        &self,
        b: &B,
        tokens: &Tokens<B>,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
        grad: &mut Self,
    ) -> Result<ClassLoss<B>, ModelError> {
        let n_cells = tokens.chunks.n_cells;
        let (Some(head), Some(head_grad)) = (&self.heads.class, &mut grad.heads.class) else {
            return Err(ModelError::NoClassHead);
        };
        let n_classes = self.config.n_classes;
        if labels.len() != n_cells || labels.iter().any(|&label| label as usize >= n_classes) {
            return Err(ModelError::Batch(format!(
                "{} labels, the largest {:?}, for {n_cells} cells and {n_classes} classes",
                labels.len(),
                labels.iter().max(),
            )));
        }
        if let Some(found) = class_weights.map(<[f32]>::len).filter(|&found| found != n_classes) {
            return Err(ModelError::Batch(format!("{found} class weights for {n_classes} classes")));
        }
        let weights: Option<Vec<f32>> =
            class_weights.map(|weights| labels.iter().map(|&label| weights[label as usize]).collect());

        let body = self.body(b, tokens, scope == TrainScope::Full)?;
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let (mut logits, saved) = head.forward(b, &(), cell)?;
        let sums = b.cross_entropy(&mut logits, &b.index(labels)?, weights.as_deref(), scale)?;
        let d_cell = head.backward(b, &(), saved, logits, head_grad)?;
        if scope == TrainScope::Full {
            let mut d_states = b.zero_activations(body.states.shape())?;
            b.mean_pool_backward(&d_cell, &tokens.sequences, &mut d_states)?;
            self.body_backward(b, tokens, body, d_states, grad)?;
        }
        let weight = weights.map_or(labels.len() as f64, |w| w.iter().map(|&w| f64::from(w)).sum());
        Ok(ClassLoss { sums, weight, n: labels.len() })
    }
}
