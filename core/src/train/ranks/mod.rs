//! One run over several processes: each computes a branch of the lanes' tree, rank 0 has the sum, moves the weights and
//! writes. The bytes are those of one process.
//!
//! Rank 0 leads: it sends the weights and says what to do, so the others need no optimizer and cannot drift apart. They
//! speak TCP, which is on every cluster; neither MPI nor a shared library has to be there. What crosses in a step are
//! the weights and a gradient a rank: nothing beside a step's work on a CPU.

mod rendezvous;
mod team;
mod wire;
mod world;

pub use team::{Order, Team};
pub use world::{RankFlags, World};

#[cfg(test)]
mod tests;
