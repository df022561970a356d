//! Does an embedding keep cell types apart and bring batches together? The metrics of scib and scib-metrics, each by its
//! closed form where it has one.

pub mod bras;
mod chi_square;
pub mod connectivity;
pub mod groups;
pub mod isolated;
pub mod kbet;
pub mod kbet_per_label;
pub mod lisi;
pub mod pcr;
pub mod silhouette;
mod sparse;
mod spectrum;
