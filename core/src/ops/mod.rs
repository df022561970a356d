//! Operations on tensors: one folder an operation, with its equations, and its loops for each backend.

pub mod attention;
pub mod bias;
pub mod causal_conv;
pub mod cross_entropy;
pub mod gated_fusion;
pub mod gelu;
pub mod layer_norm;
pub mod matmul;
pub mod mean_pool;
pub mod rms_norm;
pub mod rows;
pub mod selective_scan;
pub mod sort_genes;
pub mod token_embedding;

use crate::device::Device;

/// Everything the model needs of a device.
pub trait Backend:
    Device
    + attention::Attention
    + bias::Bias
    + causal_conv::CausalConv
    + cross_entropy::CrossEntropy
    + gated_fusion::GatedFusion
    + gelu::Gelu
    + layer_norm::LayerNorm
    + matmul::Matmul
    + mean_pool::MeanPool
    + rms_norm::RmsNorm
    + rows::Rows
    + selective_scan::SelectiveScan
    + sort_genes::SortGenes
    + token_embedding::TokenEmbedding
{
}

impl<B> Backend for B where
    B: Device
        + attention::Attention
        + bias::Bias
        + causal_conv::CausalConv
        + cross_entropy::CrossEntropy
        + gated_fusion::GatedFusion
        + gelu::Gelu
        + layer_norm::LayerNorm
        + matmul::Matmul
        + mean_pool::MeanPool
        + rms_norm::RmsNorm
        + rows::Rows
        + selective_scan::SelectiveScan
        + sort_genes::SortGenes
        + token_embedding::TokenEmbedding
{
}

/// Sequences of one length stacked by rows, real rows first, padding behind.
#[derive(Clone, Debug)]
pub struct Sequences {
    /// Rows of a sequence.
    pub len: usize,
    /// Real rows, one number a sequence.
    pub n_valid: Vec<usize>,
}

impl Sequences {
    /// Rows of all sequences, padding included.
    pub fn rows(&self) -> usize {
        self.len * self.n_valid.len()
    }
}
