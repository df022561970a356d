//! What the page says of every study and sample: counts of cells and medians.

use crate::Measured;
use crate::doublets::SampleDoublets;
use crate::filters::Rule;
use crate::outliers::median;
use std::collections::BTreeMap;

/// A study or a sample of it; its cells may lie in several inputs.
pub struct Group<'a> {
    inputs: &'a [Measured],
    /// Position of the study among the studies.
    pub at: usize,
    /// `study` or `study:sample`.
    pub name: &'a str,
    /// Its study's name.
    pub study: &'a str,
    /// Its cells: input and position in it.
    pub cells: Vec<(u32, u32)>,
    /// Cells that pass.
    pub passed: usize,
    /// Cells that each rule removed.
    pub removed: BTreeMap<Rule, usize>,
    /// Of the cells that pass; NaN if none does.
    pub medians: Medians,
    /// Of a sample, in each input that holds cells of it, if doublets were looked for.
    pub doublets: Vec<&'a SampleDoublets>,
}

/// Medians over cells.
#[derive(Default)]
pub struct Medians {
    /// Genes with a count.
    pub n_genes: f64,
    /// Counts.
    pub total: f64,
    /// Percent of counts from mitochondrial genes.
    pub pct_mt: f64,
}

impl<'a> Group<'a> {
    /// Its name without that of the study, where colours or a heading tell the study.
    pub fn name_within(&self) -> &str {
        let within = self.name.strip_prefix(self.study).and_then(|name| name.strip_prefix(':'));
        within.unwrap_or(self.name)
    }

    /// Share of its cells that were removed; 0 for a group without cells.
    pub fn removed_share(&self) -> f64 {
        1.0 - self.passed as f64 / self.cells.len().max(1) as f64
    }

    /// The first of the inputs that hold its cells.
    pub fn first_input(&self) -> &'a Measured {
        &self.inputs[self.cells.first().map_or(0, |cell| cell.0 as usize)]
    }

    /// Values of its cells that are no NaN.
    pub fn values(&self, value: &dyn Fn(&Measured, usize) -> f64) -> Vec<f64> {
        let values = self.cells.iter().map(|&cell| value(self.input(cell), cell.1 as usize));
        values.filter(|value| !value.is_nan()).collect()
    }

    /// Where a cell lies.
    pub fn input(&self, cell: (u32, u32)) -> &'a Measured {
        &self.inputs[cell.0 as usize]
    }

    fn count(&mut self) {
        let mut passing = Vec::with_capacity(self.cells.len());
        for &cell in &self.cells {
            match self.inputs[cell.0 as usize].rules[cell.1 as usize] {
                Some(rule) => *self.removed.entry(rule).or_default() += 1,
                None => passing.push(cell),
            }
        }
        self.passed = passing.len();
        let all = std::mem::replace(&mut self.cells, passing);
        self.medians = Medians {
            n_genes: median(&mut self.values(&|input, cell| f64::from(input.metrics.n_genes[cell]))),
            total: median(&mut self.values(&|input, cell| input.metrics.total[cell])),
            pct_mt: median(&mut self.values(&|input, cell| input.metrics.pct_mt(cell))),
        };
        self.cells = all;
    }
}

/// One group a study, in order of appearance.
pub fn studies(inputs: &[Measured]) -> Vec<Group<'_>> {
    grouped(inputs, |input| (std::slice::from_ref(&input.study.name), None))
}

/// One group a sample, in order of appearance.
pub fn samples(inputs: &[Measured]) -> Vec<Group<'_>> {
    grouped(inputs, |input| (&input.study.samples.names, Some(&input.study.samples.codes)))
}

/// Groups of like names; without codes an input is one group.
fn grouped(
    inputs: &[Measured],
    names: impl Fn(&Measured) -> (&[String], Option<&Vec<i32>>),
) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut known, mut studies) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    for (number, input) in inputs.iter().enumerate() {
        let n_studies = studies.len();
        let study = *studies.entry(&input.study.name).or_insert(n_studies);
        let (names, codes) = names(input);
        let places: Vec<usize> = names
            .iter()
            .map(|name| {
                *known.entry(name).or_insert_with(|| {
                    groups.push(Group {
                        inputs,
                        at: study,
                        name,
                        study: &input.study.name,
                        cells: Vec::new(),
                        passed: 0,
                        removed: BTreeMap::new(),
                        medians: Medians::default(),
                        doublets: Vec::new(),
                    });
                    groups.len() - 1
                })
            })
            .collect();
        for cell in 0..input.metrics.len() {
            let code = codes.map_or(0, |codes| codes[cell] as usize);
            groups[places[code]].cells.push((number as u32, cell as u32));
        }
        if let (Some(doublets), true) = (&input.doublets, codes.is_some()) {
            places.iter().zip(&doublets.samples).for_each(|(&at, found)| groups[at].doublets.push(found));
        }
    }
    groups.iter_mut().for_each(Group::count);
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
