//! Geneformer's order of genes, and quantile bins of it.
//!
//! A gene stands high where the cell expresses more of it than cells usually do: the value is the count per 10,000 of
//! the cell over the gene's median among the training cells that express it.
//!
//! Source: Theodoris et al., Nature 2023; Geneformer's `tokenizer.py`. There, the order of ties is that of an unstable
//! sort; here the lower id comes first.

use super::{Expressed, quantile};

/// One gene of a cell on its way into order.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    value: f64,
    gene: u32,
    index: u32,
}

/// A cell's counts over the genes' medians.
///
/// v = x f / median with f = 10,000 / total. The factor is rounded to f32, as it is in a normalised float32 matrix
/// before the division by medians in f64: genes of equal value must be the same ones.
pub fn values<'a>(cell: Expressed<'a>, medians: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let factor = factor(cell.total);
    let genes = cell.gene_ids.iter().zip(cell.counts);
    genes.map(move |(&gene, &count)| f64::from(count) * factor / medians[gene as usize - 1])
}

/// Counts per 10,000: what a count of a cell with this total is multiplied by.
pub fn factor(total: f64) -> f64 {
    f64::from(1e4_f32 / total as f32)
}

/// Appends the bins and the ranks of a cell's genes; rank 1 has the largest value, of equals the lowest id.
pub(super) fn append(
    cell: Expressed<'_>,
    medians: &[f64],
    n_bins: u16,
    order: &mut Vec<Place>,
    bins: &mut Vec<u8>,
    ranks: &mut Vec<u16>,
) {
    order.clear();
    order.extend(values(cell, medians).zip(cell.gene_ids).zip(0..).map(|((value, &gene), index)| Place {
        value,
        gene,
        index,
    }));
    order.sort_unstable_by(|a, b| b.value.total_cmp(&a.value).then(a.gene.cmp(&b.gene)));
    let n = order.len();
    let first = bins.len();
    bins.resize(first + n, 0);
    ranks.resize(first + n, 0);
    let mut larger = 0;
    for ties in order.chunk_by(|a, b| a.value == b.value) {
        let smaller = n - larger - ties.len();
        let bin = quantile::bin(smaller as u32, ties.len() as u32, n as u64, n_bins);
        for (place, rank) in ties.iter().zip(larger + 1..) {
            bins[first + place.index as usize] = bin;
            ranks[first + place.index as usize] = rank as u16;
        }
        larger += ties.len();
    }
}
