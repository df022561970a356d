//! A model that learns on the device: what the trainer sees of it.

use crate::compare::{error, on_device};
use panfoma_core::device::Cpu;
use panfoma_core::device::cuda::{Cuda, Driver};
use panfoma_core::engine::{Host, Learner, Moments, Staged, engine_on, learner_on};
use panfoma_core::model::lanes::Lanes;
use panfoma_core::model::{CellBatch, ModelConfig, PanFoMa, Preset, PretrainBatch};
use panfoma_core::ops::adamw::{Constants, Step};
use panfoma_core::rng::Philox;
use panfoma_core::train::NextStep;
use std::ops::Range;

/// So large an eps that a gradient of nearly 0, whose sign bf16 may turn, moves nothing.
pub const CONSTANTS: Constants = Constants { beta1: 0.9, beta2: 0.98, eps: 1e-2, weight_decay: 0.01 };

fn config() -> ModelConfig {
    ModelConfig {
        d_model: 16,
        d_ff: 32,
        chunk_len: 6,
        n_chunks: 2,
        n_encoder_layers: 1,
        n_decoder_layers: 1,
        n_classes: 3,
        ..ModelConfig::preset(Preset::Tiny, 40, 7)
    }
}

fn batch(n_cells: usize) -> PretrainBatch {
    batch_of(5, n_cells)
}

fn batch_of(seed: u64, n_cells: usize) -> PretrainBatch {
    cells_of(&config(), seed, n_cells)
}

/// Cells of random genes, the last two of each padding; every third real gene is masked.
pub fn cells_of(config: &ModelConfig, seed: u64, n_cells: usize) -> PretrainBatch {
    let cells = CellBatch { n_cells, seq_len: config.seq_len(), ..CellBatch::default() };
    let mut batch = PretrainBatch { cells, ..PretrainBatch::default() };
    let mut stream = Philox::new(seed).stream(0, 0);
    for _ in 0..n_cells {
        let mut genes: Vec<u32> = (1..config.n_genes as u32).collect();
        stream.shuffle(&mut genes);
        for (i, &gene) in genes[..config.seq_len()].iter().enumerate() {
            let (real, target) = (i < config.seq_len() - 2, stream.below(config.n_bins as u32));
            let masked = real && i % 3 == 0;
            batch.cells.genes.push(if real { gene } else { 0 });
            let value = if masked { config.mask_value() } else { target };
            batch.cells.values.push(if real { value } else { config.pad_value() });
            batch.target.push(target);
            batch.masked.push(masked);
        }
    }
    batch
}

fn model() -> PanFoMa<Cpu> {
    PanFoMa::init(config(), 1, &Cpu::new())
}

/// Some steps over the same cells, brought to the device when they are used.
fn steps(learner: &mut dyn Learner, steps: Range<u64>) -> Vec<f64> {
    steps_with(learner, steps.clone(), steps.start)
}

/// The same; batches of steps before `ahead` are brought while the device computes the step before.
fn steps_with(learner: &mut dyn Learner, steps: Range<u64>, ahead: u64) -> Vec<f64> {
    let stager = learner.engine().stager();
    let mut next = NextStep::new(ahead);
    // Not the same cells twice in a row, so that a batch of the step before is a wrong one.
    let of_step = |t: u64| batch_of(5 + t % 2, 3);
    let mut losses = Vec::new();
    for t in steps {
        let scale = 1.0 / of_step(t).n_masked() as f64;
        let make = |t| match t < ahead {
            true => Ok(stager.hidden(of_step(t))?),
            false => Ok(Staged::from(of_step(t))),
        };
        let sums = next.compute(t, make, |batch| learner.pretrain_step(&batch, scale)).unwrap().unwrap();
        losses.push(sums.expression_nll * scale);
        let step = Step { learning_rate: 1e-2, t: t + 1, gradient_factor: 1.0 };
        assert!(learner.gradient_norm().unwrap() > 0.0);
        learner.update(&CONSTANTS, step, &|name| name != "embed.cls").unwrap();
    }
    losses
}

fn numbers(model: &PanFoMa<Cpu>) -> Vec<f32> {
    model.params().into_iter().flat_map(|(_, tensor)| tensor.as_slice().to_vec()).collect()
}

