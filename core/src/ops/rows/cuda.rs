use super::Rows;
use crate::device::cuda::{Cuda, Driver, Dtype, Index, kernels, number};
use crate::device::{Result, Tensor};

/// Threads of a block; a thread has eight columns of a row.
const THREADS: usize = 256;

fn grid(rows: usize, cols: usize) -> [usize; 3] {
    assert!(cols.is_multiple_of(8), "{cols} columns");
    [(rows * cols / 8).div_ceil(THREADS), 1, 1]
}

impl<D: Driver> Rows for Cuda<D> {
    fn gather_rows(&self, x: &Tensor<Self>, rows: &Index<D>) -> Result<Tensor<Self>> {
        let cols = x.cols();
        let mut y = self.unwritten(&[rows.len(), cols], Dtype::Bf16)?;
        let grid = grid(rows.len(), cols);
        let (dtype, x, y_at) = (x.dtype(), x.read(), y.write());
        let (rows, n_rows, cols) = (rows.read(), number(rows.len()), number(cols));
        // SAFETY: the rows are numbers of rows of x, as for every backend; y has a row for each.
        unsafe {
            match dtype {
                Dtype::Bf16 => {
                    self.launch(&kernels::GatherRowsBf16 { x, rows, y: y_at, n_rows, cols }, grid)?;
                }
                Dtype::F32 => {
                    self.launch(&kernels::GatherRowsF32 { x, rows, y: y_at, n_rows, cols }, grid)?;
                }
            }
        }
        Ok(y)
    }

    fn scatter_add_rows(&self, y: &Tensor<Self>, rows: &Index<D>, x: &mut Tensor<Self>) -> Result<()> {
        assert_eq!((y.rows(), y.cols()), (rows.len(), x.cols()));
        if let Some(segments) = rows.segments(self)? {
            return segments.add(self, y, x);
        }
        assert_eq!((y.dtype(), x.dtype()), (Dtype::Bf16, Dtype::Bf16));
        let arguments = kernels::ScatterRowsAdd {
            y: y.read(),
            rows: rows.read(),
            x: x.write(),
            n_rows: number(rows.len()),
            cols: number(y.cols()),
        };
        // SAFETY: the rows are numbers of rows of x, none twice.
        unsafe { self.launch(&arguments, grid(rows.len(), y.cols())) }
    }

    fn expect_scatter(&self, rows: &Index<D>) -> Result<()> {
        rows.segments(self).map(|_| ())
    }

    fn select(&self, of: &Index<D>, which: &Index<D>) -> Result<Index<D>> {
        let mut y = self.unwritten_index(which.len())?;
        let arguments =
            kernels::Select { of: of.read(), which: which.read(), y: y.write(), n: number(which.len()) };
        // SAFETY: `which` are places of `of`, as for every backend; y has room for each.
        unsafe { self.launch(&arguments, [which.len().div_ceil(THREADS), 1, 1])? };
        Ok(y)
    }
}
