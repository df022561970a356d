use super::Linear;
use crate::device::cuda::{Cuda, Driver, Dtype, Operand, Product, kernels, number};
use crate::device::{Result, Tensor};
use crate::ops::matmul::Matrix;
use crate::ops::matmul::cuda::operand;

/// Columns of a block of `column_sums`.
const COLUMNS: usize = 64;
/// Most parts a sum over rows is cut in, and fewest rows of a part.
const PARTS: usize = 512;
const ROWS: usize = 64;

/// Rows of a part of a sum over `rows`.
fn rows_per_part(rows: usize) -> usize {
    rows.div_ceil(PARTS).max(ROWS)
}

impl<D: Driver> Linear for Cuda<D> {
    fn linear(
        &self,
        x: &Tensor<Self>,
        weight: &Tensor<Self>,
        bias: Option<&Tensor<Self>>,
        residual: Option<&Tensor<Self>>,
    ) -> Result<Tensor<Self>> {
        let (m, n, k) = (x.rows(), weight.rows(), weight.cols());
        assert_eq!((x.cols(), bias.map_or(n, Tensor::cols)), (k, n));
        let mut y = self.unwritten(&[m, n], Dtype::Bf16)?;
        if let Some(residual) = residual {
            assert_eq!((residual.shape(), residual.dtype()), (y.shape(), y.dtype()));
        }
        let product = Product {
            m,
            n,
            k,
            a: operand(self, &Matrix::of(x))?,
            b: operand(self, &Matrix::of(weight).t())?,
            y: Operand { at: y.at_mut(), stride: n, transposed: false },
            dtype: Dtype::Bf16,
            onto: residual.map(Tensor::at),
            bias: bias.map(|bias| self.half(bias)).transpose()?,
        };
        // SAFETY: the assertions above keep the matrices inside their tensors.
        unsafe { self.driver().multiply(product)? };
        Ok(y)
    }

    fn bias_backward(&self, dy: &Tensor<Self>, dbias: &mut Tensor<Self>) -> Result<()> {
        assert_eq!((dy.cols(), dy.dtype(), dbias.dtype()), (dbias.cols(), Dtype::Bf16, Dtype::F32));
        let (rows, cols) = (dy.rows(), dy.cols());
        let rows_per_part = rows_per_part(rows);
        let n_parts = rows.div_ceil(rows_per_part);
        let mut parts = self.unwritten(&[n_parts, cols], Dtype::F32)?;
        let arguments = kernels::ColumnSums {
            x: dy.read(),
            parts: parts.write(),
            n_rows: number(rows),
            cols: number(cols),
            rows_per_part: number(rows_per_part),
        };
        // SAFETY: dy has these rows and columns, and parts a row for each part.
        unsafe { self.launch(&arguments, [cols.div_ceil(COLUMNS), n_parts, 1])? };
        // SAFETY: parts and dbias have these columns.
        unsafe { self.add_parts(parts.at(), n_parts, cols, dbias) }
    }
}
