use super::{AdamW, Parameter, Update};
use crate::device::cuda::{Cuda, Driver, Dtype, Table, kernels, number, pointer};
use crate::device::{Result, Tensor};

/// Numbers of a block of `adamw`.
const NUMBERS: usize = 1024;

impl<D: Driver> AdamW for Cuda<D> {
    fn adamw(&self, update: &Update, parameters: Vec<Parameter<Self>>) -> Result<()> {
        let mut table = Table::new(NUMBERS);
        for parameter in parameters {
            let keep = parameter.keep(update);
            let Parameter { value, gradient, first, second, .. } = parameter;
            assert_eq!([&*value, gradient, first, second].map(|x| x.dtype()), [Dtype::F32; 4]);
            // What products read moves with the value, which `at` leaves as it is.
            let copy = value.copy_at().unwrap_or(0);
            let addresses = [value.at(), gradient.at(), first.at_mut(), second.at_mut(), copy];
            table.push(&addresses, value.n_elements(), &[keep.to_bits(), 0, 0, 0]);
        }
        let &Update { factor, keep: _, rate, unbias, b1, c1, b2, c2, eps } = update;
        let (rows, n_tensors) = (table.upload(self)?, number(table.n_tensors()));
        let tensors = pointer(rows.at);
        let arguments = kernels::Adamw { tensors, n_tensors, factor, rate, unbias, b1, c1, b2, c2, eps };
        // SAFETY: the tensors of a row hold as many numbers as it says.
        unsafe { self.launch(&arguments, [table.blocks(), 1, 1]) }
    }

    fn sum_of_squares(&self, tensors: &[&Tensor<Self>]) -> Result<f64> {
        let table = Table::of(tensors.iter().map(|x| (x.at(), x.dtype(), x.n_elements())));
        let parts = self.room(8 * table.blocks())?;
        let rows = table.upload(self)?;
        let arguments = kernels::SumOfSquares {
            tensors: pointer(rows.at),
            parts: pointer(parts.at),
            n_tensors: number(table.n_tensors()),
        };
        // SAFETY: the tensor of a row holds as many numbers as it says, and parts has one for every block.
        unsafe { self.launch(&arguments, [table.blocks(), 1, 1])? };
        Ok(self.download_f64(&parts, table.blocks())?.into_iter().sum())
    }
}
