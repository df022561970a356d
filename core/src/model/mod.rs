//! PanFoMa in the paper's words (arXiv 2512.03111).

mod attention_view;
mod batch;
mod body;
mod brought;
mod config;
mod global_decoder;
mod heads;
mod input_representation;
pub mod lanes;
mod local_context_encoder;
mod parameters;
pub mod peers;
mod steps;
mod trace;

pub use batch::{CellBatch, PAD_GENE, PretrainBatch};
pub use brought::Brought;
pub use config::{ModelConfig, Preset};

pub use attention_view::AttentionView;
pub(crate) use body::Tokens;
pub use parameters::decays;
pub(crate) use steps::Hidden;
pub use trace::Trace;

use crate::device::{DeviceError, Tensor};
use crate::layers::{Layer, ParamError, params};
use crate::ops::Backend;
use global_decoder::GlobalDecoder;
use heads::Heads;
use input_representation::InputRepresentation;
use local_context_encoder::LocalContextEncoder;

/// Why a model cannot be made or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Numbers no model can have.
    #[error("invalid model configuration: {0}")]
    InvalidConfig(String),
    /// The weights do not fit the configuration.
    #[error(transparent)]
    Weights(#[from] ParamError),
    /// A batch this model cannot read.
    #[error("invalid batch: {0}")]
    Batch(String),
    /// The model was asked for something it has no head for.
    #[error("the model has no class head")]
    NoClassHead,
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Another process of the run cannot be reached.
    #[error("the other ranks")]
    Peer(#[from] std::io::Error),
}

/// What is trained in a fine-tuning step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainScope {
    /// Every parameter.
    Full,
    /// The class head; the body is frozen and has no backward pass.
    HeadOnly,
}

/// Sums over masked genes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PretrainSums {
    /// Negative log-likelihood of the bins from the genes' states, in nats.
    pub expression_nll: f64,
    /// The same from the cell embedding and the genes' id embeddings.
    pub cell_expression_nll: f64,
    /// Genes summed over.
    pub n_masked: usize,
}

/// Sums over cells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassSums {
    /// Negative log-likelihood of the labels, in nats, times class weights where given.
    pub nll: f64,
    /// Sum of the cells' class weights (their number without weights).
    pub weight: f64,
    /// Cells.
    pub n: usize,
    /// Cells whose most probable class is the label.
    pub n_correct: usize,
}

impl std::iter::Sum for PretrainSums {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), |a, b| Self {
            expression_nll: a.expression_nll + b.expression_nll,
            cell_expression_nll: a.cell_expression_nll + b.cell_expression_nll,
            n_masked: a.n_masked + b.n_masked,
        })
    }
}

impl std::iter::Sum for ClassSums {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), |a, b| Self {
            nll: a.nll + b.nll,
            weight: a.weight + b.weight,
            n: a.n + b.n,
            n_correct: a.n_correct + b.n_correct,
        })
    }
}

/// What the model says of cells, on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellEmbeddings {
    /// [n_cells, D] mean of the decoder's final states over real genes.
    pub cell: Vec<f32>,
    /// [n_cells, D] g, mean of the chunks' final [CLS] states.
    pub cls_mean: Vec<f32>,
    /// [n_cells, n_classes] if the model has a class head.
    pub class_logits: Option<Vec<f32>>,
}

/// The model: its configuration and parameters. Gradients and Adam moments have the same type.
pub struct PanFoMa<B: Backend> {
    /// Shapes and arithmetic.
    pub config: ModelConfig,
    embed: InputRepresentation<B>,
    encoder: LocalContextEncoder<B>,
    decoder: GlobalDecoder<B>,
    heads: Heads<B>,
}

params!(PanFoMa { embed => "embed", encoder => "encoder", decoder => "decoder", heads => "head" });

impl<B: Backend> PanFoMa<B> {
    /// Cell embeddings and, with a class head, class logits.
    pub fn embed(&self, b: &B, cells: &CellBatch) -> Result<CellEmbeddings, ModelError> {
        self.embedded(b, &self.tokens(b, cells)?)?.fetch(b)
    }

    /// Asks for the embeddings; returns without waiting.
    pub(crate) fn embedded(&self, b: &B, tokens: &Tokens<B>) -> Result<Embedded<B>, ModelError> {
        let body = self.body(b, tokens, false)?;
        let cell = b.mean_pool(&body.states, &tokens.sequences)?;
        let class_logits = match &self.heads.class {
            None => None,
            Some(head) => Some(head.forward(b, &(), b.copy(&cell)?)?.0),
        };
        Ok(Embedded { cell, cls_mean: body.sorted.global, class_logits })
    }
}

/// Embeddings that were asked for and not yet fetched.
pub(crate) struct Embedded<B: Backend> {
    cell: Tensor<B>,
    cls_mean: Tensor<B>,
    class_logits: Option<Tensor<B>>,
}

impl<B: Backend> Embedded<B> {
    /// The numbers, on the host.
    pub fn fetch(self, b: &B) -> Result<CellEmbeddings, ModelError> {
        Ok(CellEmbeddings {
            cell: b.download(&self.cell)?,
            cls_mean: b.download(&self.cls_mean)?,
            class_logits: self.class_logits.map(|logits| b.download(&logits)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
