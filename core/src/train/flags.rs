//! The flags that `pretrain` and `finetune` share.

use super::optimizer::Settings;
use super::schedule::Schedule;
use super::walltime;
use crate::ops::adamw::Constants;
use clap::{Args, ValueHint};
use serde::Serialize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// AdamW and its schedule; the learning rate itself is a flag of each stage.
#[derive(Args, Clone, Debug, Serialize)]
#[command(next_help_heading = "Optimizer")]
pub struct OptimizerFlags {
    /// Steps of linear warm-up [default: 5 % of the steps]
    #[arg(long, value_name = "N")]
    pub warmup_steps: Option<u64>,

    /// The last learning rate as a part of the highest
    #[arg(long, value_name = "PART", default_value_t = 0.05, value_parser = part)]
    pub lr_floor: f64,

    /// Decoupled weight decay of matrices; norms, biases and embeddings have none
    #[arg(long, value_name = "RATE", default_value_t = 0.01, value_parser = not_negative)]
    pub weight_decay: f64,

    /// Highest global norm of a gradient; 0 = no clipping
    #[arg(long, value_name = "NORM", default_value_t = 1.0, value_parser = not_negative)]
    pub clip_norm: f64,

    /// Decay of AdamW's second moment
    #[arg(long, value_name = "BETA", default_value_t = 0.98, value_parser = part)]
    pub beta2: f64,
}

impl OptimizerFlags {
    /// Steps of warm-up in a run of `steps`.
    pub fn warmup(&self, steps: u64) -> u64 {
        self.warmup_steps.unwrap_or(steps / 20).min(steps)
    }

    /// The resolved settings.
    pub fn settings(&self, learning_rate: f64, steps: u64) -> Settings {
        Settings {
            adamw: Constants { beta1: 0.9, beta2: self.beta2, eps: 1e-8, weight_decay: self.weight_decay },
            schedule: Schedule {
                peak: learning_rate,
                floor: self.lr_floor,
                warmup: self.warmup(steps),
                total: steps,
            },
            clip_norm: self.clip_norm,
        }
    }
}

/// How a run saves itself, stops and goes on. None of these changes a byte of the final model.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Stopping and going on")]
pub struct CheckpointFlags {
    /// Where checkpoints go; put it outside a workflow engine's work directory [default: OUTPUT.ckpt]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub checkpoint_dir: Option<PathBuf>,

    /// Save after so much time: `90s`, `5m`, `1h30m`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = walltime::parse)]
    pub checkpoint_every: Duration,

    /// Save after so many steps as well
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub checkpoint_every_steps: Option<u64>,

    /// Checkpoints kept while the run goes on
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one)]
    pub keep_last: usize,

    /// Keep the checkpoints after the run has ended well
    #[arg(long)]
    pub keep_checkpoints: bool,

    /// `auto`: go on from the newest checkpoint if there is one; `never`: begin anew; or a checkpoint's path
    #[arg(long, value_name = "WHICH", default_value = "auto")]
    pub resume: Resume,

    /// Save and exit with 140 after so much time: `30m`, `23h`, `HH:MM:SS`
    #[arg(long, value_name = "TIME", value_parser = walltime::parse)]
    pub max_walltime: Option<Duration>,
}

/// From where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// The newest checkpoint of the checkpoint directory, if there is one.
    Auto,
    /// Nowhere.
    Never,
    /// A checkpoint, or the newest of a directory of checkpoints.
    From(PathBuf),
}

impl FromStr for Resume {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Resume::Auto,
            "never" => Resume::Never,
            path => Resume::From(PathBuf::from(path)),
        })
    }
}

/// A count of at least 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a whole number from 1".to_owned())
}

/// A number from 0 on.
pub fn not_negative(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|x: &f64| x.is_finite() && *x >= 0.0)
        .ok_or_else(|| "expected a number from 0".to_owned())
}

/// A number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|x: &f64| x.is_finite() && *x > 0.0)
        .ok_or_else(|| "expected a number above 0".to_owned())
}

/// A number from 0 to 1.
pub fn part(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|x| (0.0..=1.0).contains(x))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
