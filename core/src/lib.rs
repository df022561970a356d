//! PanFoMa (arXiv 2512.03111): the model, the artifacts and the readers that the stage binaries share.

pub mod artifact;
pub mod data;
pub mod dense;
pub mod device;
pub mod engine;
mod frames;
pub mod genes;
pub mod graph;
pub mod layers;
pub mod matrix;
pub mod model;
pub mod neighbors;
pub mod ops;
pub mod report;
pub mod rng;
pub mod stage;
pub mod subspace;
pub mod train;
pub mod vectors;
