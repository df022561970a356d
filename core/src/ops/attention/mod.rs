//! Multi-head attention within sequences: P = softmax(Q K^T / sqrt(d)) with padding keys left out, O = P V.
//!
//! Backward, with D_i = dO_i . O_i: dV = P^T dO, dS = P (dO V^T - D), dQ = dS K / sqrt(d), dK = dS^T Q / sqrt(d).
//! Kept: Q, K, V, O and the log of each row's softmax sum; P exists for one block of query rows at a time.

mod cpu;
mod cuda;

use crate::device::{Device, Result, Tensor};

/// What attends to what.
pub struct Heads<'a, B: Device> {
    /// Sequences stacked by rows.
    pub n_sequences: usize,
    /// Rows of a sequence.
    pub len: usize,
    /// Heads; each reads its own columns.
    pub n_heads: usize,
    /// [n_sequences * len] 0 at keys nothing may attend to. Every sequence has another one.
    pub keys: &'a B::Index,
}

/// Attention.
pub trait Attention: Device {
    /// qkv: [rows, 3 D], columns (q | k | v) by head. Returns O [rows, D] and the logs [n_sequences * n_heads, len].
    fn attention(&self, qkv: &Tensor<Self>, heads: &Heads<Self>) -> Result<(Tensor<Self>, Tensor<Self>)>;

    /// dqkv
    fn attention_backward(
        &self,
        qkv: &Tensor<Self>,
        o: &Tensor<Self>,
        log_sum: &Tensor<Self>,
        d_o: &Tensor<Self>,
        heads: &Heads<Self>,
    ) -> Result<Tensor<Self>>;

    /// P of one sequence and head on the host: [len, len].
    fn attention_probabilities(
        &self,
        qkv: &Tensor<Self>,
        heads: &Heads<Self>,
        sequence: usize,
        head: usize,
    ) -> Result<Vec<f32>>;
}
