//! Gene and value embeddings that begin with what training cells show at a glance.
//!
//! Genes that are expressed together begin close to each other: a gene's embedding is its loadings on the first principal
//! components of the standardised log1p of counts per 10,000, turned at random. Bins that are neighbours begin close to
//! each other: their embeddings lie on a smooth random curve. Both are added to the ordinary random draws, so a gene
//! without variance keeps its own. Random tables have to learn both before the first cell type can be told, which takes
//! far more cells than a small study has; that co-expression is worth beginning with is as old as gene2vec (Du et al.,
//! BMC Genomics 2019).

use super::Model;
use crate::artifact::tokens::{CellRows, Columns, Panel, Split, Tokens};
use crate::data::FIXED_EPOCH;
use crate::data::loader::{Batches, Plan};
use crate::data::order::{Arrangement, DEFAULT_WINDOW};
use crate::engine::LANES;
use crate::rng::{Philox, name_hash};
use crate::stage::Interrupt;
use crate::subspace::{eigen, orthonormalize, rotate};
use rayon::prelude::*;

/// Most training cells the components are fitted to.
pub const MAX_CELLS: usize = 10_000;
/// Most components; wider embeddings hold them turned into their space.
pub const MAX_COMPONENTS: usize = 64;
/// Root mean square of what is added to either table.
const SCALE: f64 = 0.3;
/// Waves of the bins' curve; the k-th is drawn with 1 / k of the first's strength.
const WAVES: usize = 8;
/// Directions beyond those asked for, and rounds of multiplication.
const EXTRA: usize = 10;
const ROUNDS: usize = 5;
/// A gene that fewer training cells express keeps its random embedding.
const MIN_CELLS: usize = 3;
/// Standardised values are cut here, as single-cell pipelines do.
const CLIP: f64 = 10.0;
/// Purpose word of the draws of this module.
const PURPOSE: u32 = u32::from_be_bytes(*b"pcai");

/// Adds to the gene and value embeddings of fresh weights what the training cells of `tokens` show.
///
/// Errors: unreadable tokens, or `interrupt`.
pub fn fit(model: &mut Model, tokens: &Tokens, seed: u64, interrupt: &Interrupt) -> anyhow::Result<()> {
    let (dim, n_bins) = (model.config.d_model, model.config.n_bins);
    let rows = sample(tokens, seed, interrupt)?;
    let cells = Standardized::new(&rows, tokens.panels(), tokens.vocabulary().n_genes());
    let components = cells.components(dim.min(MAX_COMPONENTS), seed);
    tracing::info!(
        "gene embeddings begin with {} principal components of {} training cells",
        components.n,
        rows.n_cells()
    );
    let genes = turned(&components, dim, seed);
    let curve = smooth_curve(n_bins, dim, seed);
    for (name, tensor) in model.params_mut() {
        let add = match name.as_str() {
            "embed.gene.weight" => &genes,
            "embed.value.weight" => &curve,
            _ => continue,
        };
        tensor.as_mut_slice().iter_mut().zip(add).for_each(|(value, add)| *value += add);
    }
    Ok(())
}

/// All training cells, or the first [`MAX_CELLS`] of a shuffled order, with counts.
fn sample(tokens: &Tokens, seed: u64, interrupt: &Interrupt) -> anyhow::Result<CellRows> {
    let whole = tokens.index().split.cells.train as usize <= MAX_CELLS;
    let shuffled = Arrangement::Shuffled { seed, epoch: FIXED_EPOCH, window: DEFAULT_WINDOW };
    let plan = Plan {
        split: Some(Split::Train),
        arrangement: if whole { Arrangement::Sequential } else { shuffled },
        batch_cells: 256,
        start: 0,
        columns: Columns { counts: true, ..Columns::default() },
    };
    let mut rows = CellRows::new();
    for batch in Batches::new(tokens, plan) {
        interrupt.check()?;
        let batch = batch?.rows;
        for cell in 0..batch.n_cells().min(MAX_CELLS - rows.n_cells()) {
            rows.push_from(&batch, cell);
        }
        if rows.n_cells() == MAX_CELLS {
            break;
        }
    }
    Ok(rows)
}

/// Principal components over genes.
struct Components {
    /// [n_genes + 1, n] orthonormal columns, by descending variance.
    directions: Vec<f32>,
    /// [n]
    variance: Vec<f64>,
    n: usize,
}

