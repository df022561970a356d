//! What any method must beat: fitted on the same training cells, scored on the same held-out cells.

pub mod counts;
pub mod features;
pub mod from_counts;
pub mod knn;
pub mod lbfgs;
pub mod logistic;
pub mod probe;
pub mod standard;
pub mod training;
