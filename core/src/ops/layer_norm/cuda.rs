use super::LayerNorm;
use crate::device::cuda::{Cuda, Driver, Dtype, by_width, kernels, number};
use crate::device::{Result, Tensor};

/// Rows of a block of the forward kernel: a warp has one.
const ROWS: usize = 8;
/// Most blocks of the backward kernel: two for every processor of the largest GPU. It is part of the arithmetic.
pub(in crate::ops) const BLOCKS: usize = 264;

impl<D: Driver> LayerNorm for Cuda<D> {
    fn layer_norm(
        &self,
        x: &Tensor<Self>,
        w: &Tensor<Self>,
        b: &Tensor<Self>,
        eps: f64,
    ) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let (rows, cols) = (x.rows(), x.cols());
        assert_eq!((w.cols(), b.cols(), x.dtype()), (cols, cols, Dtype::Bf16));
        assert_eq!((w.dtype(), b.dtype()), (Dtype::F32, Dtype::F32));
        let mut y = self.unwritten(x.shape(), Dtype::Bf16)?;
        let mut stats = self.unwritten(&[rows, 2], Dtype::F32)?;
        let grid = [rows.div_ceil(ROWS), 1, 1];
        // SAFETY: the tensors have these rows and columns.
        unsafe {
            by_width!(
                self,
                cols,
                grid,
                LayerNormFwdV1
                    | LayerNormFwdV2
                    | LayerNormFwdV4 {
                        x: x.read(),
                        w: w.read(),
                        b: b.read(),
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

    fn layer_norm_backward(
        &self,
        x: &Tensor<Self>,
        stats: &Tensor<Self>,
        w: &Tensor<Self>,
        dy: &Tensor<Self>,
        dw: &mut Tensor<Self>,
        db: &mut Tensor<Self>,
        dx: &mut Tensor<Self>,
    ) -> Result<()> {
        let (rows, cols) = (x.rows(), x.cols());
        assert_eq!((x.shape(), x.shape()), (dy.shape(), dx.shape()));
        assert_eq!([x, dy, dx].map(|x| x.dtype()), [Dtype::Bf16; 3]);
        assert_eq!((w.dtype(), w.cols(), dw.cols(), db.cols()), (Dtype::F32, cols, cols, cols));
        let blocks = rows.div_ceil(ROWS).min(BLOCKS);
        let mut parts = self.unwritten(&[blocks, 2, cols], Dtype::F32)?;
        // SAFETY: the tensors have these rows and columns, and parts two rows for each block.
        unsafe {
            by_width!(
                self,
                cols,
                [blocks, 1, 1],
                LayerNormBwdV1
                    | LayerNormBwdV2
                    | LayerNormBwdV4 {
                        x: x.read(),
                        stats: stats.read(),
                        w: w.read(),
                        dy: dy.read(),
                        dx: dx.write(),
                        parts: parts.write(),
                        n_rows: number(rows),
                        cols: number(cols),
                    }
            )?;
            self.add_parts(parts.at(), blocks, 2 * cols, dw)?;
            self.add_parts(parts.at() + (4 * cols) as u64, blocks, 2 * cols, db)
        }
    }
}
