//! PanFoMa in the paper's words (arXiv 2512.03111).

mod batch;
mod config;
pub mod lanes;

pub use batch::{CellBatch, PAD_GENE, PretrainBatch};
pub use config::{ModelConfig, Preset};

use crate::device::{DeviceError, Tensor};
use crate::ops::Backend;

/// Why a model cannot be made or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Numbers no model can have.
    #[error("invalid model configuration: {0}")]
    InvalidConfig(String),
    /// The weights lack a tensor.
    #[error("the weights lack tensor `{0}`")]
    MissingTensor(String),
    /// A tensor of the weights has another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// The shape this configuration asks for.
        expected: Vec<usize>,
        /// The shape stored.
        found: Vec<usize>,
    },
    /// A batch this model cannot read.
    #[error("invalid batch: {0}")]
    Batch(String),
    /// The model was asked for something it has no head for.
    #[error("the model has no class head")]
    NoClassHead,
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
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

/// The model: its configuration and parameters. Gradients and Adam moments have the same type.
pub struct PanFoMa<B: Backend> {
    /// Shapes and arithmetic.
    pub config: ModelConfig,
    parameters: Vec<Tensor<B>>,
}

impl<B: Backend> PanFoMa<B> {
    /// Fresh parameters: a pure function of the configuration and the seed.
    pub fn init(config: ModelConfig, seed: u64, b: &B) -> Self {
        todo!()
    }

    /// The same body with a fresh class head.
    pub fn with_class_head(self, n_classes: usize, seed: u64, b: &B) -> Self {
        todo!()
    }

    /// Zeros of every parameter's shape: a gradient, or an Adam moment.
    pub fn zeros_like(&self, b: &B) -> Self {
        todo!()
    }

    /// Every parameter by its checkpoint name, in a fixed order.
    pub fn params(&self) -> Vec<(String, &Tensor<B>)> {
        todo!()
    }

    /// Every parameter by its checkpoint name, in a fixed order.
    pub fn params_mut(&mut self) -> Vec<(String, &mut Tensor<B>)> {
        todo!()
    }

    /// A model from named tensors.
    ///
    /// Errors: a missing tensor, or one of another shape than the configuration asks for.
    pub fn load(
        config: ModelConfig,
        tensors: impl Fn(&str) -> Option<(Vec<usize>, Vec<f32>)>,
        b: &B,
    ) -> Result<Self, ModelError> {
        todo!()
    }

    /// Adds `scale` * d(sum of both cross-entropies over masked genes) to `grad`; returns the sums.
    pub fn pretrain_step(
        &self,
        b: &B,
        batch: &PretrainBatch,
        scale: f64,
        grad: &mut Self,
    ) -> Result<PretrainSums, ModelError> {
        todo!()
    }

    /// The sums of `pretrain_step`, without gradients.
    pub fn pretrain_eval(&self, b: &B, batch: &PretrainBatch) -> Result<PretrainSums, ModelError> {
        todo!()
    }

    /// Adds `scale` * d(weighted sum of the labels' cross-entropy) to `grad`; returns the sums.
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
        todo!()
    }

    /// Cell embeddings and, with a class head, class logits.
    pub fn embed(&self, b: &B, cells: &CellBatch) -> Result<CellEmbeddings, ModelError> {
        todo!()
    }

    /// Shows `visit` every attention block of the encoder: by cell, layer, chunk, head.
    pub fn encoder_attention(
        &self,
        b: &B,
        cells: &CellBatch,
        visit: &mut dyn FnMut(AttentionView),
    ) -> Result<(), ModelError> {
        todo!()
    }

    /// [V, D] gene id embeddings, on the host.
    pub fn gene_embeddings(&self, b: &B) -> Result<Vec<f32>, ModelError> {
        todo!()
    }
}
