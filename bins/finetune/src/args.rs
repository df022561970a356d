//! The flags of `panfoma-finetune`.

use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use panfoma_core::train::flags::{CheckpointFlags, OptimizerFlags, at_least_one, positive};
use panfoma_core::train::ranks::RankFlags;
use serde::Serialize;
use std::path::PathBuf;

/// Trains a class head, and by default the whole model, on a label column.
#[derive(ClapArgs, Clone, Debug, Serialize)]
pub struct Args {
    /// Tokens to train on
    #[arg(short, long, value_name = "TOKENS", value_hint = ValueHint::DirPath)]
    #[serde(skip)]
    pub input: PathBuf,

    /// Model directory to write
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::DirPath)]
    #[serde(skip)]
    pub output: PathBuf,

    /// Pretrained model to begin with; in mode `scratch` only its shape and genes are used
    #[arg(short, long, value_name = "MODEL", value_hint = ValueHint::DirPath)]
    #[serde(skip)]
    pub model: PathBuf,

    /// Column whose values are the classes [default: the only label column]
    #[arg(short, long, value_name = "COLUMN")]
    pub label: Option<String>,

    /// What learns
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,

    /// What the class head begins with
    #[arg(long, value_enum, default_value_t)]
    pub head_init: HeadInit,

    /// How long and on what.
    #[command(flatten)]
    #[serde(flatten)]
    pub run: Run,

    /// AdamW and its schedule.
    #[command(flatten)]
    #[serde(flatten)]
    pub optimizer: OptimizerFlags,

    /// How the run saves itself, stops and goes on.
    #[command(flatten)]
    #[serde(skip)]
    pub checkpoints: CheckpointFlags,

    /// Several processes for one run.
    #[command(flatten)]
    #[serde(skip)]
    pub ranks: RankFlags,
}

/// What learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every weight, from the pretrained ones on
    #[default]
    Full,
    /// The class head alone, on the pretrained embedding
    Frozen,
    /// Every weight, from a random body on: what pretraining is compared with
    Scratch,
}

/// What the class head begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HeadInit {
    /// Random weights, as the reference has them
    #[default]
    Random,
    /// Whitening and linear discriminant analysis of the embedding of up to 2,000 training cells; for `--mode frozen`:
    /// where the body moves, its steep first layer throws the fit away
    Fitted,
}

/// How classes count in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// Every cell alike
    #[default]
    None,
    /// Every class alike: a cell counts by cells / (classes x cells of its class)
    Balanced,
}

/// What the best validation is chosen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// Mean over classes of the harmonic mean of precision and recall
    #[default]
    MacroF1,
    /// Cross-entropy
    Loss,
}

/// How long and on what.
#[derive(ClapArgs, Clone, Debug, Serialize)]
#[command(next_help_heading = "Training")]
pub struct Run {
    /// Passes over the labelled training cells
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,

    /// End after so many steps; the schedule fits itself to them [default: those of `--epochs`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_steps: Option<u64>,

    /// Cells a step
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    pub batch_size: usize,

    /// Batches a step: multiplies `--batch-size`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub grad_accumulation: usize,

    /// Cells of one model call [default: 1 on the CPU, where more need more memory a thread; on a GPU as many as fit its
    /// free memory, at most 64]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub micro_batch_size: Option<usize>,

    /// Highest learning rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-3, value_parser = positive)]
    pub lr: f64,

    /// How classes count in the loss
    #[arg(long, value_enum, default_value_t)]
    pub class_weights: ClassWeights,

    /// What the best validation is chosen by
    #[arg(long, value_enum, default_value_t)]
    pub score: Score,

    /// Stop after so many validations without a better one; 0 = never
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub patience: u32,

    /// Steps between validations [default: an epoch]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub validate_every: Option<u64>,

    /// Most validation cells used
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    pub max_valid_cells: usize,

    /// Steps that one record of training measurements averages over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub log_every: u64,
}

impl Run {
    /// Cells that one step's gradient is the mean over.
    pub fn batch_cells(&self) -> usize {
        self.batch_size * self.grad_accumulation
    }

    /// Steps of the run.
    pub fn steps(&self, steps_per_epoch: u64) -> u64 {
        self.max_steps.unwrap_or(u64::from(self.epochs) * steps_per_epoch)
    }
}
