//! What the end-to-end tests stand on: a simulated cohort, and the stage binaries run as a user would run them.

pub mod simulate;
pub mod stages;
pub mod tiny_run;
