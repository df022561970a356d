//! Casts, sums and copies that are no operation of the model, only of its storage.

use super::{Address, Cuda, Driver, Dtype, kernels, number, pointer};
use crate::device::{Result, Tensor};

/// Numbers of a block where a thread has one, and where it has eight.
const ONE: usize = 256;
const EIGHT: usize = 2048;
/// Columns of a block of `add_parts`.
const PARTS_COLUMNS: usize = 32;

/// Groups of columns to be copied: see [`Cuda::regroup`].
#[derive(Clone, Copy)]
pub(crate) struct Groups {
    /// Of the first number.
    pub at: Address,
    /// Columns of a group.
    pub width: usize,
    /// Numbers from one row to the next.
    pub stride: usize,
}

impl<D: Driver> Cuda<D> {
    /// y = x as bf16
    pub(super) fn cast_bf16(&self, x: &Tensor<Self>, y: Address) -> Result<()> {
        assert_eq!(x.dtype(), Dtype::F32);
        let n = x.n_elements();
        let arguments = kernels::CastF32Bf16 { x: x.read(), y: pointer(y), n: number(n) };
        // SAFETY: y was made for as many bf16 numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(EIGHT), 1, 1]) }
    }

    /// y += x
    pub(super) fn add(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()> {
        let n = x.n_elements();
        let (grid, dtype) = ([n.div_ceil(EIGHT), 1, 1], y.dtype());
        let (x, y, n) = (x.read(), y.write(), number(n));
        // SAFETY: both hold n numbers of the same type.
        unsafe {
            match dtype {
                Dtype::Bf16 => self.launch(&kernels::AddBf16 { y, x, n }, grid),
                Dtype::F32 => self.launch(&kernels::AddF32 { y, x, n }, grid),
            }
        }
    }

    /// y += the sum of `n_parts` parts of `stride` numbers each, of which the first are y's.
    ///
    /// # Safety
    /// `parts` has room for them.
    pub(crate) unsafe fn add_parts(
        &self,
        parts: Address,
        n_parts: usize,
        stride: usize,
        y: &mut Tensor<Self>,
    ) -> Result<()> {
        assert_eq!(y.dtype(), Dtype::F32);
        let n = y.n_elements();
        let arguments = kernels::AddParts {
            parts: pointer(parts),
            y: y.write(),
            n: number(n),
            n_parts: number(n_parts),
            stride: number(stride),
        };
        // SAFETY: the caller's promise.
        unsafe { self.launch(&arguments, [n.div_ceil(PARTS_COLUMNS), 1, 1]) }
    }

    /// Copies `n_groups` groups of columns of `rows` rows into groups of another width: wider ones are filled with zeros,
    /// narrower ones cut off.
    ///
    /// # Safety
    /// Both places have room for the rows.
    pub(crate) unsafe fn regroup(
        &self,
        dtype: Dtype,
        rows: usize,
        n_groups: usize,
        from: Groups,
        to: Groups,
    ) -> Result<()> {
        let n = rows * n_groups * to.width;
        let grid = [n.div_ceil(ONE), 1, 1];
        let (x, y, n, n_groups) = (pointer(from.at), pointer(to.at), number(n), number(n_groups));
        let (x_width, y_width) = (number(from.width), number(to.width));
        let (x_stride, y_stride) = (number(from.stride), number(to.stride));
        // SAFETY: the caller's promise.
        unsafe {
            match dtype {
                Dtype::Bf16 => {
                    let arguments =
                        kernels::RegroupBf16 { x, y, n, n_groups, x_width, y_width, x_stride, y_stride };
                    self.launch(&arguments, grid)
                }
                Dtype::F32 => {
                    let arguments =
                        kernels::RegroupF32 { x, y, n, n_groups, x_width, y_width, x_stride, y_stride };
                    self.launch(&arguments, grid)
                }
            }
        }
    }
}
