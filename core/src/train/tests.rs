//! A run that is stopped and goes on ends with the bytes of one that was never stopped.

use super::checkpoints::Checkpoints;
use super::flags::{CheckpointFlags, OptimizerFlags, Resume};
use super::objective::{Measured, Objective, Validation};
use super::ranks::RankFlags;
use super::session::{Made, Session, describe};
use super::{Backend, Feed, Model, Plan, feed};
use crate::artifact::checkpoint::{Checkpoint, Kind, Training};
use crate::artifact::provenance::Input;
use crate::artifact::tokens::fixture::{Corpus, provenance};
use crate::artifact::tokens::{Split, Tokens};
use crate::data::FIXED_EPOCH;
use crate::data::draw::Drawer;
use crate::data::mask::Masker;
use crate::engine::{Engine, Learner, Machine};
use crate::model::{ModelConfig, Preset, PretrainBatch, PretrainSums};
use crate::stage::{Context, Interrupt, error};
use std::path::Path;
use std::time::Duration;

const SEED: u64 = 5;
const STEPS: u64 = 7;

/// Masked expression on the fixture, without a baseline.
struct Masked<'a> {
    tokens: &'a Tokens,
    feed: Feed<'a>,
    seq_len: usize,
}

impl Masked<'_> {
    fn hide(&self, rows: &crate::artifact::tokens::CellRows, epoch: u32) -> PretrainBatch {
        let n_bins = self.tokens.index().n_bins;
        let drawer = Drawer::new(SEED, epoch, self.tokens.panels(), n_bins);
        let (mut cells, filled) = feed::sequences(&drawer, rows, self.seq_len);
        let masker = Masker::new(SEED, epoch, 0.4, n_bins);
        let (mut target, mut masked) = (vec![0; cells.values.len()], vec![false; cells.values.len()]);
        for (cell, n) in filled.into_iter().enumerate() {
            let place = cell * self.seq_len..(cell + 1) * self.seq_len;
            let values = &mut cells.values[place.clone()];
            masker.hide(rows.hashes[cell], n, values, &mut target[place.clone()], &mut masked[place]);
        }
        PretrainBatch { cells, target, masked }
    }
}

impl Objective for Masked<'_> {
    fn step(&mut self, learner: &mut dyn Learner, step: u64) -> anyhow::Result<Measured> {
        let (epoch, batch) = self.feed.cells(step)?;
        let batch = self.hide(&batch.rows, epoch);
        let scale = 1.0 / batch.n_masked() as f64;
        let sums = learner.pretrain_step(&batch.into(), scale)?;
        let weight = sums.n_masked as f64;
        Ok(Measured {
            means: vec![("loss", (sums.expression_nll + sums.cell_expression_nll) / weight)],
            weight,
        })
    }

    fn validate(&mut self, engine: &dyn Engine, interrupt: &Interrupt) -> anyhow::Result<Validation> {
        let mut all = PretrainSums::default();
        for batch in feed::fixed(self.tokens, Split::Valid, SEED, 6, 3).take(2) {
            if interrupt.reason().is_some() {
                return Ok(Validation::Interrupted);
            }
            let batch = self.hide(&batch?.rows, FIXED_EPOCH);
            all = [all, engine.pretrain_eval(&batch)?].into_iter().sum();
        }
        let score = all.expression_nll / all.n_masked as f64;
        Ok(Validation::Done { metrics: vec![("loss", score)], score })
    }

    fn trains(&self, _parameter: &str) -> bool {
        true
    }
}

fn flags() -> CheckpointFlags {
    CheckpointFlags {
        checkpoint_dir: None,
        checkpoint_every: Duration::from_secs(3_600),
        checkpoint_every_steps: None,
        keep_last: 2,
        keep_checkpoints: false,
        resume: Resume::Auto,
        max_walltime: None,
    }
}

fn shape() -> ModelConfig {
    ModelConfig {
        d_model: 16,
        n_heads: 2,
        d_ff: 32,
        n_chunks: 2,
        chunk_len: 8,
        n_encoder_layers: 1,
        n_decoder_layers: 1,
        d_state: 4,
        ..ModelConfig::preset(Preset::Tiny, 41, 11)
    }
}

fn corpus() -> (tempfile::TempDir, Tokens) {
    Corpus { n_cells: 40, ..Corpus::default() }.open()
}

