//! `panfoma-evaluate`: numbers with baselines and intervals, and a report that says who wins.

pub mod baselines;
pub mod cells;
pub mod factor;
pub mod matrix;
pub mod method;
pub mod metrics;
pub mod neighbors;
pub mod pca;
pub mod umap;
