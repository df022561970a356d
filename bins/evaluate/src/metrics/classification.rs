//! Predicted against true classes, as scikit-learn 1.9 defines them.

use super::Undefined;

/// How often each true class was predicted as each class, or left unassigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    n_classes: usize,
    /// [classes × (classes + 1)]: a row per true class; the last column counts `unassigned`.
    counts: Vec<u64>,
}

/// Precision, recall and F1 of one class; 0 where a denominator is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Right among those predicted.
    pub precision: f64,
    /// Found among those there are.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// Cells of this class.
    pub support: u64,
    /// Cells said to be of this class.
    pub predicted: u64,
}

impl Confusion {
    /// No cells of `n_classes` classes.
    pub fn new(n_classes: usize) -> Self {
        Self { n_classes, counts: vec![0; n_classes * (n_classes + 1)] }
    }

    /// Counts cells. truth: codes below `n_classes`   predicted: the same, or `None` for unassigned.
    pub fn of(truth: &[u32], predicted: &[Option<u32>], n_classes: usize) -> Self {
        assert_eq!(truth.len(), predicted.len(), "cells");
        let mut confusion = Self::new(n_classes);
        truth.iter().zip(predicted).for_each(|(&truth, &predicted)| confusion.add(truth, predicted, 1));
        confusion
    }

    /// Counts `times` more cells.
    pub fn add(&mut self, truth: u32, predicted: Option<u32>, times: u64) {
        let column = predicted.map_or(self.n_classes, |class| class as usize);
        self.counts[truth as usize * (self.n_classes + 1) + column] += times;
    }