/// A sparse matrix of cells whose columns, the genes, have mean 0 and variance 1 over the cells whose study measured
/// them, and are 0 in all others.
struct Standardized<'a> {
    rows: &'a CellRows,
    panels: &'a [Panel],
    /// What each entry of `rows` is above its gene's value at a zero count.
    above_zero: Vec<f32>,
    /// [n_genes + 1] a gene's value at a zero count.
    at_zero: Vec<f32>,
}

impl<'a> Standardized<'a> {
    fn new(rows: &'a CellRows, panels: &'a [Panel], n_genes: usize) -> Self {
        let value = |cell: usize, at: usize| {
            libm::log1p(f64::from(rows.counts[at]) / rows.total_counts[cell].max(1.0) * 1e4)
        };
        let mut measured = vec![0usize; n_genes + 1];
        for (number, panel) in panels.iter().enumerate() {
            let n = rows.panels.iter().filter(|&&of| usize::from(of) == number).count();
            panel.gene_ids.iter().for_each(|&gene| measured[gene as usize] += n);
        }
        let (mut sum, mut squares) = (vec![0.0; n_genes + 1], vec![0.0; n_genes + 1]);
        let mut expressed = vec![0usize; n_genes + 1];
        for cell in 0..rows.n_cells() {
            for at in rows.range(cell) {
                let (gene, value) = (rows.gene_ids[at] as usize, value(cell, at));
                sum[gene] += value;
                squares[gene] += value * value;
                expressed[gene] += 1;
            }
        }
        let mean = |gene: usize| sum[gene] / measured[gene].max(1) as f64;
        let scale = |gene: usize| {
            let variance = squares[gene] / measured[gene].max(1) as f64 - mean(gene).powi(2);
            if expressed[gene] >= MIN_CELLS && variance > 1e-12 { variance.sqrt().recip() } else { 0.0 }
        };
        let (mean, scale): (Vec<f64>, Vec<f64>) = (0..=n_genes).map(|gene| (mean(gene), scale(gene))).unzip();
        let standard = |value: f64, gene: usize| ((value - mean[gene]) * scale[gene]).clamp(-CLIP, CLIP);
        let above = |cell: usize, at: usize| {
            let gene = rows.gene_ids[at] as usize;
            (standard(value(cell, at), gene) - standard(0.0, gene)) as f32
        };
        let above_zero =
            (0..rows.n_cells()).flat_map(|cell| rows.range(cell).map(move |at| above(cell, at))).collect();
        let at_zero = (0..=n_genes).map(|gene| standard(0.0, gene) as f32).collect();
        Self { rows, panels, above_zero, at_zero }
    }

    /// The matrix times `basis` [n_genes + 1, width]: [n_cells, width].
    fn times(&self, basis: &[f32], width: usize) -> Vec<f32> {
        let row = |gene: usize| &basis[gene * width..(gene + 1) * width];
        let empty: Vec<Vec<f32>> = self
            .panels
            .par_iter()
            .map(|panel| {
                let mut sum = vec![0.0; width];
                panel.gene_ids.iter().for_each(|&g| add(&mut sum, self.at_zero[g as usize], row(g as usize)));
                sum
            })
            .collect();
        let mut out = vec![0.0; self.rows.n_cells() * width];
        out.par_chunks_mut(width).enumerate().for_each(|(cell, out)| {
            out.copy_from_slice(&empty[usize::from(self.rows.panels[cell])]);
            for at in self.rows.range(cell) {
                add(out, self.above_zero[at], row(self.rows.gene_ids[at] as usize));
            }
        });
        out
    }

