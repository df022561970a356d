use super::{CrossEntropy, NllSums};
use crate::device::cuda::{Block, Cuda, Driver, Dtype, Index, kernels, number, pointer};
use crate::device::{Device, Result, Tensor};

/// Rows of a block: a warp has one.
const ROWS: usize = 4;

/// Two numbers of 8 bytes: the weighted negative log-likelihood, and how many rows were right.
pub struct Sums<D: Driver>(Block<D>);

impl<D: Driver> CrossEntropy for Cuda<D> {
    type Sums = Sums<D>;

    fn cross_entropy(
        &self,
        logits: &mut Tensor<Self>,
        targets: &Index<D>,
        weights: Option<&[f32]>,
        scale: f64,
    ) -> Result<Sums<D>> {
        let (rows, cols) = (logits.rows(), logits.cols());
        assert_eq!((targets.len(), logits.dtype()), (rows, Dtype::Bf16));
        assert!(weights.is_none_or(|weights| weights.len() == rows));
        let weights = weights.map(|weights| self.upload(&[rows], weights)).transpose()?;
        let [nll, correct] = [self.room(4 * rows)?, self.room(4 * rows)?];
        let arguments = kernels::CrossEntropy {
            logits: logits.write(),
            targets: targets.read(),
            weights: weights.as_ref().map_or(0, Tensor::at),
            nll: pointer(nll.at),
            correct: pointer(correct.at),
            n_rows: number(rows),
            cols: number(cols),
            scale: scale as f32,
        };
        // SAFETY: targets, weights, nll and correct have a number for every row of the logits.
        unsafe { self.launch(&arguments, [rows.div_ceil(ROWS), 1, 1])? };
        let sums = self.room(16)?;
        let arguments = kernels::CrossEntropySums {
            nll: pointer(nll.at),
            correct: pointer(correct.at),
            sums: pointer(sums.at),
            n: number(rows),
        };
        // SAFETY: as above; the sums are two numbers of 8 bytes.
        unsafe { self.launch(&arguments, [1, 1, 1])? };
        Ok(Sums(sums))
    }

    fn nll_sums(&self, Sums(sums): &Sums<D>) -> Result<NllSums> {
        let sums = self.download_f64(sums, 2)?;
        Ok(NllSums { nll: sums[0], n_correct: sums[1] as usize })
    }
}
