//! What a validation says of predicted classes.

/// Predictions of labelled cells, counted by pairs of (truth, prediction).
#[derive(Clone, Debug)]
pub struct Scores {
    n_classes: usize,
    /// [truth][prediction]
    confusion: Vec<u64>,
    nll: f64,
}

impl Scores {
    /// No cell yet.
    pub fn new(n_classes: usize) -> Self {
        Self { n_classes, confusion: vec![0; n_classes * n_classes], nll: 0.0 }
    }

    /// Adds one cell. logits: [n_classes]; of equal ones the first is predicted.
    pub fn add(&mut self, logits: &[f32], truth: u32) {
        let best = (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        let highest = f64::from(logits[best]);
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - highest).exp()).sum();
        self.nll += highest + sum.ln() - f64::from(logits[truth as usize]);
        self.confusion[truth as usize * self.n_classes + best] += 1;
    }

    /// Cells.
    pub fn n(&self) -> u64 {
        self.confusion.iter().sum()
    }

    /// Mean cross-entropy, in nats.
    pub fn loss(&self) -> f64 {
        self.nll / self.n() as f64
    }

    /// Part of the cells whose class was predicted.
    pub fn accuracy(&self) -> f64 {
        (0..self.n_classes).map(|class| self.at(class, class)).sum::<u64>() as f64 / self.n() as f64
    }

    /// Mean F1 over the classes that are true or predicted anywhere, as scikit-learn's `f1_score(average="macro")`.
    pub fn macro_f1(&self) -> f64 {
        let f1 = |class: usize| {
            let truth: u64 = (0..self.n_classes).map(|other| self.at(class, other)).sum();
            let predicted: u64 = (0..self.n_classes).map(|other| self.at(other, class)).sum();
            (truth + predicted > 0).then(|| 2.0 * self.at(class, class) as f64 / (truth + predicted) as f64)
        };
        let present: Vec<f64> = (0..self.n_classes).filter_map(f1).collect();
        present.iter().sum::<f64>() / present.len() as f64
    }

    /// Part of the cells that are of class `class`.
    pub fn share(&self, class: usize) -> f64 {
        (0..self.n_classes).map(|other| self.at(class, other)).sum::<u64>() as f64 / self.n() as f64
    }

    fn at(&self, truth: usize, predicted: usize) -> u64 {
        self.confusion[truth * self.n_classes + predicted]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    /// scikit-learn 1.7: `y = [0, 0, 1, 1, 2]`, `p = [0, 1, 1, 1, 0]`: f1_score(average="macro") = 0.4333333333333333,
    /// accuracy_score = 0.6; a fourth class that nobody has does not count.
    #[test]
    fn macro_f1_and_accuracy_are_those_of_scikit_learn() {
        let mut scores = Scores::new(4);
        for (truth, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1), (2, 0)] {
            let mut logits = [0.0; 4];
            logits[predicted] = 1.0;
            scores.add(&logits, truth);
        }
        close(scores.macro_f1(), 0.433_333_333_333_333_3);
        close(scores.accuracy(), 0.6);
        close(scores.share(1), 0.4);
    }

    #[test]
    fn the_loss_is_the_cross_entropy_and_survives_large_logits() {
        let mut scores = Scores::new(2);
        scores.add(&[0.0, 0.0], 0);
        close(scores.loss(), std::f64::consts::LN_2);
        scores.add(&[1e4, 0.0], 0);
        close(scores.loss(), std::f64::consts::LN_2 / 2.0);
    }
}
