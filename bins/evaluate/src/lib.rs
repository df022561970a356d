//! `panfoma-evaluate`: numbers with baselines and intervals, and a report that says who wins.

pub mod matrix;
pub mod metrics;
