//! The CUDA backend on a GPU: cells a second, every kernel's time beside its bound, and checks that need a whole model.
//!
//! `panfoma-gpu-bench check` says whether a GPU can be used (69 if not); `run --preset base --mode train` times a model,
//! `parity --preset small` compares a gradient with the CPU's, `digest` trains and prints a digest of the weights. One JSON
//! object a line on stdout. `tests/gpu.sh` runs them all.

mod bounds;
mod timed;

use bounds::Ceilings;
use clap::{Parser, Subcommand, ValueEnum};
use panfoma_core::device::cuda::{Cuda, Driver, Gpu};
use panfoma_core::device::{Cpu, Device};
use panfoma_core::engine::{Learner, Staged, engine_on, learner_on};
use panfoma_core::model::lanes::Lanes;
use panfoma_core::model::{ModelConfig, PanFoMa, Preset, PretrainBatch};
use panfoma_core::ops::adamw::{Constants, Step};
use panfoma_core::rng::Philox;
use panfoma_core::train::NextStep;
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;
use timed::Timed;

const CONSTANTS: Constants = Constants { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.01 };

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Mode {
    /// Forward pass to the cell embedding.
    Embed,
    /// Forward, backward and AdamW.
    Train,
}

#[derive(Parser)]
struct Line {
    /// Index of the GPU.
    #[arg(long, default_value_t = 0, global = true)]
    device: u32,
    /// Rows and columns of the product that shows what the card reaches; the copy moves 16 bytes for each of its numbers.
    #[arg(long, default_value_t = 8192, global = true)]
    probe: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Is there a GPU? Prints its name and what it reaches in a copy and a product.
    Check,
    /// Cells a second, then the same with every kernel timed alone.
    Run {
        #[arg(long, value_enum, default_value = "base")]
        preset: Preset,
        #[arg(long, value_enum, default_value = "train")]
        mode: Mode,
        /// Cells of a step, in one call.
        #[arg(long, default_value_t = 32)]
        cells: usize,
        #[arg(long, default_value_t = 5)]
        repeats: usize,
    },
    /// The gradient of one cell's step beside the CPU's in f32.
    Parity {
        #[arg(long, value_enum, default_value = "small")]
        preset: Preset,
    },
    /// Trains three steps and prints a digest of the weights: two runs must agree.
    Digest {
        #[arg(long, value_enum, default_value = "small")]
        preset: Preset,
        /// Cells of a step, in two calls.
        #[arg(long, default_value_t = 8)]
        cells: usize,
    },
}

fn config(preset: Preset) -> ModelConfig {
    ModelConfig::preset(preset, if preset == Preset::Tiny { 4_000 } else { 20_000 }, 51)
}

fn random_batch(config: &ModelConfig, n_cells: usize) -> PretrainBatch {
    let mut batch = PretrainBatch::default();
    (batch.cells.n_cells, batch.cells.seq_len) = (n_cells, config.seq_len());
    let mut stream = Philox::new(1).stream(0, 0);
    for _ in 0..n_cells {
        let mut genes: Vec<u32> = (1..config.n_genes as u32).collect();
        stream.shuffle(&mut genes);
        for &gene in &genes[..config.seq_len()] {
            let (target, masked) = (stream.below(config.n_bins as u32), stream.uniform() < 0.4);
            batch.cells.genes.push(gene);
            batch.cells.values.push(if masked { config.mask_value() } else { target });
            batch.target.push(target);
            batch.masked.push(masked);
        }
    }
    batch
}

fn step(learner: &mut dyn Learner, batch: &Staged<PretrainBatch>, t: u64) -> anyhow::Result<f64> {
    let scale = 1.0 / batch.batch.n_masked() as f64;
    let sums = learner.pretrain_step(batch, scale)?;
    learner.gradient_norm()?;
    learner.update(&CONSTANTS, Step { learning_rate: 1e-4, t, gradient_factor: 1.0 }, &|_| true)?;
    Ok((sums.expression_nll + sums.cell_expression_nll) * scale)
}

