//! Embeddings and class probabilities of some cells, averaged over draws.

use crate::args::{Embedding, Pool};
use panfoma_core::artifact::tokens::{CellRows, Tokens};
use panfoma_core::data::FIXED_EPOCH;
use panfoma_core::data::draw::Drawer;
use panfoma_core::engine::{Engine, Staged, Stager};
use panfoma_core::model::{CellBatch, CellEmbeddings, ModelError};
use panfoma_core::train::feed;

/// A model that embeds cells of one tokens directory.
pub struct Embedder<'a> {
    /// The cells' panels and bins.
    pub tokens: &'a Tokens,
    /// The model.
    pub engine: &'a dyn Engine,
    /// How.
    pub how: &'a Embedding,
    /// What represents a cell.
    pub pool: Pool,
    /// Seed of the draws.
    pub seed: u64,
}

/// What the model says of some cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// [cells x dim]
    pub embedding: Vec<f32>,
    /// [cells x classes], empty without a class head.
    pub probabilities: Vec<f32>,
}

impl Embedder<'_> {
    /// Numbers of an embedding.
    pub fn dim(&self) -> usize {
        self.engine.config().d_model * if self.pool == Pool::Concat { 2 } else { 1 }
    }

    /// The cells' sequences, one a draw, on their way to the model. A draw is a function of (seed, cell id, number of the
    /// draw).
    pub fn draws(&self, rows: &CellRows, stager: &dyn Stager) -> Result<Vec<Staged<CellBatch>>, ModelError> {
        let draw = |draw: usize| {
            let epoch = FIXED_EPOCH - draw as u32;
            let drawer = Drawer::new(self.seed, epoch, self.tokens.panels(), self.tokens.index().n_bins);
            let (cells, _) = feed::sequences(&drawer, rows, self.engine.config().seq_len());
            stager.cells(cells, false)
        };
        (0..self.how.draws).map(draw).collect()
    }

    /// Embeds cells, given their draws.
    pub fn embed(&self, draws: &[Staged<CellBatch>]) -> Result<Embedded, ModelError> {
        let mut sums = Sums::default();
        for cells in draws {
            sums.add(self.once(cells)?);
        }
        Ok(sums.mean(draws.len()))
    }

    fn once(&self, cells: &Staged<CellBatch>) -> Result<Embedded, ModelError> {
        let CellEmbeddings { cell, cls_mean, class_logits } = self.engine.embed(cells)?;
        let d = self.engine.config().d_model;
        let embedding = match self.pool {
            Pool::Mean => cell,
            Pool::Cls => cls_mean,
            Pool::Concat => {
                cell.chunks(d).zip(cls_mean.chunks(d)).flat_map(|(a, b)| [a, b].concat()).collect()
            }
        };
        let classes = self.engine.config().n_classes.max(1);
        let probabilities = class_logits.unwrap_or_default().chunks(classes).flat_map(softmax).collect();
        Ok(Embedded { embedding, probabilities })
    }
}

/// Sums over draws in f64, so that a mean of equal draws is the draw itself.
#[derive(Default)]
struct Sums {
    embedding: Vec<f64>,
    probabilities: Vec<f64>,
}

impl Sums {
    fn add(&mut self, drawn: Embedded) {
        let add = |sums: &mut Vec<f64>, values: Vec<f32>| {
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
        };
        add(&mut self.embedding, drawn.embedding);
        add(&mut self.probabilities, drawn.probabilities);
    }

    fn mean(self, draws: usize) -> Embedded {
        let mean = |sums: Vec<f64>| sums.into_iter().map(|sum| (sum / draws as f64) as f32).collect();
        Embedded { embedding: mean(self.embedding), probabilities: mean(self.probabilities) }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_large_logits_and_sums_to_one() {
        assert_eq!(softmax(&[1e4, 1e4]), [0.5, 0.5]);
        let sum: f32 = softmax(&[-3.0, 0.5, 80.0]).iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }

    #[test]
    fn draws_are_averaged_cell_by_cell() {
        let part = |values: &[f32]| Embedded { embedding: values.to_vec(), probabilities: Vec::new() };
        let mut sums = Sums::default();
        sums.add(part(&[1.0, 2.0, 5.0]));
        sums.add(part(&[3.0, 2.0, 6.0]));
        assert_eq!(sums.mean(2), part(&[2.0, 2.0, 5.5]));
    }
}
