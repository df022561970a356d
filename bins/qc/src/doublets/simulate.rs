//! Simulated doublets: the counts of two random cells, added up.
//!
//! Every step between counts and components is linear but the division by the cell's total. The sum of two cells
//! with totals t and u, divided by its own total, is t/(t+u) of the one divided by its total and u/(t+u) of the other;
//! so a doublet lies between its parents on the components, at a place that their totals alone decide, and its counts
//! need not be made.

use panfoma_core::rng::{Philox, name_hash};
use std::collections::HashSet;

/// Simulated doublets a cell.
pub const RATIO: usize = 2;
/// Names this use of the seed.
const PURPOSE: u32 = 0x6462_6c74;

/// Pairs of cells in 0..n, `ratio` a cell, no pair twice; a cell may be paired with itself, as in scanpy. They depend on
/// the seed and the sample's name.
pub fn pairs(n: usize, ratio: usize, philox: &Philox, sample: &str) -> Vec<(u32, u32)> {
    let mut stream = philox.stream(name_hash(sample), PURPOSE);
    let mut drawn = HashSet::with_capacity(n * ratio);
    let mut pairs = Vec::with_capacity(n * ratio);
    while pairs.len() < n * ratio.min(n) {
        let pair = (stream.below(n as u32), stream.below(n as u32));
        if drawn.insert(pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// Where the doublets lie. positions: [cells × dim]   totals: [cells] counts in the variable genes
/// returns [pairs × dim].
pub fn positions(positions: &[f32], dim: usize, totals: &[f64], pairs: &[(u32, u32)]) -> Vec<f32> {
    let mut out = Vec::with_capacity(pairs.len() * dim);
    for &(a, b) in pairs {
        let (a, b) = (a as usize, b as usize);
        let sum = totals[a] + totals[b];
        // Two cells without counts lie at the same place, and so does their sum.
        let share = if sum > 0.0 { totals[a] / sum } else { 0.5 };
        let (a, b) = (&positions[a * dim..(a + 1) * dim], &positions[b * dim..(b + 1) * dim]);
        out.extend(
            a.iter().zip(b).map(|(&a, &b)| (share * f64::from(a) + (1.0 - share) * f64::from(b)) as f32),
        );
    }
    out
}
