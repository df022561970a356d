//! Multinomial logistic regression with an L2 or L1 penalty.

use super::lbfgs::{Lasso, minimize};
use panfoma_core::dense::{View, inner_product, product};

/// What keeps weights small; intercepts are free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// strength / 2 · |W|².
    L2(f64),
    /// strength · Σ |W|: most weights are 0.
    L1(f64),
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Logistic {
    /// [features × classes], then [classes] intercepts.
    parameters: Vec<f64>,
    n_features: usize,
    n_classes: usize,
}

impl Logistic {
    /// Minimises mean cross-entropy + penalty from `start` on.
    ///
    /// x: [n × features], standardised   y: [n] codes below `n_classes`.
    /// The strength is 1 / (n C) in scikit-learn's terms.
    pub fn fit(x: &[f32], y: &[u32], n_classes: usize, penalty: Penalty, start: Option<&Logistic>) -> Self {
        let n_features = x.len() / y.len();
        let n_parameters = (n_features + 1) * n_classes;
        let parameters = start.map_or_else(|| vec![0.0; n_parameters], |start| start.parameters.clone());
        let (l2, l1) = match penalty {
            Penalty::L2(l2) => (l2, 0.0),
            Penalty::L1(l1) => (0.0, l1),
        };
        let problem = Problem { x: View::new(x, y.len(), n_features), y, n_features, n_classes, l2 };
        let lasso = Lasso { l1, n_penalized: n_features * n_classes };
        let parameters = minimize(parameters, lasso, |w| problem.value_and_gradient(w));
        Self { parameters, n_features, n_classes }
    }

    /// Class probabilities, [n × classes].
    pub fn probabilities(&self, x: &[f32]) -> Vec<f32> {
        let x = View::new(x, x.len() / self.n_features, self.n_features);
        softmax(logits(x, &self.parameters, self.n_features, self.n_classes), self.n_classes)
    }

    /// Features with a weight other than 0 for any class.
    pub fn n_used(&self) -> usize {
        let weights = self.parameters[..self.n_features * self.n_classes].chunks_exact(self.n_classes);
        weights.filter(|of_feature| of_feature.iter().any(|&w| w != 0.0)).count()
    }
}

struct Problem<'a> {
    x: View<'a, f32>,
    y: &'a [u32],
    n_features: usize,
    n_classes: usize,
    l2: f64,
}

impl Problem<'_> {
    fn value_and_gradient(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        let (p, k, n) = (self.n_features, self.n_classes, self.y.len() as f64);
        let mut residual = softmax(logits(self.x, parameters, p, k), k);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; parameters.len()];
        for (row, &y) in residual.chunks_exact_mut(k).zip(self.y) {
            loss -= f64::from(row[y as usize].max(f32::MIN_POSITIVE)).ln();
            row[y as usize] -= 1.0;
            gradient[p * k..].iter_mut().zip(row).for_each(|(g, r)| *g += f64::from(*r) / n);
        }
        let products = inner_product(self.x, View::new(&residual, self.y.len(), k));
        let mut penalty = 0.0;
        for ((g, product), w) in gradient.iter_mut().zip(products).zip(&parameters[..p * k]) {
            *g = f64::from(product) / n + self.l2 * w;
            penalty += w * w;
        }
        (loss / n + self.l2 / 2.0 * penalty, gradient)
    }
}

fn logits(x: View<f32>, parameters: &[f64], n_features: usize, n_classes: usize) -> Vec<f32> {
    let weights: Vec<f32> = parameters.iter().map(|&w| w as f32).collect();
    let (weights, intercepts) = weights.split_at(n_features * n_classes);
    let mut logits = product(x, View::new(weights, n_features, n_classes));
    logits.iter_mut().zip(intercepts.iter().cycle()).for_each(|(logit, intercept)| *logit += intercept);
    logits
}

fn softmax(mut logits: Vec<f32>, n_classes: usize) -> Vec<f32> {
    for row in logits.chunks_exact_mut(n_classes) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|logit| *logit = (*logit - max).exp());
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= sum);
    }
    logits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{json, pbmc};
    use serde_json::Value;

    fn check(expected: &Value, penalty: Penalty, tolerance: f64) -> Logistic {
        let scale = json("logistic.json")["scale"].clone();
        let scale: Vec<f64> = scale.as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
        let (points, labels, _) = pbmc();
        let x: Vec<f32> = points.iter().zip(scale.iter().cycle()).map(|(x, s)| (x / s) as f32).collect();
        let model = Logistic::fit(&x, &labels, 10, penalty, None);
        let probabilities = model.probabilities(&x);
        let loss: f64 = labels
            .iter()
            .enumerate()
            .map(|(i, &y)| -f64::from(probabilities[i * 10 + y as usize]).ln())
            .sum::<f64>();
        let expected_loss = expected["loss"].as_f64().unwrap();
        assert!((loss / 700.0 - expected_loss).abs() < tolerance, "{} {expected_loss}", loss / 700.0);
        for (found, expected) in probabilities.iter().zip(expected["first"].as_array().unwrap()) {
            assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < tolerance, "{found} {expected}");
        }
        model
    }

    /// scikit-learn 1.9.1 on the 700 cells, columns divided by their standard deviation,
    /// `LogisticRegression(C=1/7, tol=1e-10)`, which is l2 = 0.01: its mean cross-entropy, its accuracy on the
    /// training cells, and the probabilities of the first cell. 2e-3: both stop within their tolerance of the minimum.
    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        check(&json("logistic.json"), Penalty::L2(0.01), 2e-3);
    }

    /// The same with `l1_ratio=1`, solver `saga`; `n_used` features have a weight for any class. Near the minimum weights
    /// below 1e-3 come and go, hence two features more or less.
    #[test]
    fn the_lasso_is_that_of_scikit_learn() {
        let expected = &json("cls_more.json")["logistic_l1"];
        let model = check(expected, Penalty::L1(0.01), 2e-3);
        let n_used = expected["n_used"].as_u64().unwrap();
        assert!((model.n_used() as u64).abs_diff(n_used) <= 2, "{} {n_used}", model.n_used());
    }
}
