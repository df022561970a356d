//! Which cells are removed, and by which rule.

use crate::metrics::Metrics;
use crate::outliers::outliers;
use serde::Serialize;

/// Genes a cell must show unless asked otherwise; of small panels a twentieth.
const MIN_GENES: u32 = 200;
const MIN_SHARE_OF_PANEL: f64 = 0.05;

/// Why a cell was removed: the first rule that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Too few genes.
    MinGenes,
    /// Too many genes.
    MaxGenes,
    /// Too few counts.
    MinCounts,
    /// Too many counts.
    MaxCounts,
    /// Too high a mitochondrial share.
    MaxPctMt,
    /// Log counts too far from their sample's median.
    MaxMadsCounts,
    /// Log genes too far from their sample's median.
    MaxMadsGenes,
    /// Mitochondrial share too far above its sample's median.
    MaxMadsMt,
    /// Scored like two cells.
    Doublet,
}

impl Rule {
    /// In the order in which they are applied.
    pub const ALL: [Rule; 9] = [
        Rule::MinGenes,
        Rule::MaxGenes,
        Rule::MinCounts,
        Rule::MaxCounts,
        Rule::MaxPctMt,
        Rule::MaxMadsCounts,
        Rule::MaxMadsGenes,
        Rule::MaxMadsMt,
        Rule::Doublet,
    ];

    /// The flag's name with underscores, and what `--max-mads` was applied to; `doublet`.
    pub fn name(self) -> &'static str {
        match self {
            Rule::MinGenes => "min_genes",
            Rule::MaxGenes => "max_genes",
            Rule::MinCounts => "min_counts",
            Rule::MaxCounts => "max_counts",
            Rule::MaxPctMt => "max_pct_mt",
            Rule::MaxMadsCounts => "max_mads_counts",
            Rule::MaxMadsGenes => "max_mads_genes",
            Rule::MaxMadsMt => "max_mads_mt",
            Rule::Doublet => "doublet",
        }
    }
}

/// Thresholds; a value at a threshold passes, as in scanpy's `filter_cells`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// `None`: see [`Filters::min_genes_of`].
    pub min_genes: Option<u32>,
    /// No more genes.
    pub max_genes: Option<u32>,
    /// No fewer counts.
    pub min_counts: Option<f64>,
    /// No more counts.
    pub max_counts: Option<f64>,
    /// In percent; 100 keeps all.
    pub max_pct_mt: f64,
    /// Of log counts and log genes, in median absolute deviations.
    pub max_mads: Option<f64>,
    /// Of the mitochondrial share above the median, in median absolute deviations.
    pub max_mads_mt: Option<f64>,
}

impl Filters {
    /// The fewest genes a cell may show in a matrix of `n_genes` genes.
    pub fn min_genes_of(&self, n_genes: usize) -> u32 {
        let of_panel = (n_genes as f64 * MIN_SHARE_OF_PANEL).ceil() as u32;
        self.min_genes.unwrap_or(MIN_GENES.min(of_panel))
    }

