//! The headline numbers of one method, on the cells themselves or on a resample of them.

use super::Undefined;
use super::calibration::{N_BINS, bin_of};
use super::classification::Confusion;
use super::ranking::{Areas, Ranking};

/// Name and definition of each headline number, in the order of [`Scores`].
pub const HEADLINE: [(&str, &str); 12] = [
    ("accuracy", "Share of cells whose likeliest class is the true one"),
    ("macro_f1", "Mean F1 over the classes present in truth or prediction"),
    ("balanced_accuracy", "Mean recall over the classes that have cells"),
    ("weighted_f1", "Mean F1 weighted by the classes' numbers of cells"),
    ("micro_f1", "F1 of all decisions together; every cell is decided here, so it is the accuracy"),
    ("kappa", "Cohen's kappa: agreement beyond chance"),
    ("mcc", "Matthews' correlation coefficient for several classes"),
    (
        "auroc",
        "One class against the rest by its probability: chance that a cell of it outranks another; mean over the \
         classes that have cells, if not all cells",
    ),
    (
        "auprc",
        "Average precision of one class against the rest, without interpolation; mean over the same classes",
    ),
    ("log_loss", "Mean of -ln p(true class) in nats, p clipped to 1.2e-7 from 0 and 1"),
    ("brier", "Mean over cells of the summed squared differences between probabilities and truth, 0 to 2"),
    (
        "ece",
        "Expected calibration error: |accuracy - mean confidence| over 15 bins of the likeliest class's probability, \
         weighted by cells (Guo 2017)",
    ),
];

/// One of each headline number.
pub type Scores = [Result<f64, Undefined>; HEADLINE.len()];

/// Where a headline number stands. Panics if there is none of this name.
pub fn index(name: &str) -> usize {
    HEADLINE.iter().position(|(known, _)| *known == name).expect("a headline number")
}

/// What one method says of some cells, prepared for many resamples. Memory: 6 bytes a cell and class.
pub struct Scorer<'a> {
    truth: &'a [u32],
    n_classes: usize,
    /// The likeliest class of each cell, the first of equals.
    pub predicted: Vec<u32>,
    /// Its probability.
    pub confidence: Vec<f64>,
    loss: Vec<f64>,
    brier: Vec<f64>,
    bin: Vec<u8>,
    rankings: Vec<Ranking>,
}

impl<'a> Scorer<'a> {
    /// truth: [n] codes below `n_classes`   probabilities: [n × classes].
    pub fn new(truth: &'a [u32], probabilities: &[f64], n_classes: usize) -> Self {
        assert_eq!(probabilities.len(), truth.len() * n_classes, "probabilities");
        let rows = || probabilities.chunks_exact(n_classes).zip(truth.iter().map(|&truth| truth as usize));
        let best = |row: &[f64]| {
            (1..n_classes).fold(0, |best, class| if row[class] > row[best] { class } else { best })
        };
        let predicted: Vec<u32> = rows().map(|(row, _)| best(row) as u32).collect();
        let confidence: Vec<f64> =
            rows().zip(&predicted).map(|((row, _), &best)| row[best as usize]).collect();
        let epsilon = f64::from(f32::EPSILON);
        let loss = rows().map(|(row, truth)| -row[truth].clamp(epsilon, 1.0 - epsilon).ln()).collect();
        let brier = rows().map(|(row, truth)| {
            row.iter().enumerate().map(|(class, p)| (p - f64::from(u8::from(class == truth))).powi(2)).sum()
        });
        let rankings = (0..n_classes)
            .map(|class| {
                let scores: Vec<f64> = probabilities.iter().skip(class).step_by(n_classes).copied().collect();
                Ranking::new(&scores, |cell| truth[cell] as usize == class)
            })
            .collect();
        Self {
            truth,
            n_classes,
            loss,
            brier: brier.collect(),
            bin: confidence.iter().map(|&confidence| bin_of(confidence) as u8).collect(),
            rankings,
            predicted,
            confidence,
        }
    }

    /// Is each cell's likeliest class the true one?
    pub fn right(&self) -> Vec<bool> {
        self.predicted.iter().zip(self.truth).map(|(predicted, truth)| predicted == truth).collect()
    }

    /// True against likeliest classes.
    pub fn confusion(&self) -> Confusion {
        self.weighted_confusion(&|_| 1)
    }

    /// AUROC and average precision of each class.
    pub fn areas(&self) -> Vec<Result<Areas, Undefined>> {
        self.rankings.iter().map(Ranking::areas).collect()
    }

