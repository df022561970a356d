//! Cells that stand in two splits: the same counts, or nearly.

pub mod sketch;

use crate::baselines::counts::Counts;
use crate::factor::{Factor, MISSING};
use crate::inputs::Inputs;
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::artifact::tokens::{CellRows, Split};
use panfoma_core::stage::Context;
use rayon::prelude::*;
use serde::Serialize;
use sketch::{Planes, Sketch};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Cells whose log counts have a cosine above this are the same cell measured, aligned or deposited twice.
pub const NEAR: f64 = 0.999;
/// Cells with fewer genes are alike by chance.
pub const MIN_GENES: usize = 20;
/// Bits that may differ between sketches of cells as near as [`NEAR`]: 5.5 of 384 do on average, with a standard
/// deviation of 2.3.
const MAX_BITS: u32 = 16;
/// Cells of the other split that are held as candidates for one cell, and looked at in one bucket.
const CANDIDATES: usize = 2;
const BUCKET: usize = 256;
/// Cells whose counts are compared in one pass over the tokens.
const BATCH: usize = 20_000;

/// How many cells have a twin in another split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Twins {
    /// Cells with fewer than [`MIN_GENES`] genes, which were not compared.
    pub too_few_genes: u64,
    /// Valid cells against train; test cells against train and valid.
    pub splits: Vec<InSplit>,
    /// How many of the near pairs are between these studies.
    pub studies: Vec<Studies>,
}

/// Twins of the cells of one split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InSplit {
    /// `valid` or `test`.
    pub split: &'static str,
    /// Cells compared.
    pub n_cells: u64,
    /// Of them, those with a cell of the very same counts in an earlier split.
    pub identical: u64,
    /// Of them, those with a cell of nearly the same counts in an earlier split, identical ones included.
    pub near: u64,
}

/// A pair of studies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Studies {
    /// Of the held-out cell.
    pub held_out: String,
    /// Of its twin.
    pub twin: String,
    /// Held-out cells.
    pub n: u64,
}

/// Twins across the splits of the evaluated cells; `None` without tokens or with cells of one split only.
pub fn of_inputs(inputs: &Inputs, context: &Context) -> anyhow::Result<Option<Twins>> {
    let (cells, Some(tokens)) = (&inputs.cells, &inputs.tokens) else { return Ok(None) };
    if cells.split.iter().all(|split| *split == cells.split[0]) {
        return Ok(None);
    }
    let counts = Counts::new(tokens, cells)?;
    let pass: &Pass = &|each| counts.each_row_group(context, each);
    find(&cells.split, cells.column("study"), counts.n_genes(), pass).map(Some)
}

/// Streams cells: calls back with rows (`usize::MAX` for cells to pass over) and counts, block by block.
pub type Pass<'a> = dyn Fn(&mut dyn FnMut(&[usize], &CellRows)) -> anyhow::Result<()> + 'a;

