//! Multinomial logistic regression with an L2 penalty, fitted by L-BFGS.

use panfoma_core::dense::{View, inner_product, product};
use std::collections::VecDeque;

/// Pairs of steps and gradient changes that L-BFGS remembers.
const MEMORY: usize = 10;
const MAX_ITERATIONS: usize = 200;
/// Logits are computed in f32, so the objective is known to about 1e-7 of itself; finer steps are noise.
const TOLERANCE: f64 = 1e-7;

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Logistic {
    /// [features × classes], then [classes] intercepts.
    parameters: Vec<f64>,
    n_features: usize,
    n_classes: usize,
}

impl Logistic {
    /// Minimises mean cross-entropy + l2 / 2 · |W|² from `start` on; intercepts are not penalised.
    ///
    /// x: [n × features], standardised   y: [n] codes below `n_classes`.
    /// `l2` is 1 / (n C) in scikit-learn's terms.
    pub fn fit(x: &[f32], y: &[u32], n_classes: usize, l2: f64, start: Option<&Logistic>) -> Self {
        let n_features = x.len() / y.len();
        let n_parameters = (n_features + 1) * n_classes;
        let parameters = start.map_or_else(|| vec![0.0; n_parameters], |start| start.parameters.clone());
        let problem = Problem { x: View::new(x, y.len(), n_features), y, n_features, n_classes, l2 };
        Self { parameters: minimize(parameters, |w| problem.value_and_gradient(w)), n_features, n_classes }
    }

    /// Class probabilities, [n × classes].
    pub fn probabilities(&self, x: &[f32]) -> Vec<f32> {
        let x = View::new(x, x.len() / self.n_features, self.n_features);
        softmax(logits(x, &self.parameters, self.n_features, self.n_classes), self.n_classes)
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

/// L-BFGS with step halving (Nocedal & Wright, algorithm 7.5).
fn minimize(mut w: Vec<f64>, value_and_gradient: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let (mut value, mut gradient) = value_and_gradient(&w);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..MAX_ITERATIONS {
        let mut direction = descent(&gradient, &memory);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        let mut step =
            if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1e-12) } else { 1.0 };
        let accepted = (0..30).find_map(|_| {
            let next: Vec<f64> = w.iter().zip(&direction).map(|(w, d)| w + step * d).collect();
            let (next_value, next_gradient) = value_and_gradient(&next);
            if next_value <= value + 1e-4 * step * slope {
                return Some((next, next_value, next_gradient));
            }
            step /= 2.0;
            None
        });
        let Some((next, next_value, next_gradient)) = accepted else { break };
        let s: Vec<f64> = next.iter().zip(&w).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&s, &y) > 1e-12 * dot(&y, &y) {
            memory.push_back((s, y));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        let gain = value - next_value;
        (w, value, gradient) = (next, next_value, next_gradient);
        if gain <= TOLERANCE * value.abs() {
            break;
        }
    }
    w
}

/// −H g by the two-loop recursion.
fn descent(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut alphas = Vec::new();
    for (s, y) in memory.iter().rev() {
        let alpha = dot(s, &q) / dot(s, y);
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= alpha * y);
        alphas.push(alpha);
    }
    if let Some((s, y)) = memory.back() {
        let scale = dot(s, y) / dot(y, y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y), alpha) in memory.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(y, &q) / dot(s, y);
        q.iter_mut().zip(s).for_each(|(q, s)| *q += (alpha - beta) * s);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{json, pbmc};

    /// scikit-learn 1.9.1 on the 700 cells, columns divided by their standard deviation,
    /// `LogisticRegression(C=1/7, tol=1e-10)`, which is l2 = 0.01: its mean cross-entropy, its accuracy on the
    /// training cells, and the probabilities of the first cell. 2e-3: both stop within their tolerance of the minimum.
    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        let expected = json("logistic.json");
        let (points, labels, _) = pbmc();
        let scale: Vec<f64> =
            expected["scale"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
        let x: Vec<f32> = points.iter().zip(scale.iter().cycle()).map(|(x, s)| (x / s) as f32).collect();
        let model = Logistic::fit(&x, &labels, 10, 0.01, None);
        let probabilities = model.probabilities(&x);
        let loss: f64 = labels
            .iter()
            .enumerate()
            .map(|(i, &y)| -f64::from(probabilities[i * 10 + y as usize]).ln())
            .sum::<f64>();
        let expected_loss = expected["loss"].as_f64().unwrap();
        assert!((loss / 700.0 - expected_loss).abs() < 2e-3, "{} {expected_loss}", loss / 700.0);
        for (found, expected) in probabilities.iter().zip(expected["first"].as_array().unwrap()) {
            assert!((f64::from(*found) - expected.as_f64().unwrap()).abs() < 2e-3, "{found} {expected}");
        }
    }
}
