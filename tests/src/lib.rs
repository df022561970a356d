//! What the end-to-end tests stand on: a simulated cohort, a small corpus of tokens, and the stage binaries run as
//! a user would run them.

pub mod binary;
pub mod corpus;
pub mod simulate;
pub mod stages;
pub mod tiny_run;
