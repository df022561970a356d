//! What the end-to-end tests run on: a small corpus of tokens, and the binaries.

pub mod binary;
pub mod corpus;
