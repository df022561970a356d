//! The flags of `panfoma-pretrain`.

use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use panfoma_core::model::{ModelConfig, Preset};
use panfoma_core::stage::UserError;
use panfoma_core::train::flags::{CheckpointFlags, OptimizerFlags, at_least_one, part, positive};
use panfoma_core::train::ranks::RankFlags;
use serde::Serialize;
use std::path::PathBuf;

/// Trains PanFoMa on masked expression.
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

    /// Begin with the weights and the shape of this model instead of random ones
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::DirPath)]
    #[serde(skip)]
    pub init: Option<PathBuf>,

    /// What the embeddings of genes and bins begin with; `--init` brings its own
    #[arg(long, value_enum, default_value_t)]
    pub embedding_init: EmbeddingInit,

    /// The model's size.
    #[command(flatten)]
    #[serde(flatten)]
    pub shape: Shape,

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

/// What the embeddings of genes and bins begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingInit {
    /// Genes: principal components of up to 10,000 training cells; bins: a smooth random curve
    #[default]
    Fitted,
    /// Random weights, as the reference has them
    Random,
}

/// The model's size.
#[derive(ClapArgs, Clone, Debug, Serialize)]
#[command(next_help_heading = "Model size")]
pub struct Shape {
    /// Size that the numbers below override: tiny for trials, small for a CPU node, base is the paper's
    #[arg(long, value_enum, default_value = "tiny")]
    #[serde(serialize_with = "preset_name")]
    pub preset: Preset,

    /// Width of a gene's state
    #[arg(long, value_name = "N")]
    pub d_model: Option<usize>,

    /// Attention heads
    #[arg(long, value_name = "N")]
    pub n_heads: Option<usize>,

    /// Inner width of the feed-forward layers
    #[arg(long, value_name = "N")]
    pub d_ff: Option<usize>,

    /// Layers of the local encoder
    #[arg(long, value_name = "N")]
    pub n_encoder_layers: Option<usize>,

    /// Give each encoder layer weights of its own
    #[arg(long)]
    pub unshared_encoder: bool,

    /// Layers of the global decoder
    #[arg(long, value_name = "N")]
    pub n_decoder_layers: Option<usize>,

    /// Chunks of a cell
    #[arg(long, value_name = "N")]
    pub n_chunks: Option<usize>,

    /// Genes of a chunk; chunks times this are the genes the model sees of a cell
    #[arg(long, value_name = "N")]
    pub chunk_len: Option<usize>,

    /// State size of the selective scan
    #[arg(long, value_name = "N")]
    pub d_state: Option<usize>,
}

/// How long and on what.
#[derive(ClapArgs, Clone, Debug, Serialize)]
#[command(next_help_heading = "Training")]
pub struct Run {
    /// Passes over the training cells
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,

    /// End after so many steps; the schedule fits itself to them; 0 writes the first weights, to compare with [default:
    /// those of `--epochs`]
    #[arg(long, value_name = "N")]
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
    #[arg(long, value_name = "RATE", default_value_t = 3e-3, value_parser = positive)]
    pub lr: f64,

    /// Part of the genes whose bin is hidden and to be predicted
    #[arg(long, value_name = "PART", default_value_t = 0.4, value_parser = part)]
    pub mask_ratio: f64,

    /// Steps between validations [default: an epoch, at most a tenth of the run]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub validate_every: Option<u64>,

    /// Most validation cells used
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = at_least_one)]
    pub max_valid_cells: usize,

    /// Steps that one record of training measurements averages over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub log_every: u64,

    /// Keep the weights of the best validation instead of the last step's
    #[arg(long)]
    pub keep_best: bool,
}

impl Shape {
    /// The model's configuration for a vocabulary of `n_genes` ids, padding included.
    pub fn config(&self, n_genes: usize, n_bins: usize) -> Result<ModelConfig, UserError> {
        let mut config = ModelConfig::preset(self.preset, n_genes, n_bins);
        if let (Some(d_model), None) = (self.d_model, self.d_ff) {
            config.d_ff = 4 * d_model;
        }
        self.apply(&mut config);
        config.validate().map_err(|error| UserError::config(error.to_string()))?;
        Ok(config)
    }

    /// Refuses a size given on the command line that `config` does not have.
    pub fn expect(&self, config: &ModelConfig) -> Result<(), UserError> {
        let mut asked = config.clone();
        self.apply(&mut asked);
        if asked == *config {
            return Ok(());
        }
        Err(UserError::config("the model of `--init` has another size than the flags ask for")
            .hint("leave the size flags out: `--init` brings its own"))
    }

    fn apply(&self, config: &mut ModelConfig) {
        let numbers = [
            (&mut config.d_model, self.d_model),
            (&mut config.n_heads, self.n_heads),
            (&mut config.d_ff, self.d_ff),
            (&mut config.n_encoder_layers, self.n_encoder_layers),
            (&mut config.n_decoder_layers, self.n_decoder_layers),
            (&mut config.n_chunks, self.n_chunks),
            (&mut config.chunk_len, self.chunk_len),
            (&mut config.d_state, self.d_state),
        ];
        for (number, flag) in numbers {
            *number = flag.unwrap_or(*number);
        }
        config.share_encoder_layers &= !self.unshared_encoder;
    }
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

    /// Steps between validations.
    pub fn validate_every(&self, steps_per_epoch: u64) -> u64 {
        self.validate_every.unwrap_or(steps_per_epoch.min(self.steps(steps_per_epoch) / 10).max(1))
    }
}

fn preset_name<S: serde::Serializer>(preset: &Preset, serializer: S) -> Result<S::Ok, S::Error> {
    let value = preset.to_possible_value();
    serializer.serialize_str(value.as_ref().map_or("", |value| value.get_name()))
}
