use super::Linear;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Device, Real, Result, Tensor};
use crate::ops::matmul::{Matmul, Matrix};

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

impl<T: Real> Linear for Cpu<T> {
    fn linear(
        &self,
        x: &Tensor<Self>,
        weight: &Tensor<Self>,
        bias: Option<&Tensor<Self>>,
        residual: Option<&Tensor<Self>>,
    ) -> Result<Tensor<Self>> {
        let product = (Matrix::of(x), Matrix::of(weight).t());
        let mut y = match (bias, residual) {
            (None, None) => return self.matmul(product.0, product.1),
            (None, Some(residual)) => self.copy(residual)?,
            (Some(bias), _) => {
                let mut y = stale(&[x.rows(), bias.cols()]);
                match residual {
                    None => {
                        let rows = y.as_mut_slice().chunks_exact_mut(bias.cols());
                        rows.for_each(|y| y.copy_from_slice(bias.as_slice()));
                    }
                    Some(residual) => {
                        assert_eq!(residual.shape(), y.shape());
                        add_rows(residual.as_slice(), bias.as_slice(), y.as_mut_slice());
                    }
                }
                y
            }
        };
        self.matmul_add(product.0, product.1, &mut y)?;
        Ok(y)
    }

    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()> {
        assert_eq!(dy.cols(), dbias.cols());
        sum_rows(dy.as_slice(), dbias.as_mut_slice());
        Ok(())
    }
}
