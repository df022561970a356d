//! From tokens to batches: bins, epoch order, drawing of genes, masking, and the baseline that knows no context.
//!
//! Every random choice about a cell is a function of (seed, epoch, cell id, purpose), never of its place in a batch.

pub mod ahead;
pub mod binning;
pub mod draw;
pub mod frequency;
pub mod loader;
pub mod mask;
pub mod order;

use crate::rng::{Philox, Stream};

/// The epoch whose draws validation, evaluation and embedding use: always the same.
pub const FIXED_EPOCH: u32 = u32::MAX;

/// The seed of one epoch's choices: Philox under the run's seed, so epochs are independent of each other.
pub(crate) fn epoch_key(seed: u64, epoch: u32) -> Philox {
    let [low, high, ..] = Philox::new(seed).block([epoch, purpose(b"epoc"), 0, 0]);
    Philox::new(u64::from(low) | u64::from(high) << 32)
}

/// Four letters that keep the streams of different choices apart.
pub(crate) const fn purpose(letters: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*letters)
}

/// The stream of one choice about one cell.
pub(crate) fn cell_stream(epoch_key: &Philox, cell_hash: u64, purpose: u32) -> Stream {
    epoch_key.stream(cell_hash, purpose)
}
