//! The flags every stage takes.

use super::logging::LogFormat;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::str::FromStr;

/// Where the model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// A GPU if one is there, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device with this index.
    Cuda(u32),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Device::Auto),
            None if text == "cpu" => Ok(Device::Cpu),
            None if text == "cuda" => Ok(Device::Cuda(0)),
            Some(("cuda", index)) if index.parse::<u32>().is_ok() => {
                Ok(Device::Cuda(index.parse().unwrap_or(0)))
            }
            _ => Err("expected `auto`, `cpu`, `cuda` or `cuda:N`".to_owned()),
        }
    }
}

/// The flags every stage takes. None of them changes a byte of the output but `--seed` and `--device`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Worker threads [default: SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, then all the cores this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Where the model runs: `auto`, `cpu`, `cuda` or `cuda:N`
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: Device,

    /// Read flags from a TOML file (`epochs = 3`); flags on the command line win
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Check the inputs, print the plan to stdout, write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Replace an output that exists
    #[arg(long)]
    pub force: bool,

    /// Write how the run ended to this JSON file: exit code, message, remedy, seconds; each rank of a run its own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub status: Option<PathBuf>,

    /// Log lines as text or as JSON, to stderr
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// Say more (twice: everything)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say only what went wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print a completion script for this shell and exit
    #[arg(long, value_name = "SHELL", exclusive = true)]
    pub completions: Option<clap_complete::Shell>,

    /// Print the manual page (roff) and exit
    #[arg(long, exclusive = true)]
    pub man: bool,
}
