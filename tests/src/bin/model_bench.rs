//! Cells per second of the model alone, for comparison with other implementations on the same machine.
//!
//! `model_bench --preset small --mode train --cells 8 --threads 1 --repeats 3` prints one JSON line.

use std::time::Instant;

use clap::{Parser, ValueEnum};
use panfoma_core::device::Cpu;
use panfoma_core::model::lanes::{self, Lanes};
use panfoma_core::model::{Brought, CellBatch, ModelConfig, ModelError, PanFoMa, Preset, PretrainBatch};
use panfoma_core::rng::Philox;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Forward pass to the cell embedding.
    Embed,
    /// Forward, backward and AdamW.
    Train,
}

#[derive(Parser)]
struct Args {
    #[arg(long, value_enum, default_value = "small")]
    preset: Preset,
    #[arg(long, value_enum, default_value = "embed")]
    mode: Mode,
    /// Cells of a step.
    #[arg(long, default_value_t = 8)]
    cells: usize,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Cells of one model call.
    #[arg(long, default_value_t = 1)]
    micro_batch: usize,
    /// Gradients accumulated apart.
    #[arg(long, default_value_t = 8)]
    lanes: usize,
}

fn random_batch(config: &ModelConfig, n_cells: usize) -> PretrainBatch {
    let seq_len = config.seq_len();
    let mut batch = PretrainBatch::default();
    batch.cells.n_cells = n_cells;
    batch.cells.seq_len = seq_len;
    let mut stream = Philox::new(1).stream(0, 0);
    for _ in 0..n_cells {
        let mut genes: Vec<u32> = (1..config.n_genes as u32).collect();
        stream.shuffle(&mut genes);
        for &gene in &genes[..seq_len] {
            let target = stream.below(config.n_bins as u32);
            let masked = stream.uniform() < 0.4;
            batch.cells.genes.push(gene);
            batch.cells.values.push(if masked { config.mask_value() } else { target });
            batch.target.push(target);
            batch.masked.push(masked);
        }
    }
    batch
}

/// AdamW with PyTorch's defaults, on one tensor; `t` counts steps from 1.
fn adamw(p: &mut [f32], g: &mut [f32], m: &mut [f32], v: &mut [f32], t: i32) {
    let (rate, decay, beta1, beta2) = (1e-4f32, 0.01f32, 0.9f32, 0.999f32);
    let (c1, c2) = (1.0 / (1.0 - beta1.powi(t)), 1.0 / (1.0 - beta2.powi(t)));
    for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        *m = beta1 * *m + (1.0 - beta1) * *g;
        *v = beta2 * *v + (1.0 - beta2) * *g * *g;
        *p -= rate * (*m * c1 / ((*v * c2).sqrt() + 1e-8) + decay * *p);
        *g = 0.0;
    }
}

/// VmHWM of this process; 0 where /proc has none.
fn peak_rss_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .map(|line| line.trim().trim_end_matches(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) / 1024
}

fn run(args: &Args) -> Result<serde_json::Value, ModelError> {
    let n_genes = if matches!(args.preset, Preset::Tiny) { 4_000 } else { 20_000 };
    let config = ModelConfig::preset(args.preset, n_genes, 51);
    let batch = random_batch(&config, args.cells);
    let b = Cpu::<f32>::new();
    let mut model = PanFoMa::init(config, 0, &b);
    let mut lanes = Lanes::new(args.lanes, args.micro_batch);
    let [mut grad, mut m, mut v] = [(); 3].map(|()| model.zeros_like(&b));
    let scale = 1.0 / batch.n_masked() as f64;
    let mut step = |t: i32| -> Result<f64, ModelError> {
        let start = Instant::now();
        match args.mode {
            Mode::Embed => {
                let embed = |cells| model.embed(&b, &CellBatch::slice(&batch.cells, cells));
                lanes::map(args.cells, args.micro_batch, embed)?;
            }
            Mode::Train => {
                lanes.pretrain_step(&b, &model, &batch, &Brought::default(), scale, &mut grad)?;
                let moments = m.params_mut().into_iter().zip(v.params_mut());
                for (((_, p), (_, g)), ((_, m), (_, v))) in
                    model.params_mut().into_iter().zip(grad.params_mut()).zip(moments)
                {
                    adamw(p.as_mut_slice(), g.as_mut_slice(), m.as_mut_slice(), v.as_mut_slice(), t);
                }
            }
        }
        Ok(args.cells as f64 / start.elapsed().as_secs_f64())
    };
    step(1)?;
    let mut rates = (0..args.repeats).map(|i| step(i as i32 + 2)).collect::<Result<Vec<f64>, _>>()?;
    rates.sort_by(f64::total_cmp);
    let round = |x: f64| (x * 1e4).round() / 1e4;
    Ok(serde_json::json!({
        "preset": format!("{:?}", args.preset).to_lowercase(),
        "mode": format!("{:?}", args.mode).to_lowercase(),
        "cells": args.cells,
        "threads": args.threads,
        "cells_per_s": round(rates[rates.len() / 2]),
        "spread": [round(rates[0]), round(rates[rates.len() - 1])],
        "params": model.config.n_params(),
        "peak_rss_mib": peak_rss_mib(),
    }))
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    panfoma_core::stage::threads::install(args.threads);
    println!("{}", run(&args)?);
    Ok(())
}
