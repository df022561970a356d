use super::{MeanPool, Sequences};
use crate::device::cuda::{Cuda, Driver, Dtype, kernels, number};
use crate::device::{Result, Tensor};

/// Columns of a block of the forward kernel.
const COLUMNS: usize = 64;
/// Threads of a block of the backward kernel; a thread has eight columns of a row.
const THREADS: usize = 256;

impl<D: Driver> MeanPool for Cuda<D> {
    fn mean_pool(&self, x: &Tensor<Self>, sequences: &Sequences<Self>) -> Result<Tensor<Self>> {
        let cols = x.cols();
        assert_eq!((x.rows(), x.dtype(), cols % 8), (sequences.rows(), Dtype::Bf16, 0));
        let mut y = self.unwritten(&[sequences.n, cols], Dtype::Bf16)?;
        let arguments = kernels::MeanPoolFwd {
            x: x.read(),
            n_valid: sequences.n_valid.read(),
            y: y.write(),
            len: number(sequences.len),
            cols: number(cols),
        };
        // SAFETY: x has the rows of the sequences, y one for each.
        unsafe { self.launch(&arguments, [cols.div_ceil(COLUMNS), sequences.n, 1])? };
        Ok(y)
    }

    fn mean_pool_backward(
        &self,
        dy: &Tensor<Self>,
        sequences: &Sequences<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        let (rows, cols) = (sequences.rows(), dy.cols());
        assert_eq!((dy.rows(), dx.rows(), dx.cols(), cols % 8), (sequences.n, rows, cols, 0));
        assert_eq!((dy.dtype(), dx.dtype()), (Dtype::Bf16, Dtype::Bf16));
        let arguments = kernels::MeanPoolBwd {
            dy: dy.read(),
            n_valid: sequences.n_valid.read(),
            dx: dx.write(),
            n_rows: number(rows),
            len: number(sequences.len),
            cols: number(cols),
        };
        // SAFETY: dx has the rows of the sequences, dy one for each.
        unsafe { self.launch(&arguments, [(rows * cols / 8).div_ceil(THREADS), 1, 1]) }
    }
}
