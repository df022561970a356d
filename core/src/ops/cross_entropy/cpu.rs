use super::{CrossEntropy, NllSums};
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    /// Writes e^(x - max) over x; returns (max, sum).
    fn exponentials<'a, T, V>(x: &'a mut [T]) -> (T, T) {
        let max = x.iter().fold(x[0], |a, &b| if b > a { b } else { a });
        let whole = x.len() / V::LANES * V::LANES;
        let mut sum = V::zero();
        for c in (0..whole).step_by(V::LANES) {
            let e = (V::at(x, c) - V::splat(max)).exp();
            sum = sum + e;
            e.put(x, c);
        }
        let mut total = sum.sum();
        for x in &mut x[whole..] {
            *x = (*x - max).exp();
            total += *x;
        }
        (max, total)
    }
}

impl<T: Real> CrossEntropy for Cpu<T> {
    type Sums = NllSums;

    fn nll_sums(&self, sums: &NllSums) -> Result<NllSums> {
        Ok(*sums)
    }

    fn cross_entropy(
        &self,
        logits: &mut Tensor<Self>,
        targets: &Vec<u32>,
        weights: Option<&[f32]>,
        scale: f64,
    ) -> Result<NllSums> {
        assert_eq!(logits.rows(), targets.len());
        let n = logits.cols();
        let mut sums = NllSums::default();
        for (r, (row, &target)) in logits.as_mut_slice().chunks_exact_mut(n).zip(targets).enumerate() {
            let target = target as usize;
            let weight = weights.map_or(1.0, |w| f64::from(w[r]));
            let logit = row[target];
            let is_largest = row.iter().all(|&x| x <= logit);
            let (max, sum) = exponentials(row);
            sums.nll += weight * (sum.to_f64().ln() + max.to_f64() - logit.to_f64());
            sums.n_correct += usize::from(is_largest);
            let share = T::from_f64(weight * scale / sum.to_f64());
            row.iter_mut().for_each(|x| *x = *x * share);
            row[target] -= T::from_f64(weight * scale);
        }
        Ok(sums)
    }
}