/// Finds twins across splits.
///
/// Cells are sketched by the signs of 384 random projections of their log counts; candidates share 48 successive bits
/// and differ in 16 at most (a pair at the limit is missed once in 250, a nearer one hardly ever), and their counts are
/// then compared. Memory: 80 bytes a cell, and the counts of at most 60,000 cells at once.
///
/// splits: one a cell   studies: one a cell   n_genes: of the vocabulary   pass: streams all cells.
pub fn find(
    splits: &[Split],
    studies: Option<&Factor>,
    n_genes: usize,
    pass: &Pass,
) -> anyhow::Result<Twins> {
    let planes = Planes::new(n_genes);
    let mut sketched: Vec<(u32, u64, Sketch)> = Vec::with_capacity(splits.len());
    let mut too_few_genes = 0;
    pass(&mut |rows, cells| {
        let (few, enough): (Vec<usize>, Vec<usize>) = (0..rows.len())
            .filter(|&i| rows[i] != usize::MAX)
            .partition(|&i| cells.range(i).len() < MIN_GENES);
        too_few_genes += few.len() as u64;
        let sketch = |&i: &usize| {
            let cell = cells.range(i);
            let hash = sketch::exact(&cells.gene_ids[cell.clone()], &cells.counts[cell.clone()]);
            (rows[i] as u32, hash, planes.sketch(&cells.gene_ids[cell.clone()], &sketch::logged(cells, i)))
        };
        sketched.par_extend(enough.par_iter().map(sketch));
    })?;
    // The order of rows, whatever that of the tokens: results must not depend on it.
    sketched.par_sort_unstable_by_key(|cell| cell.0);
    let rank = |row: u32| splits[row as usize] as usize;
    let identical = identical(&sketched, &rank);
    let candidates = candidates(&sketched, &rank);
    let n_cells =
        |split: Split| sketched.iter().filter(|cell| splits[cell.0 as usize] == split).count() as u64;
    let compared: Vec<(Split, u64)> = [Split::Valid, Split::Test].map(|split| (split, n_cells(split))).into();
    drop(sketched);
    let mut twins: BTreeMap<u32, u32> = BTreeMap::new();
    for batch in candidates.chunks(BATCH) {
        verify(batch, pass, &mut twins)?;
    }
    let of = |split: Split, rows: &mut dyn Iterator<Item = u32>| {
        rows.filter(|&row| splits[row as usize] == split).count() as u64
    };
    let near: BTreeSet<u32> = twins.keys().chain(&identical).copied().collect();
    let in_split = |(split, n_cells): (Split, u64)| InSplit {
        split: split.name(),
        n_cells,
        identical: of(split, &mut identical.iter().copied()),
        near: of(split, &mut near.iter().copied()),
    };
    Ok(Twins {
        too_few_genes,
        splits: compared.into_iter().map(in_split).collect(),
        studies: between(&twins, studies),
    })
}

/// Rows with a cell of the same hash in an earlier split.
fn identical(sketched: &[(u32, u64, Sketch)], rank: &impl Fn(u32) -> usize) -> Vec<u32> {
    let mut hashed: Vec<(u64, usize, u32)> =
        sketched.iter().map(|&(row, hash, _)| (hash, rank(row), row)).collect();
    hashed.sort_unstable();
    let later = |equal: &[(u64, usize, u32)]| {
        let first = equal[0].1;
        equal.iter().filter(|cell| cell.1 > first).map(|cell| cell.2).collect::<Vec<u32>>()
    };
    hashed.chunk_by(|a, b| a.0 == b.0).flat_map(later).collect()
}

/// Pairs (row, row of an earlier split) whose sketches are near, by row; the nearest few of each row.
fn candidates(sketched: &[(u32, u64, Sketch)], rank: &impl Fn(u32) -> usize) -> Vec<(u32, Vec<u32>)> {
    let mut near: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for table in 0..sketch::TABLES {
        let mut keyed: Vec<(u64, u32)> =
            sketched.iter().zip(0..).map(|(cell, at)| (cell.2.key(table), at)).collect();
        keyed.par_sort_unstable();
        for bucket in keyed.chunk_by(|a, b| a.0 == b.0).filter(|bucket| bucket.len() > 1) {
            let mut members: Vec<(usize, u32, &Sketch)> = bucket
                .iter()
                .map(|&(_, at)| &sketched[at as usize])
                .map(|(row, _, sketch)| (rank(*row), *row, sketch))
                .collect();
            members.sort_unstable_by_key(|member| (member.0, member.1));
            for &(later, row, sketch) in &members {
                let earlier = members.partition_point(|member| member.0 < later).min(BUCKET);
                for (_, other, of_other) in &members[..earlier] {
                    let bits = sketch.distance(of_other);
                    if bits <= MAX_BITS {
                        near.entry(row).or_default().push((bits, *other));
                    }
                }
            }
        }
        for found in near.values_mut() {
            found.sort_unstable();
            found.dedup();
            found.truncate(CANDIDATES);
        }
    }
    let rows = |found: Vec<(u32, u32)>| found.into_iter().map(|(_, row)| row).collect();
    near.into_iter().map(|(row, found)| (row, rows(found))).collect()
}

