use rayon::prelude::*;

use super::{AdamW, Parameter, Update};
use crate::device::{Cpu, Real, Result, Tensor};

/// Numbers a task handles at once. Fixed, so that sums have the same shape on any number of threads.
const SLICE: usize = 1 << 14;

impl<T: Real> AdamW for Cpu<T> {
    fn adamw(&self, update: &Update, parameters: Vec<Parameter<Self>>) -> Result<()> {
        parameters.into_iter().for_each(|parameter| moved(update, parameter));
        Ok(())
    }

    fn sum_of_squares(&self, tensors: &[&Tensor<Self>]) -> Result<f64> {
        Ok(tensors.iter().map(|tensor| sum_of_squares(tensor.as_slice())).sum())
    }
}

fn moved<T: Real>(update: &Update, parameter: Parameter<Cpu<T>>) {
    let wide = |x: f32| T::from_f64(f64::from(x));
    let keep = wide(parameter.keep(update));
    let Update { factor, keep: _, rate, unbias, b1, c1, b2, c2, eps } = *update;
    let [factor, rate, unbias] = [factor, rate, unbias].map(wide);
    let [b1, c1, b2, c2, eps] = [b1, c1, b2, c2, eps].map(wide);
    let Parameter { value, gradient, first, second, .. } = parameter;
    value
        .as_mut_slice()
        .par_chunks_mut(SLICE)
        .zip(gradient.as_slice().par_chunks(SLICE))
        .zip(first.as_mut_slice().par_chunks_mut(SLICE).zip(second.as_mut_slice().par_chunks_mut(SLICE)))
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

/// Sum of squares of one tensor, in f64, the same bits on any number of threads.
fn sum_of_squares<T: Real>(values: &[T]) -> f64 {
    let partial: Vec<f64> =
        values.par_chunks(SLICE).map(|slice| slice.iter().map(|&x| x.to_f64() * x.to_f64()).sum()).collect();
    partial.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::ops::adamw::{Constants, Step, clip_factor};
    use std::collections::BTreeMap;

    const B: Cpu = Cpu::new();

    type Tensors = BTreeMap<String, Tensor<Cpu>>;

    fn tensor(values: &[f32]) -> Tensor<Cpu> {
        B.upload(&[values.len()], values).unwrap()
    }

    fn tensors(json: &serde_json::Value) -> Tensors {
        let values: BTreeMap<String, Vec<f32>> = serde_json::from_value(json.clone()).unwrap();
        values.into_iter().map(|(name, values)| (name, tensor(&values))).collect()
    }

    /// `torch.optim.AdamW` after `clip_grad_norm_`, five steps; every second one is clipped.
    #[test]
    fn five_steps_agree_with_torch() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/adamw_torch.json")).unwrap();
        let adamw = Constants { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.1 };
        let mut value = tensors(&golden["start"]);
        let zeros = |x: &Tensors| -> Tensors {
            x.iter().map(|(name, x)| (name.clone(), B.zeros(x.shape()).unwrap())).collect()
        };
        let (mut first, mut second) = (zeros(&value), zeros(&value));
        for (i, step) in golden["steps"].as_array().unwrap().iter().enumerate() {
            let gradient = tensors(&step["grad"]);
            let norm = B.sum_of_squares(&gradient.values().collect::<Vec<_>>()).unwrap().sqrt();
            // torch returns the norm in f32.
            assert!((norm / step["norm"].as_f64().unwrap() - 1.0).abs() < 1e-6);
            let at = Step {
                learning_rate: step["lr"].as_f64().unwrap(),
                t: i as u64 + 1,
                gradient_factor: clip_factor(norm, 1.0),
            };
            let moments = first.values_mut().zip(second.values_mut());
            let parameters = value.iter_mut().zip(moments).map(|((name, value), (first, second))| {
                let decays = name == "encoder.layers.0.attn.qkv.weight";
                Parameter { decays, value, gradient: &gradient[name], first, second }
            });
            B.adamw(&adamw.update(at), parameters.collect()).unwrap();
            for (name, expected) in tensors(&step["after"]) {
                for (found, expected) in value[&name].as_slice().iter().zip(expected.as_slice()) {
                    // Torch adds 1e-6 to the norm when clipping; the rest is f32 rounding.
                    assert!((found - expected).abs() < 2e-6, "step {i} of {name}: {found}, torch {expected}");
                }
            }
        }
    }

    #[test]
    fn one_thread_and_three_give_the_same_bits() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let n = 3 * SLICE + 5;
                let gradient = tensor(&(0..n).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>());
                let mut value = tensor(&vec![0.5; n]);
                let (mut first, mut second) = (tensor(&vec![0.1; n]), tensor(&vec![0.2; n]));
                let norm = B.sum_of_squares(&[&gradient]).unwrap().sqrt();
                let step = Step { learning_rate: 1e-2, t: 3, gradient_factor: clip_factor(norm, 1.0) };
                let adamw = Constants { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
                let (gradient, first, second) = (&gradient, &mut first, &mut second);
                let parameter = Parameter { decays: true, value: &mut value, gradient, first, second };
                B.adamw(&adamw.update(step), vec![parameter]).unwrap();
                (norm.to_bits(), value.as_slice().to_vec())
            })
        };
        assert_eq!(run(1), run(3));
    }
}
