use super::Rows;
use crate::device::cpu::stale;
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};

simd_kernel! {
    fn scatter_add<'a, T, V>(y: &'a [T], rows: &'a [u32], n: usize, x: &'a mut [T]) {
        for (y, &row) in y.chunks_exact(n).zip(rows) {
            let x = &mut x[row as usize * n..][..n];
            for c in (0..n).step_by(V::LANES) {
                (V::at(x, c) + V::at(y, c)).put(x, c);
            }
        }
    }
}

impl<T: Real> Rows for Cpu<T> {
    fn gather_rows(&self, x: &Tensor<Self>, rows: &Vec<u32>) -> Result<Tensor<Self>> {
        let n = x.cols();
        let mut y = stale(&[rows.len(), n]);
        for (y, &row) in y.as_mut_slice().chunks_exact_mut(n).zip(rows) {
            y.copy_from_slice(&x.as_slice()[row as usize * n..][..n]);
        }
        Ok(y)
    }

    fn scatter_add_rows(&self, y: &Tensor<Self>, rows: &Vec<u32>, x: &mut Tensor<Self>) -> Result<()> {
        assert_eq!((y.rows(), y.cols()), (rows.len(), x.cols()));
        scatter_add(y.as_slice(), rows, y.cols(), x.as_mut_slice());
        Ok(())
    }

    fn expect_scatter(&self, _: &Vec<u32>) -> Result<()> {
        Ok(())
    }

    fn select(&self, of: &Vec<u32>, which: &Vec<u32>) -> Result<Vec<u32>> {
        Ok(which.iter().map(|&i| of[i as usize]).collect())
    }
}
