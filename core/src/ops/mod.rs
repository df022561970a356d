//! Operations on tensors: one folder an operation, with its equations, and its loops for each backend.

pub mod adamw;
pub mod attention;
pub mod causal_conv;
pub mod cross_entropy;
pub mod gated_fusion;
pub mod gelu;
pub mod layer_norm;
pub mod linear;
pub mod matmul;
pub mod mean_pool;
pub mod rms_norm;
pub mod rows;
pub mod selective_scan;
pub mod sort_genes;
pub mod token_embedding;

use crate::device::{Device, Result};

/// Everything the model needs of a device.
pub trait Backend:
    Device
    + adamw::AdamW
    + attention::Attention
    + causal_conv::CausalConv
    + cross_entropy::CrossEntropy
    + gated_fusion::GatedFusion
    + gelu::Gelu
    + layer_norm::LayerNorm
    + linear::Linear
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
        + adamw::AdamW
        + attention::Attention
        + causal_conv::CausalConv
        + cross_entropy::CrossEntropy
        + gated_fusion::GatedFusion
        + gelu::Gelu
        + layer_norm::LayerNorm
        + linear::Linear
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
pub struct Sequences<B: Device> {
    /// Rows of a sequence.
    pub len: usize,
    /// Sequences.
    pub n: usize,
    /// [n] real rows.
    pub n_valid: B::Index,
}

impl<B: Device> Sequences<B> {
    /// Sequences of `len` rows, of which the first `n_valid` of each are real.
    pub fn new(b: &B, len: usize, n_valid: &[u32]) -> Result<Self> {
        assert!(n_valid.iter().all(|&n| n as usize <= len), "{n_valid:?} real rows of {len}");
        Ok(Self { len, n: n_valid.len(), n_valid: b.index(n_valid)? })
    }

    /// Rows of all sequences, padding included.
    pub fn rows(&self) -> usize {
        self.len * self.n
    }
}