    /// For each cell the rule that removes it; `samples` are the cells' sample numbers.
    pub fn decide(&self, metrics: &Metrics, n_genes: usize, samples: &[i32]) -> Vec<Option<Rule>> {
        let min_genes = self.min_genes_of(n_genes);
        let mut rules: Vec<Option<Rule>> = (0..metrics.len())
            .map(|cell| {
                let (genes, counts) = (metrics.n_genes[cell], metrics.total[cell]);
                let applies = [
                    (Rule::MinGenes, genes < min_genes),
                    (Rule::MaxGenes, self.max_genes.is_some_and(|max| genes > max)),
                    (Rule::MinCounts, self.min_counts.is_some_and(|min| counts < min)),
                    (Rule::MaxCounts, self.max_counts.is_some_and(|max| counts > max)),
                    // An empty cell has no share; NaN passes here.
                    (Rule::MaxPctMt, metrics.pct_mt(cell) > self.max_pct_mt),
                ];
                applies.iter().find(|(_, applies)| *applies).map(|(rule, _)| *rule)
            })
            .collect();
        for (rule, mads) in [
            (Rule::MaxMadsCounts, self.max_mads),
            (Rule::MaxMadsGenes, self.max_mads),
            (Rule::MaxMadsMt, self.max_mads_mt),
        ] {
            let Some(mads) = mads else { continue };
            let value = |cell: usize| match rule {
                Rule::MaxMadsCounts => metrics.total[cell].ln_1p(),
                Rule::MaxMadsGenes => f64::from(metrics.n_genes[cell]).ln_1p(),
                _ => metrics.pct_mt(cell),
            };
            let values: Vec<f64> = (0..metrics.len()).map(value).collect();
            let is_outlier = outliers(&values, samples, mads, rule == Rule::MaxMadsMt);
            for (held, is_outlier) in rules.iter_mut().zip(is_outlier) {
                if is_outlier {
                    held.get_or_insert(rule);
                }
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters() -> Filters {
        Filters {
            min_genes: None,
            max_genes: None,
            min_counts: None,
            max_counts: None,
            max_pct_mt: 20.0,
            max_mads: None,
            max_mads_mt: None,
        }
    }

    fn metrics(cells: &[(u32, f64, f64)]) -> Metrics {
        Metrics {
            n_genes: cells.iter().map(|cell| cell.0).collect(),
            total: cells.iter().map(|cell| cell.1).collect(),
            mt: cells.iter().map(|cell| cell.2).collect(),
            ribo: vec![0.0; cells.len()],
            ..Metrics::default()
        }
    }

    fn check(filters: &Filters, cells: &[(u32, f64, f64)], expected: &[Option<Rule>]) {
        assert_eq!(filters.decide(&metrics(cells), 20_000, &vec![0; cells.len()]), expected);
    }

    #[test]
    fn a_small_panel_asks_for_a_twentieth_of_its_genes() {
        let min_genes = |n_genes| filters().min_genes_of(n_genes);
        assert_eq!([min_genes(300), min_genes(3_999), min_genes(33_538)], [15, 200, 200]);
        assert_eq!(Filters { min_genes: Some(500), ..filters() }.min_genes_of(300), 500);
    }

    #[test]
    fn a_value_at_the_threshold_passes() {
        check(&filters(), &[(199, 900.0, 0.0), (200, 900.0, 0.0)], &[Some(Rule::MinGenes), None]);
        check(&filters(), &[(300, 900.0, 180.0), (300, 900.0, 181.0)], &[None, Some(Rule::MaxPctMt)]);
        let filters =
            Filters { max_genes: Some(300), min_counts: Some(10.0), max_counts: Some(900.0), ..filters() };
        check(&filters, &[(300, 900.0, 0.0), (301, 900.0, 0.0)], &[None, Some(Rule::MaxGenes)]);
        check(
            &filters,
            &[(300, 9.0, 0.0), (300, 901.0, 0.0)],
            &[Some(Rule::MinCounts), Some(Rule::MaxCounts)],
        );
    }

    #[test]
    fn an_empty_cell_has_no_mitochondrial_share_and_passes_if_no_genes_are_asked() {
        check(&Filters { min_genes: Some(0), ..filters() }, &[(0, 0.0, 0.0)], &[None]);
        check(&filters(), &[(0, 0.0, 0.0)], &[Some(Rule::MinGenes)]);
    }

    #[test]
    fn outliers_are_judged_within_their_sample() {
        let filters = Filters { min_genes: Some(0), max_mads: Some(5.0), ..filters() };
        let totals = [100.0, 110.0, 90.0, 105.0, 9_000.0, 9_500.0, 9_200.0];
        let cells: Vec<_> = totals.iter().map(|&total| (50, total, 0.0)).collect();
        let apart = filters.decide(&metrics(&cells), 20_000, &[0, 0, 0, 0, 1, 1, 1]);
        assert_eq!(apart, [None; 7]);
        let together = filters.decide(&metrics(&cells[..5]), 20_000, &[0; 5]);
        assert_eq!(together, [None, None, None, None, Some(Rule::MaxMadsCounts)]);
    }

    #[test]
    fn a_low_mitochondrial_share_is_no_outlier_and_fixed_thresholds_come_first() {
        let filters = Filters { min_genes: Some(0), max_mads_mt: Some(3.0), ..filters() };
        // Percentages; median 5, MAD 1.
        let shares = [4.0, 5.0, 6.0, 5.0, 5.0, 4.0, 0.0, 8.0, 8.1, 25.0];
        let metrics = metrics(&shares.map(|mt| (50, 100.0, mt)));
        let rules = filters.decide(&metrics, 20_000, &[0; 10]);
        assert_eq!(rules[..8], [None; 8]);
        assert_eq!(rules[8..], [Some(Rule::MaxMadsMt), Some(Rule::MaxPctMt)]);
    }
}
