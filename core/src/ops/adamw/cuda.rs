use super::{AdamW, Update};
use crate::device::cuda::{Cuda, Driver, Dtype, kernels, number, pointer};
use crate::device::{Result, Tensor};

/// Numbers of a block of `adamw`, one a thread; and of `sum_of_squares`.
const NUMBERS: usize = 256;
const SQUARES: usize = 1 << 14;

impl<D: Driver> AdamW for Cuda<D> {
    fn adamw(
        &self,
        update: Update,
        value: &mut Tensor<Self>,
        gradient: &Tensor<Self>,
        first: &mut Tensor<Self>,
        second: &mut Tensor<Self>,
    ) -> Result<()> {
        assert_eq!([value.shape(); 3], [gradient.shape(), first.shape(), second.shape()]);
        assert_eq!([&*value, gradient, first, second].map(|x| x.dtype()), [Dtype::F32; 4]);
        let Update { factor, keep, rate, unbias, b1, c1, b2, c2, eps } = update;
        let n = value.n_elements();
        let factor = self.scalar(factor)?;
        let arguments = kernels::Adamw {
            value: pointer(value.at()),
            gradient: gradient.read(),
            first: first.write(),
            second: second.write(),
            // What products read moves with the value.
            copy: value.copy_at().unwrap_or(0),
            factor: pointer(factor.at),
            n: number(n),
            keep,
            rate,
            unbias,
            b1,
            c1,
            b2,
            c2,
            eps,
        };
        // SAFETY: all hold n numbers.
        unsafe { self.launch(&arguments, [n.div_ceil(NUMBERS), 1, 1]) }
    }

    fn sum_of_squares(&self, tensors: &[&Tensor<Self>]) -> Result<f64> {
        let parts_of = |x: &Tensor<Self>| x.n_elements().div_ceil(SQUARES);
        let n_parts: usize = tensors.iter().map(|x| parts_of(x)).sum();
        let parts = self.room(8 * n_parts)?;
        let mut at = parts.at;
        for x in tensors {
            assert_eq!(x.dtype(), Dtype::F32);
            let arguments =
                kernels::SumOfSquares { x: x.read(), parts: pointer(at), n: number(x.n_elements()) };
            // SAFETY: parts has a number for every part of every tensor.
            unsafe { self.launch(&arguments, [parts_of(x), 1, 1])? };
            at += 8 * parts_of(x) as u64;
        }
        Ok(self.download_f64(&parts, n_parts)?.into_iter().sum())
    }
}