    /// Adds the cells of `other`, which has the same classes.
    pub fn merge(&mut self, other: &Confusion) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Cells of `truth` that were predicted as `predicted` (`n_classes` for unassigned).
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * (self.n_classes + 1) + predicted]
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Number of cells.
    pub fn n_cells(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Cells that were left unassigned.
    pub fn n_unassigned(&self) -> u64 {
        (0..self.n_classes).map(|class| self.count(class, self.n_classes)).sum()
    }

    fn correct(&self) -> u64 {
        (0..self.n_classes).map(|class| self.count(class, class)).sum()
    }

    fn support(&self, class: usize) -> u64 {
        (0..=self.n_classes).map(|column| self.count(class, column)).sum()
    }

    fn predicted(&self, column: usize) -> u64 {
        (0..self.n_classes).map(|row| self.count(row, column)).sum()
    }

    /// Fraction of cells predicted right.
    pub fn accuracy(&self) -> Result<f64, Undefined> {
        match self.n_cells() {
            0 => Err(Undefined("no cells")),
            n => Ok(self.correct() as f64 / n as f64),
        }
    }

    /// The scores of every class.
    pub fn per_class(&self) -> Vec<ClassScore> {
        let ratio = |a: u64, b: u64| if b == 0 { 0.0 } else { a as f64 / b as f64 };
        (0..self.n_classes)
            .map(|class| {
                let (right, support, predicted) =
                    (self.count(class, class), self.support(class), self.predicted(class));
                ClassScore {
                    precision: ratio(right, predicted),
                    recall: ratio(right, support),
                    f1: ratio(2 * right, support + predicted),
                    support,
                    predicted,
                }
            })
            .collect()
    }

    /// Mean recall over the classes that have cells.
    pub fn balanced_accuracy(&self) -> Result<f64, Undefined> {
        mean(self.per_class().iter().filter(|class| class.support > 0).map(|class| class.recall))
    }

    /// Mean F1 over the classes present in truth or prediction. `unassigned` is no class: it costs recall.
    pub fn macro_f1(&self) -> Result<f64, Undefined> {
        mean(
            self.per_class().iter().filter(|class| class.support + class.predicted > 0).map(|class| class.f1),
        )
    }

    /// F1 of all decisions together: with every cell assigned, the accuracy; `unassigned` costs recall only.
    pub fn micro_f1(&self) -> Result<f64, Undefined> {
        match self.n_cells() {
            0 => Err(Undefined("no cells")),
            n => Ok(2.0 * self.correct() as f64 / (2 * n - self.n_unassigned()) as f64),
        }
    }

    /// F1 averaged with the classes' numbers of cells as weights.
    pub fn weighted_f1(&self) -> Result<f64, Undefined> {
        let n = self.n_cells();
        let sum: f64 = self.per_class().iter().map(|class| class.f1 * class.support as f64).sum();
        if n == 0 { Err(Undefined("no cells")) } else { Ok(sum / n as f64) }
    }

    /// Cohen's kappa: agreement beyond what the marginals give by chance.
    pub fn kappa(&self) -> Result<f64, Undefined> {
        let n = self.n_cells() as f64;
        let by_chance: f64 = self.support_by_predicted() / n;
        if n == 0.0 || by_chance >= n {
            return Err(Undefined("truth and prediction name one class only"));
        }
        Ok(1.0 - (n - self.correct() as f64) / (n - by_chance))
    }

    /// Matthews' correlation coefficient for several classes (Gorodkin 2004); 0 where one side is constant.
    pub fn mcc(&self) -> Result<f64, Undefined> {
        let n = self.n_cells() as f64;
        if n == 0.0 {
            return Err(Undefined("no cells"));
        }
        let squares =
            |of: &dyn Fn(usize) -> u64, to: usize| (0..to).map(|i| (of(i) as f64).powi(2)).sum::<f64>();
        let covariance = self.correct() as f64 * n - self.support_by_predicted();
        let truth = n * n - squares(&|class| self.support(class), self.n_classes);
        let predicted = n * n - squares(&|column| self.predicted(column), self.n_classes + 1);
        if truth * predicted == 0.0 { Ok(0.0) } else { Ok(covariance / (truth * predicted).sqrt()) }
    }

    /// Sum over classes of (cells of it) × (cells said to be of it).
    fn support_by_predicted(&self) -> f64 {
        (0..self.n_classes).map(|class| self.support(class) as f64 * self.predicted(class) as f64).sum()
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Result<f64, Undefined> {
    let (n, sum) = values.fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
    if n == 0 { Err(Undefined("no cells")) } else { Ok(sum / f64::from(n)) }
}

/// Mean of −ln p over cells, in nats; p is the probability given to the true class, clipped to [ε, 1 − ε].
pub fn log_loss(probability_of_truth: impl IntoIterator<Item = f64>, epsilon: f64) -> Result<f64, Undefined> {
    mean(probability_of_truth.into_iter().map(|p| -p.clamp(epsilon, 1.0 - epsilon).ln()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, codes, json};

    #[test]
    fn scores_are_those_of_scikit_learn_also_with_classes_that_are_only_predicted() {
        let (goldens, inputs) = (json("cls.json"), json("cls_inputs.json"));
        for (case, truth, predicted) in [("A", "y", "yp"), ("B_extra_pred_labels", "y2", "yp2")] {
            let expected = &goldens[case];
            let n_classes = expected["labels"].as_array().unwrap().len();
            let predicted: Vec<_> = codes(&inputs[predicted]).into_iter().map(Some).collect();
            let confusion = Confusion::of(&codes(&inputs[truth]), &predicted, n_classes);
            for (name, found) in [
                ("accuracy", confusion.accuracy()),
                ("balanced_accuracy", confusion.balanced_accuracy()),
                ("f1_macro", confusion.macro_f1()),
                ("f1_micro", confusion.micro_f1()),
                ("f1_weighted", confusion.weighted_f1()),
                ("kappa", confusion.kappa()),
                ("mcc", confusion.mcc()),
            ] {
                close(found.unwrap(), &expected[name], 1e-12);
            }
            for (class, score) in confusion.per_class().iter().enumerate() {
                close(score.f1, &expected["f1_per_class"][class], 1e-12);
                for other in 0..n_classes {
                    assert_eq!(expected["confusion"][class][other], confusion.count(class, other));
                }
            }
        }
    }

    #[test]
    fn log_loss_is_that_of_scikit_learn() {
        let (goldens, inputs) = (json("cls.json"), json("cls_inputs.json"));
        let truth = codes(&inputs["y"]);
        let of_truth = truth.iter().enumerate().map(|(i, &y)| inputs["P"][i][y as usize].as_f64().unwrap());
        close(log_loss(of_truth, f64::EPSILON).unwrap(), &goldens["A_prob"]["log_loss"], 1e-12);
    }

    /// Two of three cells right, one unassigned: by hand, F1 = 1 and 2/3, and no third class is averaged.
    #[test]
    fn an_unassigned_cell_costs_recall_but_is_no_class() {
        let confusion = Confusion::of(&[0, 1, 1], &[Some(0), Some(1), None], 2);
        assert_eq!(confusion.n_unassigned(), 1);
        assert_eq!(confusion.accuracy(), Ok(2.0 / 3.0));
        assert!((confusion.macro_f1().unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(confusion.balanced_accuracy(), Ok(0.75));
    }

    #[test]
    fn without_cells_or_with_one_class_there_is_a_reason_instead_of_a_number() {
        assert_eq!(Confusion::new(3).accuracy(), Err(Undefined("no cells")));
        assert!(Confusion::of(&[0, 0], &[Some(0), Some(0)], 2).kappa().is_err());
    }
}
