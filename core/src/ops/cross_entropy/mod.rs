//! Cross-entropy of rows of logits, in nats: nll = sum over r of w_r (logsumexp(l_r) - l_r[target_r]).
//!
//! Backward: dl = scale w (softmax(l) - onehot(target)), written over the logits.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NllSums {
    /// Weighted negative log-likelihood.
    pub nll: f64,
    /// Rows whose largest logit is the target's.
    pub n_correct: usize,
}

/// Cross-entropy.
pub trait CrossEntropy: Device {
    /// Sums that the device holds: asking for them is no reason to wait.
    type Sums: Send;

    /// logits: [n, classes]; targets: [n] ids; weights: [n], 1 if absent. The logits become `scale` times the gradient.
    fn cross_entropy(
        &self,
        logits: &mut Tensor<Self>,
        targets: &Self::Index,
        weights: Option<&[f32]>,
        scale: f64,
    ) -> Result<Self::Sums>;

    /// The sums on the host, which waits for them.
    fn nll_sums(&self, sums: &Self::Sums) -> Result<NllSums>;
}
