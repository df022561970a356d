//! Training: AdamW, the schedule, the step, the loop that can stop and go on.

pub mod adamw;
pub mod schedule;
pub mod walltime;
