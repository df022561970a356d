//! PanFoMa (arXiv 2512.03111): the model, the artifacts and the readers that the stage binaries share.

pub mod artifact;
pub mod data;
pub mod genes;
pub mod matrix;
pub mod rng;
pub mod stage;