/// Trains to the end or to the interrupt; `lr` is part of what must agree.
fn train(
    tokens: &Tokens,
    output: &Path,
    interrupt: Interrupt,
    flags: &CheckpointFlags,
    lr: f64,
) -> anyhow::Result<()> {
    let mut context = Context::for_library("panfoma-test", SEED);
    context.interrupt = interrupt;
    // Of 24 training cells, one that is left out: the feed must count what it skips.
    let mut keep = vec![true; tokens.n_cells()];
    keep[0] = false;
    let feed = Feed::new(tokens, SEED, 5, Some(keep));
    let optimizer = OptimizerFlags {
        warmup_steps: Some(2),
        lr_floor: 0.1,
        weight_decay: 0.1,
        clip_norm: 1.0,
        beta2: 0.98,
    };
    let plan = Plan {
        steps: STEPS,
        steps_per_epoch: feed.steps_per_epoch(),
        log_every: 3,
        validate_every: 2,
        patience: None,
        keep_best: true,
        optimizer: optimizer.settings(lr, STEPS),
    };
    let mut provenance = provenance();
    provenance.config = serde_json::json!({"lr": lr});
    let training = Training {
        steps: STEPS,
        steps_per_epoch: plan.steps_per_epoch,
        batch_cells: 5,
        n_train: feed.n_cells(),
        n_valid: 6,
        learning_rate: lr,
        warmup_steps: 2,
        weights: "best".to_owned(),
    };
    let made = Made {
        provenance,
        kind: Kind::Pretrain,
        model: shape(),
        label_column: None,
        classes: Vec::new(),
        training,
    };
    let description = describe(tokens, made);
    let mut objective = Masked { tokens, feed, seq_len: shape().seq_len() };
    let session = Session {
        context: &context,
        output,
        flags,
        description,
        plan,
        machine: &Machine::Cpu,
        micro_batch: None,
        ranks: &RankFlags::default(),
    };
    session.run(&mut objective, || Ok(Model::init(shape(), SEED, &Backend::new())))
}

fn digest(path: &Path) -> String {
    Input::digest(path).unwrap().blake3
}

/// Every place where a run asks whether to stop, one after another: before, within and after validations.
#[test]
fn a_run_stopped_at_any_question_ends_with_the_bytes_of_an_undisturbed_one() {
    let (directory, tokens) = corpus();
    let undisturbed = directory.path().join("undisturbed");
    train(&tokens, &undisturbed, Interrupt::never(), &flags(), 1e-2).unwrap();
    let expected = digest(&undisturbed);
    let mut n_stopped = 0;
    for n in 1.. {
        let output = directory.path().join(format!("stopped-at-{n}"));
        match train(&tokens, &output, Interrupt::at_question(n), &flags(), 1e-2) {
            Ok(()) => {
                assert_eq!(digest(&output), expected);
                break;
            }
            Err(error) => {
                assert_eq!(error::classify(&error).0, 140, "{error:#}");
                assert!(!output.exists(), "a stopped run leaves no model");
                train(&tokens, &output, Interrupt::never(), &flags(), 1e-2).unwrap();
                assert_eq!(digest(&output), expected, "stopped at question {n}");
                n_stopped += 1;
            }
        }
    }
    // A question after each of the 7 steps and one before, two in each of the 5 validations.
    assert!(n_stopped >= 15, "stopped at {n_stopped} places");
}

#[test]
fn a_run_that_stops_at_its_third_question_each_time_still_ends_with_the_same_bytes() {
    let (directory, tokens) = corpus();
    let [undisturbed, output] = ["undisturbed", "often"].map(|name| directory.path().join(name));
    train(&tokens, &undisturbed, Interrupt::never(), &flags(), 1e-2).unwrap();
    let mut runs = 1;
    // Two questions are within a validation, so the third is the least that gets on.
    while train(&tokens, &output, Interrupt::at_question(4), &flags(), 1e-2).is_err() {
        runs += 1;
        assert!(runs < 50, "the run gets nowhere");
    }
    assert!(runs > 3, "{runs} runs");
    assert_eq!(digest(&output), digest(&undisturbed));
}

