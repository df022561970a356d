//! What the page says of every study and sample: counts of cells and medians.

use crate::Measured;
use crate::doublets::SampleDoublets;
use crate::filters::Rule;
use std::collections::BTreeMap;

/// A study or a sample of it.
pub struct Group<'a> {
    /// Where its cells stand.
    pub study: &'a Measured,
    /// Position of the study.
    pub at: usize,
    /// `study` or `study:sample`.
    pub name: &'a str,
    /// Its cells, as positions in the study.
    pub cells: Vec<usize>,
    /// Cells that pass.
    pub passed: usize,
    /// Cells that each rule removed.
    pub removed: BTreeMap<Rule, usize>,
    /// Of the cells that pass; NaN if none does.
    pub medians: Medians,
    /// Of a sample, if doublets were looked for.
    pub doublets: Option<&'a SampleDoublets>,
}

/// Medians over cells.
pub struct Medians {
    /// Genes with a count.
    pub n_genes: f64,
    /// Counts.
    pub total: f64,
    /// Percent of counts from mitochondrial genes.
    pub pct_mt: f64,
}

impl Group<'_> {
    /// Its name without that of the study, where colours or a heading tell the study.
    pub fn name_within(&self) -> &str {
        let within = self.name.strip_prefix(&self.study.study.name).and_then(|name| name.strip_prefix(':'));
        within.unwrap_or(self.name)
    }

    /// Share of its cells that were removed; 0 for a group without cells.
    pub fn removed_share(&self) -> f64 {
        1.0 - self.passed as f64 / self.cells.len().max(1) as f64
    }

    fn of<'a>(study: &'a Measured, at: usize, name: &'a str, cells: Vec<usize>) -> Group<'a> {
        let mut removed = BTreeMap::new();
        cells
            .iter()
            .filter_map(|&cell| study.rules[cell])
            .for_each(|rule| *removed.entry(rule).or_default() += 1);
        let passing: Vec<usize> = cells.iter().copied().filter(|&cell| study.rules[cell].is_none()).collect();
        let of = |value: &dyn Fn(usize) -> f64| median(passing.iter().map(|&cell| value(cell)).collect());
        let metrics = &study.metrics;
        let medians = Medians {
            n_genes: of(&|cell| f64::from(metrics.n_genes[cell])),
            total: of(&|cell| metrics.total[cell]),
            pct_mt: of(&|cell| metrics.pct_mt(cell)),
        };
        Group { study, at, name, passed: passing.len(), cells, removed, medians, doublets: None }
    }
}

/// One group a study.
pub fn studies(studies: &[Measured]) -> Vec<Group<'_>> {
    studies
        .iter()
        .enumerate()
        .map(|(at, study)| Group::of(study, at, &study.study.name, (0..study.metrics.len()).collect()))
        .collect()
}

/// One group a sample, study by study.
pub fn samples(studies: &[Measured]) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    for (at, study) in studies.iter().enumerate() {
        let mut cells: Vec<Vec<usize>> = vec![Vec::new(); study.study.samples.names.len()];
        study
            .study
            .samples
            .codes
            .iter()
            .enumerate()
            .for_each(|(cell, &code)| cells[code as usize].push(cell));
        for (sample, (name, cells)) in study.study.samples.names.iter().zip(cells).enumerate() {
            let mut group = Group::of(study, at, name, cells);
            group.doublets = study.doublets.as_ref().map(|doublets| &doublets.samples[sample]);
            groups.push(group);
        }
    }
    groups
}

/// Positions of at most `most` groups, those that lost the largest shares of their cells, in their order.
pub fn worst(groups: &[Group], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&a, &b| groups[b].removed_share().total_cmp(&groups[a].removed_share()).then(a.cmp(&b)));
    order.truncate(most);
    order.sort_unstable();
    order
}

/// The rules that removed a cell of any group, in their order.
pub fn rules(groups: &[Group]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = groups.iter().flat_map(|group| group.removed.keys().copied()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Missing values are left out; NaN of nothing.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| !value.is_nan());
    if values.is_empty() {
        return f64::NAN;
    }
    let middle = values.len() / 2;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() % 2 == 1 { upper } else { (lower + upper) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_ones() {
        assert_eq!([median(vec![3.0, 1.0, 2.0]), median(vec![4.0, f64::NAN, 1.0, 2.0, 9.0])], [2.0, 3.0]);
        assert_eq!(median(vec![5.0]), 5.0);
        assert!(median(vec![f64::NAN]).is_nan());
    }
}