/// Notes the pairs whose log counts are as near as [`NEAR`]: row and its first such twin.
fn verify(batch: &[(u32, Vec<u32>)], pass: &Pass, twins: &mut BTreeMap<u32, u32>) -> anyhow::Result<()> {
    let mut held: HashMap<u32, Option<(Vec<u32>, Vec<f32>)>> = HashMap::new();
    for (row, others) in batch {
        held.insert(*row, None);
        held.extend(others.iter().map(|&other| (other, None)));
    }
    pass(&mut |rows, cells| {
        for (i, &row) in rows.iter().enumerate().filter(|(_, row)| **row != usize::MAX) {
            if let Some(place) = held.get_mut(&(row as u32)) {
                *place = Some((cells.gene_ids[cells.range(i)].to_vec(), sketch::logged(cells, i)));
            }
        }
    })?;
    let counts = |row: &u32| held[row].as_ref().expect("every pass yields the same cells");
    for (row, others) in batch {
        if let Some(&twin) = others.iter().find(|&other| sketch::cosine(counts(row), counts(other)) > NEAR) {
            twins.insert(*row, twin);
        }
    }
    Ok(())
}

impl Twins {
    /// The rows of the metrics table.
    pub fn metrics(&self) -> Vec<Metric> {
        let row = |of: &InSplit, metric: &str, n: u64, definition: &str| Metric {
            metric: metric.to_owned(),
            value: (of.n_cells > 0).then(|| n as f64 / of.n_cells as f64),
            reason: (of.n_cells == 0).then(|| "no cells".to_owned()),
            interval: None,
            n: of.n_cells,
            split: of.split.to_owned(),
            group: "all".to_owned(),
            method: "counts".to_owned(),
            definition: definition.to_owned(),
        };
        let both = |of: &InSplit| {
            [
                row(
                    of,
                    "twin_cells",
                    of.near,
                    "Share of cells with a cell of an earlier split whose log counts have a cosine above 0.999",
                ),
                row(
                    of,
                    "identical_cells",
                    of.identical,
                    "Share of cells with a cell of an earlier split of the very same counts",
                ),
            ]
        };
        self.splits.iter().flat_map(both).collect()
    }

    /// What a reader must know, if there are any twins.
    pub fn warning(&self) -> Option<String> {
        let found = self.splits.iter().filter(|of| of.near > 0).map(|of| {
            format!("{} of {} {} cells ({} of them identical)", of.near, of.n_cells, of.split, of.identical)
        });
        let found: Vec<String> = found.collect();
        let studies = self.studies.iter().take(3).map(|pair| match pair.held_out == pair.twin {
            true => format!("{} inside `{}`", pair.n, pair.twin),
            false => format!("{} of `{}` in `{}`", pair.n, pair.held_out, pair.twin),
        });
        let studies: Vec<String> = studies.collect();
        let studies = if studies.is_empty() { String::new() } else { format!(": {}", studies.join(", ")) };
        (!found.is_empty()).then(|| {
            format!(
                "Cells stand in two splits: {} have nearly the same counts as a cell that was learnt from or chosen by{studies}. \
                 Their scores are of memory.",
                found.join(" and ")
            )
        })
    }
}

fn between(twins: &BTreeMap<u32, u32>, studies: Option<&Factor>) -> Vec<Studies> {
    let Some(studies) = studies else { return Vec::new() };
    let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for (&row, &twin) in twins {
        *counts.entry((studies.codes[row as usize], studies.codes[twin as usize])).or_default() += 1;
    }
    let name = |code: u32| {
        if code == MISSING { "unknown".to_owned() } else { studies.levels[code as usize].clone() }
    };
    let named = counts.into_iter().map(|((held_out, twin), n)| Studies {
        held_out: name(held_out),
        twin: name(twin),
        n,
    });
    let mut named: Vec<Studies> = named.collect();
    named.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| (&a.held_out, &a.twin).cmp(&(&b.held_out, &b.twin))));
    named
}

#[cfg(test)]
mod tests;