/// Seconds of one step, best to worst, after one that is not counted. Where it says so, batches are brought to the device
/// during the step before, as the stages do.
fn seconds<D: Driver>(
    b: &Cuda<D>,
    config: &ModelConfig,
    mode: Mode,
    cells: usize,
    repeats: usize,
    ahead: bool,
    between: impl Fn(),
) -> anyhow::Result<Vec<f64>> {
    let batch = random_batch(config, cells);
    let model = PanFoMa::init(config.clone(), 0, &Cpu::new());
    let lanes = Lanes::new(1, cells);
    let steps = if ahead { repeats as u64 + 1 } else { 0 };
    let mut times = Vec::new();
    let mut time = |run: &mut dyn FnMut(u64) -> anyhow::Result<()>| -> anyhow::Result<()> {
        for t in 0..=repeats as u64 {
            between();
            let started = Instant::now();
            run(t)?;
            b.driver().synchronize()?;
            times.push(started.elapsed().as_secs_f64());
        }
        Ok(())
    };
    match mode {
        Mode::Embed => {
            let engine = engine_on(b.clone(), model, lanes)?;
            let (stager, mut next) = (engine.stager(), NextStep::new(steps));
            let make = |_| Ok(stager.cells(batch.cells.clone(), false)?);
            time(&mut |t| Ok(next.compute(t, make, |cells| engine.embed(&cells).map(|_| ()))??))?;
        }
        Mode::Train => {
            let mut learner = learner_on(b.clone(), model, None, lanes)?;
            let (stager, mut next) = (learner.engine().stager(), NextStep::new(steps));
            let make = |_| Ok(stager.hidden(batch.clone())?);
            let mut step = |t, batch| step(&mut *learner, &batch, t + 1).map(|_| ());
            time(&mut |t| next.compute(t, make, |batch| step(t, batch))?)?;
        }
    }
    times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn run(line: &Line, gpu: Gpu) -> anyhow::Result<()> {
    match line.command {
        Command::Check => {
            let name = gpu.name();
            let memory = gpu.memory()?;
            let ceilings = Ceilings::measure(&Cuda::new(gpu), line.probe)?;
            println!("{}", json!({"device": name, "memory_gib": memory.total >> 30, "ceilings": ceilings}));
        }
        Command::Run { preset, mode, cells, repeats } => {
            let (config, b) = (config(preset), Cuda::new(gpu));
            let ceilings = Ceilings::measure(&b, line.probe)?;
            let times = seconds(&b, &config, mode, cells, repeats, true, || ())?;
            let free = b.driver().memory()?;
            // With the device: a figure that is copied alone still says what it was measured on.
            let what = json!({"device": b.driver().name(), "preset": format!("{preset:?}"),
                "mode": format!("{mode:?}"), "cells": cells});
            println!(
                "{}",
                json!({"run": what, "cells_per_s": cells as f64 / times[times.len() / 2],
                    "spread": [cells as f64 / times[times.len() - 1], cells as f64 / times[0]],
                    "memory_gib": (free.total - free.free) as f64 / f64::from(1 << 30)})
            );
            drop(b);
            let timed = Cuda::new(Timed::new(Gpu::open(line.device).map_err(anyhow::Error::msg)?));
            seconds(&timed, &config, mode, cells, 1, false, || timed.driver().forget())?;
            for kernel in timed.driver().kernels(&ceilings) {
                println!("{}", json!({"run": what, "kernel": kernel}));
            }
        }
        Command::Parity { preset } => {
            let (config, b) = (config(preset), Cuda::new(gpu));
            let batch = random_batch(&config, 1);
            let host = PanFoMa::init(config.clone(), 0, &Cpu::new());
            let source = |name: &str| {
                let params = host.params().into_iter();
                params
                    .filter(|(n, _)| n == name)
                    .map(|(_, t)| (t.shape().to_vec(), t.as_slice().to_vec()))
                    .next()
            };
            let model = PanFoMa::load(config, source, &b)?;
            let (mut found, mut expected) = (model.zeros_like(&b), host.zeros_like(&Cpu::new()));
            let scale = 1.0 / batch.n_masked() as f64;
            model.pretrain_step(&b, &batch, scale, &mut found)?;
            host.pretrain_step(&Cpu::new(), &batch, scale, &mut expected)?;
            let (mut off, mut size) = (0.0, 0.0);
            for ((_, found), (_, expected)) in found.params().into_iter().zip(expected.params()) {
                for (a, b) in b.download(found)?.iter().zip(expected.as_slice()) {
                    off += f64::from(a - b).powi(2);
                    size += f64::from(*b).powi(2);
                }
            }
            let error = (off / size).sqrt();
            println!(
                "{}",
                json!({"parity": format!("{preset:?}"), "gradient_error": error, "allowed": 0.05})
            );
            // Random weights order genes by noise: bf16 orders some of them otherwise.
            anyhow::ensure!(error < 0.05, "the gradient is off by {error:.2e}");
        }
        Command::Digest { preset, cells } => {
            let (config, b) = (config(preset), Cuda::new(gpu));
            let batch = random_batch(&config, cells).into();
            let model = PanFoMa::init(config, 0, &Cpu::new());
            let mut learner = learner_on(b, model, None, Lanes::new(1, cells.div_ceil(2)))?;
            let losses = (1..4).map(|t| step(&mut *learner, &batch, t)).collect::<Result<Vec<_>, _>>()?;
            let mut digest = 0xcbf2_9ce4_8422_2325u64;
            for (_, tensor) in learner.weights()?.params() {
                for x in tensor.as_slice() {
                    digest = (digest ^ u64::from(x.to_bits())).wrapping_mul(0x0100_0000_01b3);
                }
            }
            println!("{}", json!({"digest": format!("{digest:016x}"), "losses": losses}));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let line = Line::parse();
    let gpu = match Gpu::open(line.device) {
        Ok(gpu) => gpu,
        Err(reason) => {
            eprintln!("error: no GPU can be used: {reason}");
            return ExitCode::from(69);
        }
    };
    match run(&line, gpu) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
