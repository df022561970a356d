//! Sums over the genes of the output: in how many cells each is seen, and its counts.

use crate::Measured;
use crate::genes::Merged;
use crate::metrics::GeneSums;
use crate::places::{Places, merge};
use anyhow::Result;
use panfoma_core::stage::Interrupt;

/// Cells visited at once.
const BLOCK: usize = 4096;
/// Sums of integers below it are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Of each merged gene, the number of `wanted` cells that show it and the sum of its counts there: over all cells, as they
/// were measured, less those that are not wanted.
pub fn of_genes(
    studies: &[Measured],
    merged: &Merged,
    wanted: impl Fn(&Measured, usize) -> bool,
    interrupt: &Interrupt,
) -> Result<Vec<GeneSums>> {
    let mut sums = vec![GeneSums::default(); merged.genes.len()];
    for (study, positions) in studies.iter().zip(&merged.positions) {
        let places = Places::new(positions);
        let (metrics, cells) = (&study.metrics, 0..study.counts.len());
        // A cell that shows two genes of one place is one cell.
        let again = places.shared() || metrics.of_genes.iter().any(|gene| gene.total >= EXACT);
        let (visited, sign) = if again { (true, 1.0) } else { (false, -1.0) };
        if !again {
            for (position, gene) in positions.iter().zip(&metrics.of_genes) {
                let Some(place) = position else { continue };
                let sum = &mut sums[*place as usize];
                *sum = GeneSums { n_cells: sum.n_cells + gene.n_cells, total: sum.total + gene.total };
            }
        }
        let visited: Vec<usize> = cells.filter(|&cell| wanted(study, cell) == visited).collect();
        for cells in visited.chunks(BLOCK) {
            interrupt.check()?;
            for rows in merge(&study.counts, cells, &places)? {
                for (&gene, &count) in rows.indices.iter().zip(&rows.data) {
                    let sum = &mut sums[gene as usize];
                    sum.n_cells = if again { sum.n_cells + 1 } else { sum.n_cells - 1 };
                    sum.total += sign * f64::from(count);
                }
            }
        }
    }
    Ok(sums)
}
