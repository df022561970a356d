//! Minimises a smooth function plus, if asked for, an L1 penalty.

use std::collections::VecDeque;

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 10;
const MAX_ITERATIONS: usize = 200;
/// Of the objective. Logits are computed in f32, so it is known to about 1e-7 of itself; what the last digits gain takes most
/// of the time and moves no prediction.
const TOLERANCE: f64 = 1e-6;

/// `l1` · Σ |w| over the first `n_penalized` parameters.
#[derive(Clone, Copy)]
pub struct Lasso {
    /// Strength; 0 for none.
    pub l1: f64,
    /// Parameters from here on are free.
    pub n_penalized: usize,
}

/// The parameters near the minimum of value + penalty, from `w` on.
///
/// Without penalty: L-BFGS with step halving (Nocedal & Wright, algorithm 7.5). With it: its orthant-wise form, which
/// follows the steepest subgradient and sets a parameter to 0 where it would change its sign (Andrew & Gao 2007).
pub fn minimize(
    mut w: Vec<f64>,
    lasso: Lasso,
    value_and_gradient: impl Fn(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let (mut value, mut gradient) = value_and_gradient(&w);
    value += lasso.penalty(&w);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..MAX_ITERATIONS {
        let steepest = lasso.subgradient(&w, &gradient);
        let mut direction = descent(&steepest, &memory);
        if lasso.l1 > 0.0 {
            // A parameter moves against its subgradient or not at all.
            direction.iter_mut().zip(&steepest).filter(|(d, g)| **d * **g >= 0.0).for_each(|(d, _)| *d = 0.0);
        }
        if dot(&direction, &steepest) >= 0.0 {
            memory.clear();
            direction = steepest.iter().map(|g| -g).collect();
        }
        let mut step =
            if memory.is_empty() { 1.0 / dot(&steepest, &steepest).sqrt().max(1e-12) } else { 1.0 };
        let accepted = (0..30).find_map(|_| {
            let next = lasso.stepped(&w, &direction, step, &steepest);
            let (smooth, next_gradient) = value_and_gradient(&next);
            let next_value = smooth + lasso.penalty(&next);
            let promised: f64 = next.iter().zip(&w).zip(&steepest).map(|((next, w), g)| (next - w) * g).sum();
            if next_value <= value + 1e-4 * promised {
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

impl Lasso {
    fn penalty(self, w: &[f64]) -> f64 {
        if self.l1 == 0.0 {
            0.0
        } else {
            self.l1 * w[..self.n_penalized].iter().map(|w| w.abs()).sum::<f64>()
        }
    }

    /// The subgradient of least length.
    fn subgradient(self, w: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut subgradient = gradient.to_vec();
        if self.l1 > 0.0 {
            for (g, &w) in subgradient[..self.n_penalized].iter_mut().zip(w) {
                *g = match w {
                    w if w > 0.0 => *g + self.l1,
                    w if w < 0.0 => *g - self.l1,
                    _ => g.signum() * (g.abs() - self.l1).max(0.0),
                };
            }
        }
        subgradient
    }

    /// `w` + `step` · `direction`; penalised parameters stop at 0 instead of changing sign.
    fn stepped(self, w: &[f64], direction: &[f64], step: f64, steepest: &[f64]) -> Vec<f64> {
        let mut next: Vec<f64> = w.iter().zip(direction).map(|(w, d)| w + step * d).collect();
        if self.l1 > 0.0 {
            for ((next, &w), g) in next[..self.n_penalized].iter_mut().zip(w).zip(steepest) {
                let side = if w == 0.0 { -g } else { w };
                if *next * side <= 0.0 {
                    *next = 0.0;
                }
            }
        }
        next
    }
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

    /// ½ Σ cᵢ (wᵢ − aᵢ)² + l1 |w| has its minimum at soft(aᵢ, l1 / cᵢ), by hand.
    #[test]
    fn the_lasso_shrinks_and_leaves_zeros() {
        let (a, c) = ([3.0, -0.05, -2.0, 0.4, 7.0], [1.0, 2.0, 0.5, 4.0, 1.0]);
        let lasso = Lasso { l1: 0.5, n_penalized: 4 };
        let found = minimize(vec![0.0, 1.0, 1.0, -1.0, 0.0], lasso, |w| {
            let gradient: Vec<f64> = (0..5).map(|i| c[i] * (w[i] - a[i])).collect();
            ((0..5).map(|i| 0.5 * c[i] * (w[i] - a[i]).powi(2)).sum(), gradient)
        });
        let expected = [2.5, 0.0, -1.0, 0.275, 7.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-3, "{found} {expected}");
        }
        assert_eq!(found[1], 0.0);
    }
}
