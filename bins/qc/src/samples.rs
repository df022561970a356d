//! `<output>.samples.tsv`: every sample's cells, why some were removed, and the medians before and after.

use crate::Measured;
use crate::filters::Rule;
use crate::outliers::median;
use crate::tsv::plain;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// One sample; its cells may lie in several inputs of a study.
#[derive(Serialize)]
pub struct Sample {
    /// Its study.
    pub study: String,
    /// `study:value`.
    pub sample: String,
    /// Its cells.
    #[serde(flatten)]
    pub cells: Tally,
    /// Over all cells.
    pub medians: Medians,
    /// Over the cells that pass.
    pub medians_passed: Medians,
}

/// Cells and why they were removed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Cells in.
    pub read: usize,
    /// Cells that pass.
    pub passed: usize,
    /// Cells by the rule that removes them; rules that remove none are left out.
    pub removed: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Counts a cell that `rule` removes.
    pub fn count(&mut self, rule: Option<Rule>) {
        self.read += 1;
        match rule {
            None => self.passed += 1,
            Some(rule) => *self.removed.entry(rule.name()).or_default() += 1,
        }
    }
}

/// Medians of metrics; NaN (`null` in JSON, empty in the table) of no cells.
#[derive(Clone, Debug, Serialize)]
pub struct Medians {
    n_genes_by_counts: f64,
    total_counts: f64,
    pct_counts_in_top_50_genes: f64,
    pct_counts_mt: f64,
    pct_counts_ribo: f64,
}

impl Medians {
    const NAMES: [&str; 5] = [
        "n_genes_by_counts",
        "total_counts",
        "pct_counts_in_top_50_genes",
        "pct_counts_mt",
        "pct_counts_ribo",
    ];

    fn values(&self) -> [f64; 5] {
        [
            self.n_genes_by_counts,
            self.total_counts,
            self.pct_counts_in_top_50_genes,
            self.pct_counts_mt,
            self.pct_counts_ribo,
        ]
    }

    /// Of these cells of these inputs; cells without a value count for nothing.
    fn of(studies: &[Measured], cells: &[(usize, usize)], chosen: impl Fn(&Measured, usize) -> bool) -> Self {
        let of = |value: &dyn Fn(&Measured, usize) -> f64| {
            let cells = cells.iter().map(|&(input, cell)| (&studies[input], cell));
            let values =
                cells.filter(|&(study, cell)| chosen(study, cell)).map(|(study, cell)| value(study, cell));
            median(&mut values.filter(|value| !value.is_nan()).collect::<Vec<f64>>())
        };
        Self {
            n_genes_by_counts: of(&|study, cell| f64::from(study.metrics.n_genes[cell])),
            total_counts: of(&|study, cell| study.metrics.total[cell]),
            pct_counts_in_top_50_genes: of(&|study, cell| f64::from(study.metrics.pct_top[cell][0])),
            pct_counts_mt: of(&|study, cell| study.metrics.pct_mt(cell)),
            pct_counts_ribo: of(&|study, cell| study.metrics.pct_ribo(cell)),
        }
    }
}

/// Every sample, in order of appearance.
pub fn summarise(studies: &[Measured]) -> Vec<Sample> {
    let mut order: Vec<(&str, &str)> = Vec::new();
    // (input, cell) of each sample.
    let mut cells: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (input, measured) in studies.iter().enumerate() {
        let samples = &measured.study.samples;
        let places: Vec<usize> = samples
            .names
            .iter()
            .map(|name| {
                *known.entry(name).or_insert_with(|| {
                    order.push((&measured.study.name, name));
                    cells.push(Vec::new());
                    cells.len() - 1
                })
            })
            .collect();
        for (cell, &code) in samples.codes.iter().enumerate() {
            cells[places[code as usize]].push((input, cell));
        }
    }
    let summary = |((study, sample), cells): ((&str, &str), Vec<(usize, usize)>)| {
        let mut tally = Tally::default();
        cells.iter().for_each(|&(input, cell)| tally.count(studies[input].rules[cell]));
        Sample {
            study: study.to_owned(),
            sample: sample.to_owned(),
            cells: tally,
            medians: Medians::of(studies, &cells, |_, _| true),
            medians_passed: Medians::of(studies, &cells, |study, cell| study.rules[cell].is_none()),
        }
    };
    order.into_iter().zip(cells).map(summary).collect()
}

/// One line a sample: cells in, removed by each rule, passed, medians of all and of the passed.
pub fn write(to: &mut dyn Write, samples: &[Sample]) -> Result<()> {
    let mut header = vec!["study".to_owned(), "sample".to_owned(), "cells".to_owned()];
    header.extend(Rule::ALL.map(|rule| format!("removed_{}", rule.name())));
    header.push("passed".to_owned());
    header.extend(Medians::NAMES.map(|name| format!("median_{name}")));
    header.extend(Medians::NAMES.map(|name| format!("passed_median_{name}")));
    writeln!(to, "{}", header.join("\t"))?;
    for sample in samples {
        let cells = &sample.cells;
        let mut row = vec![plain(&sample.study), plain(&sample.sample), cells.read.to_string()];
        row.extend(Rule::ALL.map(|rule| cells.removed.get(rule.name()).copied().unwrap_or(0).to_string()));
        row.push(cells.passed.to_string());
        let medians = sample.medians.values().into_iter().chain(sample.medians_passed.values());
        row.extend(medians.map(|value| if value.is_nan() { String::new() } else { value.to_string() }));
        writeln!(to, "{}", row.join("\t"))?;
    }
    Ok(())
}
