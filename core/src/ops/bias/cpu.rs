use super::Bias;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn add_rows<'a, T, V>(x: &'a [T], bias: &'a [T], y: &'a mut [T]) {
        for (x, y) in x.chunks_exact(bias.len()).zip(y.chunks_exact_mut(bias.len())) {
            for c in (0..bias.len()).step_by(V::LANES) {
                (V::at(x, c) + V::at(bias, c)).put(y, c);
            }
        }
    }
}

simd_kernel! {
    fn sum_rows<'a, T, V>(dy: &'a [T], dbias: &'a mut [T]) {
        let cols = dbias.len();
        for dy in dy.chunks_exact(cols) {
            for c in (0..cols).step_by(V::LANES) {
                (V::at(dbias, c) + V::at(dy, c)).put(dbias, c);
            }
        }
    }
}

impl<T: Real> Bias for Cpu<T> {
    fn bias_rows(&self, bias: &Tensor<Self>, rows: usize) -> Result<Tensor<Self>> {
        let mut y = stale(&[rows, bias.cols()]);
        y.as_mut_slice().chunks_exact_mut(bias.cols()).for_each(|y| y.copy_from_slice(bias.as_slice()));
        Ok(y)
    }

    fn add_bias(&self, x: &Tensor<Self>, bias: &Tensor<Self>) -> Result<Tensor<Self>> {
        assert_eq!(x.cols(), bias.cols());
        let mut y = stale(x.shape());
        add_rows(x.as_slice(), bias.as_slice(), y.as_mut_slice());
        Ok(y)
    }

    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()> {
        assert_eq!(dy.cols(), dbias.cols());
        sum_rows(dy.as_slice(), dbias.as_mut_slice());
        Ok(())
    }
}
