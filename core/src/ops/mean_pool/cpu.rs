use super::{MeanPool, Sequences};
use crate::device::{Cpu, Device, Real, Result, Tensor};

impl<T: Real> MeanPool for Cpu<T> {
    fn mean_pool(&self, x: &Tensor<Self>, sequences: &Sequences<Self>) -> Result<Tensor<Self>> {
        let n = x.cols();
        let mut y = self.zeros(&[sequences.n, n])?;
        for (s, (&n_valid, y)) in
            sequences.n_valid.iter().zip(y.as_mut_slice().chunks_exact_mut(n)).enumerate()
        {
            for x in x.as_slice()[s * sequences.len * n..][..n_valid as usize * n].chunks_exact(n) {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
            }
            let share = T::ONE / T::from_f64(f64::from(n_valid));
            y.iter_mut().for_each(|y| *y = *y * share);
        }
        Ok(y)
    }

    fn mean_pool_backward(
        &self,
        dy: &Tensor<Self>,
        sequences: &Sequences<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        let n = dy.cols();
        for (s, (&n_valid, dy)) in sequences.n_valid.iter().zip(dy.as_slice().chunks_exact(n)).enumerate() {
            let share = T::ONE / T::from_f64(f64::from(n_valid));
            for dx in dx.as_mut_slice()[s * sequences.len * n..][..n_valid as usize * n].chunks_exact_mut(n) {
                dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * share);
            }
        }
        Ok(())
    }
}