    /// The numbers with every cell counted once.
    pub fn scores(&self) -> Scores {
        self.weighted(|_| 1)
    }

    /// The numbers with `weight(cell)` copies of each cell.
    pub fn weighted(&self, weight: impl Fn(usize) -> u32) -> Scores {
        let confusion = self.weighted_confusion(&weight);
        let n = confusion.n_cells();
        let (mut loss, mut brier) = (0.0, 0.0);
        let (mut right, mut confidence) = ([0.0; N_BINS], [0.0; N_BINS]);
        for (cell, &truth) in self.truth.iter().enumerate() {
            let weight = f64::from(weight(cell));
            loss += weight * self.loss[cell];
            brier += weight * self.brier[cell];
            let bin = usize::from(self.bin[cell]);
            right[bin] += weight * f64::from(u8::from(self.predicted[cell] == truth));
            confidence[bin] += weight * self.confidence[cell];
        }
        let mean = |sum: f64| if n == 0 { Err(Undefined("no cells")) } else { Ok(sum / n as f64) };
        let areas: Vec<Areas> =
            self.rankings.iter().filter_map(|ranking| ranking.weighted(&weight).ok()).collect();
        let area = |of: fn(&Areas) -> f64| match areas.len() {
            0 => Err(Undefined("all cells are of one class")),
            n => Ok(areas.iter().map(of).sum::<f64>() / n as f64),
        };
        [
            confusion.accuracy(),
            confusion.macro_f1(),
            confusion.balanced_accuracy(),
            confusion.weighted_f1(),
            confusion.micro_f1(),
            confusion.kappa(),
            confusion.mcc(),
            area(|areas| areas.auroc),
            area(|areas| areas.auprc),
            mean(loss),
            mean(brier),
            mean(right.iter().zip(confidence).map(|(right, confidence)| (right - confidence).abs()).sum()),
        ]
    }

    fn weighted_confusion(&self, weight: &impl Fn(usize) -> u32) -> Confusion {
        let mut confusion = Confusion::new(self.n_classes);
        for (cell, (&truth, &predicted)) in self.truth.iter().zip(&self.predicted).enumerate() {
            confusion.add(truth, Some(predicted), u64::from(weight(cell)));
        }
        confusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, codes, json, matrix};

    #[test]
    fn probability_scores_are_those_of_scikit_learn() {
        let (goldens, more, inputs) = (json("cls.json"), json("cls_more.json"), json("cls_inputs.json"));
        let (truth, probabilities) = (codes(&inputs["y"]), matrix(&inputs["P"]).concat());
        let scorer = Scorer::new(&truth, &probabilities, 7);
        let scores = scorer.scores();
        let found = |name: &str| scores[index(name)].clone().unwrap();
        close(found("log_loss"), &goldens["A_prob"]["log_loss"], 1e-12);
        close(found("auroc"), &goldens["A_prob"]["auroc_ovr_macro"], 1e-12);
        close(found("auprc"), &goldens["A_prob"]["auprc_macro"], 1e-12);
        close(found("brier"), &more["brier"], 1e-12);
        close(found("ece"), &more["ece"], 1e-12);
        assert_eq!(scorer.confusion().accuracy(), Ok(found("accuracy")));
    }

    #[test]
    fn weights_are_copies_for_every_score() {
        let inputs = json("cls_inputs.json");
        let (truth, p) = (codes(&inputs["y"]), matrix(&inputs["P"]));
        let weight = |cell: usize| (cell * 7 % 4) as u32;
        let copies: Vec<usize> =
            (0..truth.len()).flat_map(|cell| vec![cell; weight(cell) as usize]).collect();
        let repeated: Vec<u32> = copies.iter().map(|&cell| truth[cell]).collect();
        let of_copies: Vec<f64> = copies.iter().flat_map(|&cell| p[cell].clone()).collect();
        let expected = Scorer::new(&repeated, &of_copies, 7).scores();
        let found = Scorer::new(&truth, &p.concat(), 7).weighted(weight);
        for ((found, expected), (name, _)) in found.into_iter().zip(expected).zip(HEADLINE) {
            let (found, expected) = (found.unwrap(), expected.unwrap());
            assert!((found - expected).abs() < 1e-12, "{name}: {found} {expected}");
        }
    }

    #[test]
    fn one_class_only_leaves_areas_undefined_with_the_reason() {
        let scores = Scorer::new(&[1, 1], &[0.5, 0.5, 0.1, 0.9], 2).scores();
        assert_eq!(scores[index("auroc")], Err(Undefined("all cells are of one class")));
        assert_eq!(scores[index("accuracy")], Ok(0.5));
    }
}
