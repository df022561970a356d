//! AdamW (Loshchilov & Hutter, arXiv 1711.05101) and clipping by the global norm.
//!
//! For every parameter p with gradient g, at step t counted from 1:
//! `p -= lr * decay * p`, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! `p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)`.

use rayon::prelude::*;

/// Numbers a task handles at once. Fixed, so that sums have the same shape on any number of threads.
const SLICE: usize = 1 << 14;

/// The constants of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay of the parameters that [`decays`] names.
    pub weight_decay: f64,
}

/// What one step applies to every parameter alike.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate.
    pub learning_rate: f64,
    /// Steps done with this one, from 1.
    pub t: u64,
    /// The gradient is multiplied by this first: see [`clip_factor`].
    pub gradient_factor: f64,
}

/// One parameter with all that belongs to it, equally long.
pub struct Slot<'a> {
    /// Its name in the checkpoint.
    pub name: &'a str,
    /// The numbers that learn.
    pub value: &'a mut [f32],
    /// Their gradient.
    pub gradient: &'a [f32],
    /// Mean of the gradient.
    pub first: &'a mut [f32],
    /// Mean of the gradient's square.
    pub second: &'a mut [f32],
}

/// Is this parameter drawn towards zero? Matrices and convolutions are; norms, biases, embeddings and the state-space
/// parameters `a_log` and `d` are not: there zero has no meaning as the simpler model.
pub fn decays(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    parts.next() == Some("weight")
        && !parts.next().is_some_and(|owner| owner.starts_with("norm"))
        && !name.starts_with("embed.")
}

impl AdamW {
    /// Moves one parameter by one step.
    pub fn update(&self, step: Step, slot: Slot<'_>) {
        let decay = if decays(slot.name) { self.weight_decay } else { 0.0 };
        let t = step.t as f64;
        let keep = (1.0 - step.learning_rate * decay) as f32;
        let rate = (step.learning_rate / (1.0 - libm::pow(self.beta1, t))) as f32;
        let unbias = libm::sqrt(1.0 - libm::pow(self.beta2, t)).recip() as f32;
        let (b1, b2, eps) = (self.beta1 as f32, self.beta2 as f32, self.eps as f32);
        let (c1, c2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        let factor = step.gradient_factor as f32;
        let n = slot.value.len();
        assert!(
            [slot.gradient.len(), slot.first.len(), slot.second.len()] == [n; 3],
            "`{}` has {n} numbers",
            slot.name
        );
        slot.value
            .par_chunks_mut(SLICE)
            .zip(slot.gradient.par_chunks(SLICE))
            .zip(slot.first.par_chunks_mut(SLICE).zip(slot.second.par_chunks_mut(SLICE)))
            .for_each(|((value, gradient), (first, second))| {
                for i in 0..value.len() {
                    let g = gradient[i] * factor;
                    let m = b1 * first[i] + c1 * g;
                    let v = b2 * second[i] + c2 * g * g;
                    value[i] = value[i] * keep - rate * m / (v.sqrt() * unbias + eps);
                    first[i] = m;
                    second[i] = v;
                }
            });
    }
}

/// Sum of squares of one tensor, in f64, the same bits on any number of threads.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let partial: Vec<f64> = values
        .par_chunks(SLICE)
        .map(|slice| slice.iter().map(|&x| f64::from(x) * f64::from(x)).sum())
        .collect();
    partial.iter().sum()
}

/// What to multiply the gradient by so that its global norm is at most `clip_norm`; 1 where `clip_norm` is 0.
pub fn clip_factor(norm: f64, clip_norm: f64) -> f64 {
    if clip_norm > 0.0 && norm > clip_norm { clip_norm / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    type Tensors = BTreeMap<String, Vec<f32>>;

    fn tensors(json: &serde_json::Value) -> Tensors {
        serde_json::from_value(json.clone()).unwrap()
    }

    /// `torch.optim.AdamW` after `clip_grad_norm_`, five steps; every second one is clipped.
    #[test]
    fn five_steps_agree_with_torch() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/adamw_torch.json")).unwrap();
        let adamw = AdamW { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.1 };
        let mut value = tensors(&golden["start"]);
        let mut first: Tensors = value.iter().map(|(name, x)| (name.clone(), vec![0.0; x.len()])).collect();
        let mut second = first.clone();
        for (i, step) in golden["steps"].as_array().unwrap().iter().enumerate() {
            let gradient = tensors(&step["grad"]);
            let norm = gradient.values().map(|g| sum_of_squares(g)).sum::<f64>().sqrt();
            // torch returns the norm in f32.
            assert!((norm / step["norm"].as_f64().unwrap() - 1.0).abs() < 1e-6);
            let at = Step {
                learning_rate: step["lr"].as_f64().unwrap(),
                t: i as u64 + 1,
                gradient_factor: clip_factor(norm, 1.0),
            };
            for (name, value) in &mut value {
                let (first, second) = (first.get_mut(name).unwrap(), second.get_mut(name).unwrap());
                adamw.update(at, Slot { name, value, gradient: &gradient[name], first, second });
            }
            for (name, expected) in tensors(&step["after"]) {
                for (found, expected) in value[&name].iter().zip(expected) {
                    // Torch adds 1e-6 to the norm when clipping; the rest is f32 rounding.
                    assert!((found - expected).abs() < 2e-6, "step {i} of {name}: {found}, torch {expected}");
                }
            }
        }
    }

    #[test]
    fn only_matrices_and_convolutions_decay() {
        let decayed = |name: &str| assert!(decays(name), "{name}");
        let kept = |name: &str| assert!(!decays(name), "{name}");
        decayed("encoder.layers.0.attn.qkv.weight");
        decayed("decoder.layers.1.backward.conv.weight");
        decayed("head.class.1.weight");
        kept("encoder.layers.0.norm1.weight");
        kept("decoder.layers.0.norm.weight");
        kept("decoder.norm.weight");
        kept("encoder.layers.0.attn.qkv.bias");
        kept("embed.gene.weight");
        kept("embed.value.weight");
        kept("embed.cls");
        kept("decoder.layers.0.forward.a_log");
        kept("decoder.layers.0.forward.d");
    }

    #[test]
    fn one_thread_and_three_give_the_same_bits() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let gradient: Vec<f32> = (0..3 * SLICE + 5).map(|i| (i as f32 * 0.37).sin()).collect();
                let mut value = vec![0.5; gradient.len()];
                let (mut first, mut second) = (vec![0.1; gradient.len()], vec![0.2; gradient.len()]);
                let norm = sum_of_squares(&gradient).sqrt();
                let step = Step { learning_rate: 1e-2, t: 3, gradient_factor: clip_factor(norm, 1.0) };
                let adamw = AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
                let name = "head.class.0.weight";
                let slot = Slot {
                    name,
                    value: &mut value,
                    gradient: &gradient,
                    first: &mut first,
                    second: &mut second,
                };
                adamw.update(step, slot);
                (norm.to_bits(), value)
            })
        };
        assert_eq!(run(1), run(3));
    }
}
