//! The simulated cohort that the demo and the end-to-end tests run on.

pub mod simulate;
