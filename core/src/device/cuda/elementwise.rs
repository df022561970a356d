//! Casts, sums and copies that are no operation of the model, only of its storage.

use super::{Address, Arguments, Cuda, Driver, Dtype};
use crate::device::{Result, Tensor};

/// Threads of a block, and numbers it handles where a thread handles one.
pub(crate) const BLOCK: usize = 256;

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
        // SAFETY: y was made for as many bf16 numbers.
        unsafe {
            let arguments = Arguments::new().address(x.at()).address(y).number(n);
            self.launch("pf_cast_bf16", [n.div_ceil(BLOCK), 1, 1], BLOCK, 0, &arguments)
        }
    }

    /// y += x
    pub(super) fn add(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()> {
        // Nothing of the model adds activations: products and norms do it on the way.
        assert_eq!((x.dtype(), y.dtype()), (Dtype::F32, Dtype::F32));
        let n = x.n_elements();
        // SAFETY: both hold n numbers.
        unsafe {
            let arguments = Arguments::new().address(x.at()).address(y.at_mut()).number(n);
            self.launch("pf_add_f32", [n.div_ceil(BLOCK), 1, 1], BLOCK, 0, &arguments)
        }
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
        let kernel = match dtype {
            Dtype::Bf16 => "pf_regroup_bf16",
            Dtype::F32 => "pf_regroup_f32",
        };
        let n = rows * n_groups * to.width;
        let arguments = Arguments::new().address(from.at).address(to.at).number(n).number(n_groups);
        let arguments = arguments.number(from.width).number(to.width).number(from.stride).number(to.stride);
        // SAFETY: the caller's promise.
        unsafe { self.launch(kernel, [n.div_ceil(BLOCK), 1, 1], BLOCK, 0, &arguments) }
    }
}