#[test]
fn when_checkpoints_are_written_does_not_change_the_model() {
    let (directory, tokens) = corpus();
    let [never, always] = ["never", "always"].map(|name| directory.path().join(name));
    train(&tokens, &never, Interrupt::never(), &flags(), 1e-2).unwrap();
    let often = CheckpointFlags { checkpoint_every: Duration::ZERO, keep_checkpoints: true, ..flags() };
    train(&tokens, &always, Interrupt::never(), &often, 1e-2).unwrap();
    assert_eq!(digest(&never), digest(&always));
    let kept = std::fs::read_dir(directory.path().join("always.ckpt")).unwrap().count();
    assert_eq!(kept, 2, "the last two checkpoints are kept");
    assert!(!directory.path().join("never.ckpt").exists());
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused_by_name() {
    let (directory, tokens) = corpus();
    let output = directory.path().join("model");
    train(&tokens, &output, Interrupt::at_question(6), &flags(), 1e-2).unwrap_err();
    let error = train(&tokens, &output, Interrupt::never(), &flags(), 2e-2).unwrap_err();
    assert_eq!(error::classify(&error).0, 78);
    assert!(error.to_string().contains("`lr` is 0.01 there, 0.02 here"), "{error}");
    let anew = CheckpointFlags { resume: Resume::Never, ..flags() };
    train(&tokens, &output, Interrupt::never(), &anew, 2e-2).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let (directory, tokens) = corpus();
    let [undisturbed, output] = ["undisturbed", "model"].map(|name| directory.path().join(name));
    train(&tokens, &undisturbed, Interrupt::never(), &flags(), 1e-2).unwrap();
    let often = CheckpointFlags { checkpoint_every: Duration::ZERO, ..flags() };
    train(&tokens, &output, Interrupt::at_question(9), &often, 1e-2).unwrap_err();
    let checkpoints = Checkpoints::new(&output, &often);
    let mut saved: Vec<_> =
        std::fs::read_dir(checkpoints.directory()).unwrap().map(|e| e.unwrap().path()).collect();
    saved.sort();
    let newest = saved.pop().unwrap().join("state.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    train(&tokens, &output, Interrupt::never(), &flags(), 1e-2).unwrap();
    assert_eq!(digest(&output), digest(&undisturbed));
}

#[test]
fn one_thread_and_three_give_the_same_bytes() {
    let (directory, tokens) = corpus();
    let digests = [1, 3].map(|threads| {
        let output = directory.path().join(format!("threads-{threads}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&tokens, &output, Interrupt::never(), &flags(), 1e-2)).unwrap();
        digest(&output)
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_loss_that_is_not_a_number_names_the_step_and_the_remedy() {
    let (directory, tokens) = corpus();
    let error =
        train(&tokens, &directory.path().join("model"), Interrupt::never(), &flags(), 1e30).unwrap_err();
    let message = format!("{error:#}");
    assert!(message.contains("at step"), "{message}");
    assert!(error::classify(&error).1.unwrap().contains("--lr"), "{message}");
}

#[test]
fn weights_that_do_not_fit_the_configuration_are_refused() {
    let (directory, tokens) = corpus();
    let output = directory.path().join("model");
    train(&tokens, &output, Interrupt::never(), &flags(), 1e-2).unwrap();
    Checkpoint::open(&output).unwrap().weights().unwrap();
    let config = output.join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let error = Checkpoint::open(&output).and_then(|checkpoint| checkpoint.weights()).err().unwrap();
        let message = format!("{error:#}");
        assert!(message.contains(expected), "{message}");
    };
    check("\"d_ff\": 32", "\"d_ff\": 48", "has shape [32], expected [48]");
    check("\"n_decoder_layers\": 1", "\"n_decoder_layers\": 2", "lack tensor `decoder.layers.1.");
    check("\"n_genes\": 41", "\"n_genes\": 42", "41 genes with padding, the model's shape says 42");
    check("\"version\": 1", "\"version\": 2", "has version 2");
}

#[test]
fn tokens_of_another_vocabulary_or_binning_are_refused() {
    let (directory, tokens) = corpus();
    let output = directory.path().join("model");
    train(&tokens, &output, Interrupt::never(), &flags(), 1e-2).unwrap();
    let checkpoint = Checkpoint::open(&output).unwrap();
    checkpoint.description.expect_tokens(tokens.index(), Path::new("tokens")).unwrap();
    let (_other, fewer) = Corpus { n_genes: 30, ..Corpus::default() }.open();
    let error = checkpoint.description.expect_tokens(fewer.index(), Path::new("other")).unwrap_err();
    assert!(error.message.contains("its vocabulary is 30 genes"), "{error}");
    assert!(error.hint.unwrap().contains("--vocabulary"));
    let mut index = tokens.index().clone();
    index.n_bins = 9;
    let error = checkpoint.description.expect_tokens(&index, Path::new("other")).unwrap_err();
    assert!(error.message.contains("number of bins is 9, the model's 11"), "{error}");
}