fn check_training<D: Driver>(b: &Cuda<D>) {
    // Two cells a call, so a step is a sum over calls.
    let on_device = || learner_on(b.clone(), model(), None, Lanes::new(1, 2)).unwrap();
    let mut learner = on_device();
    let losses = steps(&mut *learner, 0..4);
    assert!(losses[2] < losses[0] && losses[3] < losses[1], "{losses:?}");
    let weights = learner.weights().unwrap();
    assert!(matches!(weights, Host::Fetched(_)));
    let fixed = |model: &PanFoMa<Cpu>| {
        model.params().into_iter().find(|(name, _)| name == "embed.cls").unwrap().1.as_slice().to_vec()
    };
    assert_eq!(fixed(&weights), fixed(&model()), "a parameter that does not learn");

    // Batches that are brought ahead of their steps are the same batches.
    let mut ahead = on_device();
    assert_eq!(steps_with(&mut *ahead, 0..4, 4), losses);
    assert_eq!(numbers(&ahead.weights().unwrap()), numbers(&weights));

    // The CPU's steps from the same weights.
    let mut other = learner_on(Cpu::<f32>::new(), model(), None, Lanes::new(1, 2)).unwrap();
    let other_losses = steps(&mut *other, 0..4);
    for (a, b) in losses.iter().zip(&other_losses) {
        assert!((a / b - 1.0).abs() < 5e-3, "{losses:?} against {other_losses:?}");
    }
    let start = numbers(&model());
    let way = |end: Vec<f32>| end.iter().zip(&start).map(|(a, b)| a - b).collect::<Vec<_>>();
    let off = error(&way(numbers(&weights)), &way(numbers(&other.weights().unwrap())));
    assert!(off < 0.05, "the way of four steps is off by {off:.2e}");

    // A run that goes on from what the host holds ends with the bits of one that was never stopped.
    let mut half = on_device();
    steps(&mut *half, 0..2);
    half.keep_best().unwrap();
    let moved = |host: Host<'_>| match host {
        Host::Fetched(model) => *model,
        Host::There(_) => panic!("the device's numbers are not on the host"),
    };
    let moments = Moments {
        first: moved(half.first().unwrap()),
        second: moved(half.second().unwrap()),
        best: half.best().unwrap().map(moved),
    };
    let stopped = moved(half.weights().unwrap());
    let mut again = learner_on(b.clone(), stopped, Some(moments), Lanes::new(1, 2)).unwrap();
    steps(&mut *again, 2..4);
    assert_eq!(numbers(&again.weights().unwrap()), numbers(&weights));
    assert_eq!(numbers(&again.best().unwrap().unwrap()), numbers(&half.weights().unwrap()));
}

#[test]
fn a_model_learns_on_the_device_and_goes_on_from_a_checkpoint() {
    on_device!(check_training);
}

fn check_engine<D: Driver>(b: &Cuda<D>) {
    let cells = Staged::from(batch(5).cells);
    let one = engine_on(b.clone(), model(), Lanes::new(1, 1)).unwrap().embed(&cells).unwrap();
    let all = engine_on(b.clone(), model(), Lanes::new(1, 8)).unwrap();
    let two = engine_on(b.clone(), model(), Lanes::new(1, 2)).unwrap();
    let ahead = [5, 3].map(|n| two.stager().cells(batch(n).cells, false).unwrap());
    assert_eq!(two.embed(&ahead[0]).unwrap(), one, "cells that were brought ahead are the same cells");
    assert_eq!(two.embed(&ahead[1]).unwrap().cell, one.cell[..3 * config().d_model]);
    // What was never used goes away like the rest.
    drop(two.stager().cells(batch(5).cells, true).unwrap());
    assert_eq!(all.embed(&cells).unwrap(), one, "a cell's numbers do not depend on the cells beside it");
    let cpu = engine_on(Cpu::<f32>::new(), model(), Lanes::new(4, 1)).unwrap();
    let exact = cpu.embed(&cells).unwrap();
    // bf16: measured 5e-3.
    assert!(error(&one.cell, &exact.cell) < 2e-2, "{:.2e}", error(&one.cell, &exact.cell));
    assert!(error(&one.cls_mean, &exact.cls_mean) < 2e-2);
    let (mut seen, mut expected) = (Vec::new(), Vec::new());
    all.encoder_attention(&cells.batch, &mut |view| seen.extend_from_slice(view.probabilities)).unwrap();
    cpu.encoder_attention(&cells.batch, &mut |view| expected.extend_from_slice(view.probabilities)).unwrap();
    assert!(error(&seen, &expected) < 2e-2, "{:.2e}", error(&seen, &expected));
    assert_eq!(all.gene_embeddings().unwrap(), cpu.gene_embeddings().unwrap());
    assert_eq!(numbers(&all.into_model().unwrap()), numbers(&model()));
}

#[test]
fn an_engine_embeds_cells_whatever_the_size_of_a_call() {
    on_device!(check_engine);
}
