//! Cross-entropy of the classes of labelled cells.

use crate::args::{Mode, Score};
use crate::labels::Labels;
use crate::scores::Scores;
use panfoma_core::artifact::tokens::{CellRows, Split, Tokens};
use panfoma_core::data::FIXED_EPOCH;
use panfoma_core::data::draw::Drawer;
use panfoma_core::engine::{Engine, Learner, Staged};
use panfoma_core::model::{CellBatch, TrainScope};
use panfoma_core::stage::Interrupt;
use panfoma_core::train::{Feed, Measured, NextStep, Objective, Validation, feed};

/// Cells of a validation batch: between two of them the stage can stop.
const VALIDATION_BATCH: usize = 64;

/// The objective of fine-tuning.
///
/// `loss` is nats a cell; `baseline` the same for a predictor that knows only how frequent each class is among
/// training cells.
pub struct Classification<'a> {
    tokens: &'a Tokens,
    labels: &'a Labels,
    feed: Feed<'a>,
    next: NextStep<Labelled>,
    class_weights: Option<Vec<f32>>,
    frequencies: Vec<f64>,
    settings: Settings,
}

/// A batch.
struct Labelled {
    cells: Staged<CellBatch>,
    labels: Vec<u32>,
}

/// What the objective needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of order and draws.
    pub seed: u64,
    /// Genes the model sees of a cell.
    pub seq_len: usize,
    /// What learns.
    pub mode: Mode,
    /// What the best validation is chosen by.
    pub score: Score,
    /// Most validation cells used.
    pub max_valid_cells: usize,
    /// Steps of the run.
    pub steps: u64,
}

impl<'a> Classification<'a> {
    /// `feed`: gives labelled cells only. `class_weights`: [n_classes].
    pub fn new(
        tokens: &'a Tokens,
        labels: &'a Labels,
        feed: Feed<'a>,
        class_weights: Option<Vec<f32>>,
        settings: Settings,
    ) -> Self {
        let (next, frequencies) = (NextStep::new(settings.steps), labels.frequencies());
        Self { tokens, labels, feed, next, class_weights, frequencies, settings }
    }

    /// Some cells as the model reads them.
    fn sequences(tokens: &Tokens, settings: &Settings, epoch: u32, rows: &CellRows) -> CellBatch {
        let drawer = Drawer::new(settings.seed, epoch, tokens.panels(), tokens.index().n_bins);
        feed::sequences(&drawer, rows, settings.seq_len).0
    }

    fn weight(&self, label: u32) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| f64::from(weights[label as usize]))
    }

    fn baseline(&self, label: u32) -> f64 {
        -self.frequencies[label as usize].ln()
    }

    /// Adds the predictions of some cells to the scores.
    fn score(
        &self,
        engine: &dyn Engine,
        cells: CellBatch,
        truth: &[Option<u32>],
        scores: &mut Scores,
    ) -> anyhow::Result<()> {
        let logits = engine.embed(&cells.into())?.class_logits.unwrap_or_default();
        for (logits, truth) in logits.chunks_exact(self.labels.classes.len()).zip(truth) {
            truth.iter().for_each(|&truth| scores.add(logits, truth));
        }
        Ok(())
    }
}

impl Objective for Classification<'_> {
    fn step(&mut self, learner: &mut dyn Learner, step: u64) -> anyhow::Result<Measured> {
        let scope = match self.settings.mode {
            Mode::Frozen => TrainScope::HeadOnly,
            Mode::Full | Mode::Scratch => TrainScope::Full,
        };
        let stager = learner.engine().stager();
        let (tokens, classes, settings) = (self.tokens, &self.labels.class, &self.settings);
        let feed = &mut self.feed;
        let make = |step: u64| {
            let (epoch, batch) = feed.cells(step)?;
            let cells = Self::sequences(tokens, settings, epoch, &batch.rows);
            let labels: Vec<u32> = batch.cells.iter().filter_map(|&cell| classes[cell]).collect();
            assert_eq!(labels.len(), cells.n_cells, "the feed gives labelled cells only");
            Ok(Labelled { cells: stager.cells(cells, scope == TrainScope::Full)?, labels })
        };
        let weights = self.class_weights.as_deref();
        let weight = |labels: &[u32]| -> f64 {
            labels
                .iter()
                .map(|&label| weights.map_or(1.0, |weights| f64::from(weights[label as usize])))
                .sum()
        };
        let (sums, labels) = self.next.compute(step, make, |Labelled { cells, labels }| {
            let sums = learner.class_step(&cells, &labels, weights, 1.0 / weight(&labels), scope);
            sums.map(|sums| (sums, labels))
        })??;
        let weight = weight(&labels);
        let baseline: f64 = labels.iter().map(|&label| self.weight(label) * self.baseline(label)).sum();
        let means = vec![
            ("loss", sums.nll / weight),
            ("baseline", baseline / weight),
            ("accuracy", sums.n_correct as f64 / sums.n as f64),
        ];
        Ok(Measured { means, weight: sums.n as f64 })
    }

    fn validate(&mut self, engine: &dyn Engine, interrupt: &Interrupt) -> anyhow::Result<Validation> {
        let Settings { seed, max_valid_cells, score, .. } = self.settings;
        let mut scores = Scores::new(self.labels.classes.len());
        let (mut baseline, mut left) = (0.0, max_valid_cells);
        for batch in feed::fixed(self.tokens, Split::Valid, seed, max_valid_cells, VALIDATION_BATCH) {
            if left == 0 || self.labels.n_valid == 0 {
                break;
            }
            if interrupt.reason().is_some() {
                return Ok(Validation::Interrupted);
            }
            let batch = batch?;
            let n = batch.cells.len().min(left);
            left -= n;
            let truth: Vec<Option<u32>> =
                batch.cells[..n].iter().map(|&cell| self.labels.class[cell]).collect();
            let cells = Self::sequences(self.tokens, &self.settings, FIXED_EPOCH, &batch.rows);
            self.score(engine, cells.slice(0..n), &truth, &mut scores)?;
            baseline += truth.iter().flatten().map(|&label| self.baseline(label)).sum::<f64>();
        }
        if scores.n() == 0 {
            return Ok(Validation::NoCells);
        }
        // The class that is most frequent among training cells, the first of equals.
        let majority = (1..self.frequencies.len()).fold(0, |best, class| {
            if self.frequencies[class] > self.frequencies[best] { class } else { best }
        });
        let metrics = vec![
            ("loss", scores.loss()),
            ("baseline", baseline / scores.n() as f64),
            ("accuracy", scores.accuracy()),
            ("majority_accuracy", scores.share(majority)),
            ("macro_f1", scores.macro_f1()),
        ];
        let score = match score {
            Score::MacroF1 => -scores.macro_f1(),
            Score::Loss => scores.loss(),
        };
        Ok(Validation::Done { metrics, score })
    }

    /// The expression heads take no part, and neither does a frozen body; decay would only shrink them.
    fn trains(&self, parameter: &str) -> bool {
        match self.settings.mode {
            Mode::Frozen => parameter.starts_with("head.class."),
            Mode::Full | Mode::Scratch => {
                parameter.starts_with("head.class.") || !parameter.starts_with("head.")
            }
        }
    }
}
