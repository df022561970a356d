//! The counts of one sample after another, in as few readings as memory allows.

use super::Scored;
use crate::Measured;
use anyhow::Result;
use panfoma_core::matrix::Rows;
use panfoma_core::stage::{Interrupt, Progress};
use rayon::prelude::*;

/// Counts held at once, 8 bytes each, unless a single sample has more.
const MOST_COUNTS: u64 = 1 << 25;

/// Calls `each(sample's name, counts, genes of the study)` for every sample's passing cells; returns the cells with what it
/// returned. Samples that lie in the file one after another cost one reading together; mixed ones are read again for every
/// MOST_COUNTS counts.
pub fn each_sample(
    study: &Measured,
    interrupt: &Interrupt,
    progress: &mut Progress,
    each: impl Fn(&str, &Rows, usize) -> Scored + Sync,
) -> Result<Vec<(Vec<usize>, Scored)>> {
    let mut cells: Vec<Vec<usize>> = vec![Vec::new(); study.study.samples.names.len()];
    for (cell, &sample) in study.study.samples.codes.iter().enumerate() {
        if study.rules[cell].is_none() {
            cells[sample as usize].push(cell);
        }
    }
    let n_counts = |cells: &[usize]| cells.iter().map(|&cell| u64::from(study.metrics.n_genes[cell])).sum();
    let groups = groups(&cells.iter().map(|cells| n_counts(cells)).collect::<Vec<u64>>(), MOST_COUNTS);
    let names = &study.study.samples.names;
    let (n_genes, block) = (study.study.genes.names.len(), study.block_len);
    let mut scored = Vec::with_capacity(cells.len());
    for group in groups {
        let mut counts: Vec<Rows> = vec![Rows::default(); group.len()];
        let wanted = |cell: usize| {
            let sample = study.study.samples.codes[cell] as usize;
            (study.rules[cell].is_none() && group.contains(&sample)).then(|| sample - group.start)
        };
        let first = cells[group.clone()].iter().filter_map(|cells| cells.first()).min();
        let last = cells[group.clone()].iter().filter_map(|cells| cells.last()).max();
        let (Some(&first), Some(&last)) = (first, last) else { continue };
        for start in (first / block * block..=last).step_by(block) {
            interrupt.check()?;
            let end = study.counts.len().min(start + block);
            if !(start..end).any(|cell| wanted(cell).is_some()) {
                continue;
            }
            let rows = study.counts.read(start..end)?;
            for cell in start..end {
                if let Some(at) = wanted(cell) {
                    let (genes, values) = rows.row(cell - start);
                    counts[at].push(genes.iter().copied().zip(values.iter().copied()));
                }
            }
        }
        let found: Vec<Scored> = counts
            .par_iter()
            .enumerate()
            .map(|(at, counts)| each(&names[group.start + at], counts, n_genes))
            .collect();
        for (sample, found) in group.zip(found) {
            let cells = std::mem::take(&mut cells[sample]);
            progress.add(cells.len() as u64);
            scored.push((cells, found));
        }
    }
    Ok(scored)
}

/// Neighbouring samples together, as long as their counts are at most `most`.
fn groups(n_counts: &[u64], most: u64) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (sample, &n) in n_counts.iter().enumerate() {
        if sum + n > most && sample > start {
            groups.push(start..sample);
            (start, sum) = (sample, 0);
        }
        sum += n;
    }
    groups.push(start..n_counts.len());
    groups
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn samples_are_read_together_up_to_the_limit_and_a_larger_one_alone() {
        assert_eq!(groups(&[3, 4, 4, 20, 1, 2], 10), [0..2, 2..3, 3..4, 4..6]);
        assert_eq!(groups(&[], 10), [0..0]);
    }
}
