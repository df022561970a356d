//! The labelled training cells, what is fitted on them, and who says how strong a penalty is.

use super::logistic::{Logistic, Penalty};
use crate::cells::Cells;
use crate::factor::Factor;
use crate::method::{Method, Role, Scored};
use crate::metrics::classification::log_loss;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::rng::Philox;

/// Validation cells that choose the strength of the penalty.
const MAX_TUNING_CELLS: usize = 4_000;
/// Strengths tried, strongest first: each fit begins at the one before.
const L2: [f64; 3] = [0.1, 0.01, 0.001];
const L1: [f64; 4] = [0.03, 0.01, 0.003, 0.001];
/// The strengths without validation cells to choose by.
const DEFAULT_L2: f64 = 0.01;
const DEFAULT_L1: f64 = 0.003;

/// Names this use of the seed.
const SHUFFLING: u32 = 0x7368_666C;

/// The training cells and their labels as codes 0, 1, … of the classes that occur among them.
pub struct Training {
    /// Rows of the sampled training cells, ascending.
    pub rows: Vec<usize>,
    /// Labelled training cells there are.
    pub n_available: usize,
    /// Rows of the cells that tune, ascending.
    pub tuning: Vec<usize>,
    /// The class of each sampled training cell.
    pub y: Vec<u32>,
    /// Codes of the label column, by class.
    pub classes: Vec<u32>,
    label: Vec<u32>,
}

/// A family of penalties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    /// Ridge.
    L2,
    /// Lasso.
    L1,
}

impl Training {
    /// Samples from the labelled training cells; `None` if there are none.
    pub fn new(cells: &Cells, label: &Factor, max: usize, seed: u64) -> Option<Self> {
        let available = cells.labelled(Split::Train, label);
        let n_available = available.len();
        let rows = cells.sample(available, max, seed);
        let mut classes: Vec<u32> = rows.iter().map(|&row| label.codes[row]).collect();
        classes.sort_unstable();
        classes.dedup();
        let class_of = |row: &usize| classes.binary_search(&label.codes[*row]).ok();
        let y = rows.iter().filter_map(class_of).map(|class| class as u32).collect();
        let tuning =
            cells.labelled(Split::Valid, label).into_iter().filter(|row| class_of(row).is_some()).collect();
        let tuning = cells.sample(tuning, MAX_TUNING_CELLS, seed);
        (!rows.is_empty()).then(|| Self { rows, n_available, tuning, y, classes, label: label.codes.clone() })
    }

    /// Classes that occur among the training cells.
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// The labels dealt to other cells: whoever learns from these has nothing to learn.
    pub fn shuffled(&self, seed: u64) -> Vec<u32> {
        let mut y = self.y.clone();
        Philox::new(seed).stream(0, SHUFFLING).shuffle(&mut y);
        y
    }

    /// The shares of the training classes for every cell.
    pub fn majority(&self, scored: &Scored) -> Method {
        let mut shares = vec![0.0; self.n_classes()];
        self.y.iter().for_each(|&class| shares[class as usize] += 1.0 / self.y.len() as f32);
        let title = "The most frequent label of the training cells";
        let mut method = Method::new("majority", title, Role::Rival, scored);
        (0..scored.len()).for_each(|at| method.set(at, &self.classes, &shares));
        method
    }

    /// Fits with the penalty that the validation cells prefer. x: the training cells, tuning: the validation cells.
    pub fn logistic(&self, x: &[f32], tuning: &[f32], family: Family) -> (Logistic, Penalty) {
        let (of, strengths, default): (fn(f64) -> Penalty, &[f64], f64) = match family {
            Family::L2 => (Penalty::L2, &L2, DEFAULT_L2),
            Family::L1 => (Penalty::L1, &L1, DEFAULT_L1),
        };
        let fit =
            |penalty, start: Option<&Logistic>| Logistic::fit(x, &self.y, self.n_classes(), penalty, start);
        if self.tuning.is_empty() {
            return (fit(of(default), None), of(default));
        }
        let mut best: Option<(f64, Logistic, Penalty)> = None;
        let mut last: Option<Logistic> = None;
        for &strength in strengths {
            let model = fit(of(strength), last.as_ref());
            let loss = self.tuning_loss(&model.probabilities(tuning));
            if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                best = Some((loss, model.clone(), of(strength)));
            }
            last = Some(model);
        }
        let (_, model, penalty) = best.expect("at least one penalty");
        (model, penalty)
    }

    fn tuning_loss(&self, probabilities: &[f32]) -> f64 {
        let rows = self.tuning.iter().zip(probabilities.chunks_exact(self.n_classes()));
        let class = |row: usize| self.classes.binary_search(&self.label[row]).ok();
        let of_truth = rows.map(|(&row, p)| class(row).map_or(0.0, |class| f64::from(p[class])));
        log_loss(of_truth, f64::from(f32::EPSILON)).unwrap_or(f64::INFINITY)
    }

    /// Writes down the predictions of those cells that are scored. probabilities: [cells × classes].
    pub fn note(&self, method: &mut Method, scored: &Scored, rows: &[usize], probabilities: &[f32]) {
        for (&row, p) in rows.iter().zip(probabilities.chunks_exact(self.n_classes())) {
            if let Some(at) = scored.position(row) {
                method.set(at, &self.classes, p);
            }
        }
    }
}

/// `L2 0.01`.
pub fn penalty_name(penalty: Penalty) -> String {
    match penalty {
        Penalty::L2(strength) => format!("L2 {strength}"),
        Penalty::L1(strength) => format!("L1 {strength}"),
    }
}
