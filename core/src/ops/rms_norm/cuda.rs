use super::RmsNorm;
use crate::device::cuda::{Cuda, Driver, Dtype, by_width, kernels, number};
use crate::device::{Result, Tensor};
use crate::ops::layer_norm::cuda::BLOCKS;

/// Rows of a block of the forward kernel: a warp has one.
const ROWS: usize = 8;

impl<D: Driver> RmsNorm for Cuda<D> {
    fn rms_norm(&self, x: &Tensor<Self>, w: &Tensor<Self>, eps: f64) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let (rows, cols) = (x.rows(), x.cols());
        assert_eq!((w.cols(), x.dtype(), w.dtype()), (cols, Dtype::Bf16, Dtype::F32));
        let mut y = self.unwritten(x.shape(), Dtype::Bf16)?;
        let mut stats = self.unwritten(&[rows, 1], Dtype::F32)?;
        let grid = [rows.div_ceil(ROWS), 1, 1];
        // SAFETY: the tensors have these rows and columns.
        unsafe {
            by_width!(
                self,
                cols,
                grid,
                RmsNormFwdV1
                    | RmsNormFwdV2
                    | RmsNormFwdV4 {
                        x: x.read(),
                        w: w.read(),
                        y: y.write(),
                        stats: stats.write(),
                        n_rows: number(rows),
                        cols: number(cols),
                        eps: eps as f32,
                    }
            )?;
        }
        Ok((y, stats))
    }

    fn rms_norm_backward(
        &self,
        x: &Tensor<Self>,
        r: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        let (rows, cols) = (x.rows(), x.cols());
        assert_eq!((x.shape(), x.shape()), (dy.shape(), dx.shape()));
        assert_eq!([x, dy, dx].map(|x| x.dtype()), [Dtype::Bf16; 3]);
        assert_eq!((w.dtype(), w.cols(), dw.cols()), (Dtype::F32, cols, cols));
        let blocks = rows.div_ceil(ROWS).min(BLOCKS);
        let mut parts = self.unwritten(&[blocks, cols], Dtype::F32)?;
        // SAFETY: the tensors have these rows and columns, and parts a row for each block.
        unsafe {
            by_width!(
                self,
                cols,
                [blocks, 1, 1],
                RmsNormBwdV1
                    | RmsNormBwdV2
                    | RmsNormBwdV4 {
                        x: x.read(),
                        stats: r.read(),
                        w: w.read(),
                        dy: dy.read(),
                        dx: dx.write(),
                        parts: parts.write(),
                        n_rows: number(rows),
                        cols: number(cols),
                    }
            )?;
            self.add_parts(parts.at(), blocks, cols, dw)
        }
    }
}
