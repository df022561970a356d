//! Isolated labels: do types that few batches hold stay apart from the others?

use super::groups::members;
use crate::metrics::Undefined;

/// Labels found in the fewest batches.
pub struct Isolated {
    /// Their codes.
    pub labels: Vec<u32>,
    /// How many batches each is in.
    pub n_batches: usize,
    /// False if every label is in as many batches.
    pub is_any: bool,
}

/// Which labels are isolated. labels, batches: [n] codes.
pub fn find(labels: &[u32], batches: &[u32]) -> Isolated {
    let of = |cells: &Vec<usize>| {
        let mut batches: Vec<u32> = cells.iter().map(|&cell| batches[cell]).collect();
        batches.sort_unstable();
        batches.dedup();
        (labels[cells[0]], batches.len())
    };
    let counts: Vec<(u32, usize)> = members(labels).iter().map(of).collect();
    let n_batches = counts.iter().map(|&(_, n)| n).min().unwrap_or(0);
    let isolated: Vec<u32> =
        counts.iter().filter(|&&(_, n)| n == n_batches).map(|&(label, _)| label).collect();
    Isolated { is_any: isolated.len() < counts.len(), labels: isolated, n_batches }
}

impl Isolated {
    /// Mean over isolated labels of their cells' mean silhouette width, scaled by (s + 1) / 2. widths: of the labels.
    ///
    /// Source: scib-metrics 0.6, `isolated_labels`. Where no label is in fewer batches than another it takes all labels
    /// for isolated; here that is an error.
    pub fn score(&self, widths: &[f64], labels: &[u32]) -> Result<f64, Undefined> {
        match self.is_any {
            true => Ok(self.score_of_listed(widths, labels)),
            false => Err(Undefined("every label is in the same number of batches, so none is isolated")),
        }
    }

    /// The same, even if these are all labels.
    pub fn score_of_listed(&self, widths: &[f64], labels: &[u32]) -> f64 {
        let of_label = |&label: &u32| {
            let own =
                widths.iter().zip(labels).filter(|&(_, &other)| other == label).map(|(width, _)| *width);
            (own.clone().sum::<f64>() / own.count() as f64 + 1.0) / 2.0
        };
        self.labels.iter().map(of_label).sum::<f64>() / self.labels.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::silhouette::samples;
    use super::*;
    use crate::metrics::goldens::{close, json, pbmc_cells};

    #[test]
    fn isolated_labels_are_those_of_scib_metrics() {
        let (points, labels, batches) = pbmc_cells();
        let expected = json("integration_pbmc.json");
        let widths = samples(&points, 50, &labels).unwrap();
        let found = find(&labels, &batches);
        assert_eq!((found.labels.len(), found.n_batches), (1, 1));
        close(found.score(&widths, &labels).unwrap(), &expected["isolated_labels_thr_None"], 1e-6);
        // With one batch scib-metrics calls every label isolated.
        let none = find(&labels, &[0; 700]);
        assert!(none.score(&widths, &labels).is_err());
        close(none.score_of_listed(&widths, &labels), &expected["edge"]["isolated_one_batch"], 1e-6);
    }
}
