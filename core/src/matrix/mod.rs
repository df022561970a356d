//! Readers of count matrices, streamed in row blocks.

pub mod column;
pub mod rows;

pub use column::{Column, Kind};
pub use rows::Rows;