    /// The matrix, transposed, times `scores` [n_cells, width]: [n_genes + 1, width].
    fn transposed_times(&self, scores: &[f32], width: usize) -> Vec<f32> {
        let n_cells = self.rows.n_cells();
        // As many parts as a step has lanes: their number decides the order of additions, so it is fixed.
        let part = n_cells.div_ceil(LANES).max(1);
        let parts: Vec<Vec<f32>> = (0..n_cells.div_ceil(part))
            .into_par_iter()
            .map(|number| {
                let mut sum = vec![0.0; self.at_zero.len() * width];
                for cell in number * part..((number + 1) * part).min(n_cells) {
                    for at in self.rows.range(cell) {
                        let gene = self.rows.gene_ids[at] as usize;
                        let score = &scores[cell * width..(cell + 1) * width];
                        add(&mut sum[gene * width..(gene + 1) * width], self.above_zero[at], score);
                    }
                }
                sum
            })
            .collect();
        let mut out = vec![0.0; self.at_zero.len() * width];
        parts.iter().for_each(|part| add(&mut out, 1.0, part));
        for (number, panel) in self.panels.iter().enumerate() {
            let mut sum = vec![0.0; width];
            for cell in (0..n_cells).filter(|&cell| usize::from(self.rows.panels[cell]) == number) {
                add(&mut sum, 1.0, &scores[cell * width..(cell + 1) * width]);
            }
            for &gene in &panel.gene_ids {
                let gene = gene as usize;
                add(&mut out[gene * width..(gene + 1) * width], self.at_zero[gene], &sum);
            }
        }
        out
    }

    /// The first `n` principal components, or as many as there are cells or genes.
    fn components(&self, n: usize, seed: u64) -> Components {
        let n = n.min(self.rows.n_cells()).min(self.at_zero.len());
        let width = (n + EXTRA).min(self.at_zero.len());
        let mut stream = Philox::new(seed).stream(name_hash("components"), PURPOSE);
        let mut basis: Vec<f32> = (0..self.at_zero.len() * width).map(|_| stream.normal() as f32).collect();
        for _ in 0..ROUNDS {
            orthonormalize(&mut basis, width);
            basis = self.transposed_times(&self.times(&basis, width), width);
        }
        orthonormalize(&mut basis, width);
        let mut covariance = vec![0.0; width * width];
        for score in self.times(&basis, width).chunks_exact(width) {
            for (row, &a) in covariance.chunks_exact_mut(width).zip(score) {
                row.iter_mut().zip(score).for_each(|(sum, &b)| *sum += f64::from(a) * f64::from(b));
            }
        }
        let (values, vectors) = eigen(covariance, width);
        let per_cell = 1.0 / self.rows.n_cells().max(1) as f64;
        Components {
            directions: rotate(&basis, &vectors, width, n),
            variance: values[..n].iter().map(|value| value.max(0.0) * per_cell).collect(),
            n,
        }
    }
}

fn add(sum: &mut [f32], factor: f32, values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// Loadings, each component times the fourth root of its variance, turned at random into `dim` dimensions and scaled:
/// [n_genes + 1, dim]. The root lets the first components lead without drowning the rest.
fn turned(components: &Components, dim: usize, seed: u64) -> Vec<f32> {
    let n = components.n;
    let mut stream = Philox::new(seed).stream(name_hash("turn"), PURPOSE);
    let mut turn: Vec<f32> = (0..dim * n).map(|_| stream.normal() as f32).collect();
    orthonormalize(&mut turn, n);
    let strength: Vec<f64> = components.variance.iter().map(|variance| variance.sqrt().sqrt()).collect();
    let genes = components.directions.chunks_exact(n.max(1)).flat_map(|gene| {
        let strength = &strength;
        turn.chunks_exact(n.max(1)).map(move |turn| {
            gene.iter().zip(turn).zip(strength).map(|((g, t), s)| f64::from(*g) * f64::from(*t) * s).sum()
        })
    });
    scaled(genes.collect())
}

/// Embeddings of the bins on a smooth random curve, [n_bins, dim].
fn smooth_curve(n_bins: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut stream = Philox::new(seed).stream(name_hash("curve"), PURPOSE);
    let waves: Vec<Vec<f64>> =
        (1..=WAVES).map(|k| (0..dim).map(|_| stream.normal() / k as f64).collect()).collect();
    let at = |bin: usize, i: usize| {
        let place = std::f64::consts::PI * (bin as f64 + 0.5) / n_bins as f64;
        waves.iter().zip(1..).map(|(wave, k)| wave[i] * libm::cos(place * f64::from(k))).sum()
    };
    scaled((0..n_bins * dim).map(|index| at(index / dim, index % dim)).collect())
}

/// The values, at a root mean square of [`SCALE`]; zeros stay zeros.
fn scaled(values: Vec<f64>) -> Vec<f32> {
    let square = values.iter().map(|x| x * x).sum::<f64>() / values.len().max(1) as f64;
    let factor = if square > 0.0 { SCALE / square.sqrt() } else { 0.0 };
    values.into_iter().map(|x| (x * factor) as f32).collect()
}

#[cfg(test)]
mod tests;
