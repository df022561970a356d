//! Edges from coexpression: the baseline that needs no model.

use super::expression::Expression;
use panfoma_core::dense::{self, View};
use panfoma_core::stage::Interrupt;
use rayon::prelude::*;

/// Regulators whose correlations are in memory at a time.
const BLOCK_REGULATORS: usize = 64;

/// How two genes are compared over cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Product-moment correlation of the values.
    Pearson,
    /// That of their ranks, ties at their mean rank.
    Spearman,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Kind::Pearson, Kind::Spearman];

    /// Its name in the `method` column.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pearson => "pearson",
            Kind::Spearman => "spearman",
        }
    }

    /// Squared standard error of the atanh of a correlation over so many cells.
    pub fn error(self, n_cells: usize) -> f64 {
        let fieller = if self == Kind::Spearman { 1.06 } else { 1.0 };
        fieller / (n_cells as f64 - 3.0).max(1.0)
    }
}

/// Correlation of every regulator with every other gene that varies; its sign says whether they rise together.
///
/// Correlation has no direction: the list of regulators gives it one. `each` gets the row of the regulator in its list,
/// the gene id of the target, and the correlation. regulators: gene ids
pub fn scores(
    expression: &Expression,
    kind: Kind,
    regulators: &[u32],
    mut each: impl FnMut(u32, u32, f32),
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let (n_genes, n_cells) = (expression.genes.len(), expression.n_cells);
    let rows: Vec<Vec<f64>> = (0..n_genes)
        .into_par_iter()
        .map(|row| {
            let values: Vec<f64> = expression.row(row).iter().map(|&value| f64::from(value)).collect();
            unit(if kind == Kind::Spearman { ranks(&values) } else { values })
        })
        .collect();
    let all = rows.concat();
    for block in expression.rows_of(regulators).chunks(BLOCK_REGULATORS) {
        interrupt.check()?;
        let some: Vec<f64> = block.iter().flat_map(|&(_, row)| &rows[row]).copied().collect();
        let mut products = vec![0.0; block.len() * n_genes];
        let (a, b) = (View::new(&some, block.len(), n_cells), View::new(&all, n_genes, n_cells));
        dense::multiply(a, b.t(), &mut products);
        for (&(regulator, own), correlations) in block.iter().zip(products.chunks_exact(n_genes)) {
            for (row, &correlation) in correlations.iter().enumerate().filter(|&(row, _)| row != own) {
                each(regulator, expression.genes[row], correlation.clamp(-1.0, 1.0) as f32);
            }
        }
    }
    Ok(())
}

/// Centred, of length 1.
fn unit(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// Ranks from 1, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = first as f64 + (ties.len() as f64 + 1.0) / 2.0;
        ties.iter().for_each(|&at| ranks[at] = rank);
        first += ties.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::tests::of;
    use crate::ranking::Scores;

    /// scipy 1.17.1: pearsonr and spearmanr of these rows, one pair tied.
    #[test]
    fn correlations_are_those_of_scipy() {
        let expression = of(&[
            vec![0.0, 1.0, 2.0, 4.0, 1.0],
            vec![5.0, 3.0, 3.0, 0.0, 4.0],
            vec![0.0, 0.0, 7.0, 1.0, 0.0],
        ]);
        let check = |kind, expected: [f32; 2]| {
            let mut found = Scores::new(10);
            scores(&expression, kind, &[1], |a, b, r| found.push(a, b, r), &Interrupt::never()).unwrap();
            let found: Vec<(u32, u32, f32)> = found.sorted();
            assert_eq!(found.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>(), [(0, 2), (0, 3)]);
            for (score, expected) in found.iter().zip(expected) {
                assert!((score.2 - expected).abs() < 1e-6, "{found:?}, expected {expected}");
            }
        };
        check(Kind::Pearson, [-0.969_247_6, 0.281_085_2]);
        check(Kind::Spearman, [-0.921_052_6, 0.802_955_1]);
    }
}
