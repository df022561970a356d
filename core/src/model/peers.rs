//! What the processes of one run say to each other, seen from the model.

use super::{CellEmbeddings, ClassSums, PretrainSums};
use std::io;

/// The processes of one run, as one of them sees the others. Rank 0 receives, the others send.
pub trait Peers: Send + Sync {
    /// Of this process, from 0.
    fn rank(&self) -> usize;
    /// Number of processes: a power of two, at most the number of lanes.
    fn n_ranks(&self) -> usize;
    /// Sends results and the tensors of a gradient to rank 0.
    fn give(&self, results: &[Vec<f64>], gradient: &[Vec<f32>]) -> io::Result<()>;
    /// What `rank` gave.
    fn take(&self, rank: usize) -> io::Result<(Vec<Vec<f64>>, Vec<Vec<f32>>)>;
}

/// A result that can cross between processes.
pub trait Numbers: Sized {
    /// As numbers.
    fn numbers(&self) -> Vec<f64>;
    /// From [`Numbers::numbers`]; `None` if these are not such.
    fn from_numbers(numbers: &[f64]) -> Option<Self>;
}

impl Numbers for PretrainSums {
    fn numbers(&self) -> Vec<f64> {
        vec![self.expression_nll, self.cell_expression_nll, self.n_masked as f64]
    }

    fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[expression_nll, cell_expression_nll, n_masked] = numbers else { return None };
        Some(Self { expression_nll, cell_expression_nll, n_masked: n_masked as usize })
    }
}

impl Numbers for ClassSums {
    fn numbers(&self) -> Vec<f64> {
        vec![self.nll, self.weight, self.n as f64, self.n_correct as f64]
    }

    fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[nll, weight, n, n_correct] = numbers else { return None };
        Some(Self { nll, weight, n: n as usize, n_correct: n_correct as usize })
    }
}

/// The lengths of its three lists, then their numbers.
impl Numbers for CellEmbeddings {
    fn numbers(&self) -> Vec<f64> {
        let none = Vec::new();
        let logits = self.class_logits.as_ref();
        let lists = [&self.cell, &self.cls_mean, logits.unwrap_or(&none)];
        let lengths = [lists[0].len() as f64, lists[1].len() as f64, logits.map_or(-1.0, |l| l.len() as f64)];
        let numbers = lists.into_iter().flatten().map(|&x| f64::from(x));
        lengths.into_iter().chain(numbers).collect()
    }

    fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let (lengths, mut rest) = numbers.split_at_checked(3)?;
        let mut list = |n: f64| -> Option<Vec<f32>> {
            let (list, after) = rest.split_at_checked(n.max(0.0) as usize)?;
            rest = after;
            Some(list.iter().map(|&x| x as f32).collect())
        };
        let (cell, cls_mean, logits) = (list(lengths[0])?, list(lengths[1])?, list(lengths[2])?);
        Some(Self { cell, cls_mean, class_logits: (lengths[2] >= 0.0).then_some(logits) })
    }
}
