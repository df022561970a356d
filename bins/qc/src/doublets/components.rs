//! Principal components of a sample's variable genes, standardised without being made dense.
//!
//! With x the counts of a cell divided by their sum, z = (x - mean) / deviation over the cells. z is dense where x is
//! sparse, so products with it are made as those of x / deviation, less what mean / deviation contributes. Directions of
//! largest variance are found in a block Krylov space (Musco & Musco 2015, arXiv 1504.05477).

use super::variable_genes::Subset;
use panfoma_core::dense::{View, multiply};
use panfoma_core::rng::Philox;
use panfoma_core::subspace::eigen;
use rayon::prelude::*;

/// Components, as in Scrublet.
const COMPONENTS: usize = 30;
/// Vectors multiplied at once: one register of eight f32.
const BLOCK: usize = 8;
/// Blocks of the space. 24 find the components of 300 cells to 1e-7 of their variance.
const BLOCKS: usize = 24;
/// A vector of which less than this is new adds nothing but rounding.
const NEW: f64 = 1e-5;
/// What the counts of a cell in the variable genes are scaled to.
const SCALE: f64 = 1e6;
/// Names this use of the seed.
const PURPOSE: u32 = 0x6462_7063;

/// Where the cells lie.
pub struct Space {
    /// [cells × n_components].
    pub positions: Vec<f32>,
    /// Number of components.
    pub n_components: usize,
}

/// Projects the cells on the components of their own z-scores; `None` if there are no more variable genes than
/// components. Products are computed in f32, directions in f64; the same bits for any number of threads.
pub fn project(sample: &Subset, seed: u64) -> Option<Space> {
    if sample.n_genes <= COMPONENTS {
        return None;
    }
    let z = Standardised::new(sample);
    let directions = z.directions(&Philox::new(seed));
    let n_components = directions.len() / z.n_genes;
    // Padded, so that the width is known to the compiler.
    let mut wide = vec![[0.0_f32; 32]; z.n_genes];
    for (component, direction) in directions.chunks_exact(z.n_genes).enumerate() {
        wide.iter_mut().zip(direction).for_each(|(row, &x)| row[component] = x as f32);
    }
    let positions = z.times(&wide).iter().flat_map(|row| row[..n_components].to_vec()).collect();
    Some(Space { positions, n_components })
}

/// z = scaled - shift, cells × genes.
struct Standardised {
    n_genes: usize,
    /// x / deviation by cells.
    cells: Compressed,
    /// The same by genes.
    genes: Compressed,
    /// mean / deviation of each gene.
    shift: Vec<f64>,
}

/// A sparse matrix by rows, or by columns.
struct Compressed {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Compressed {
    /// Rows times `dense` [columns × W], each row's terms in their order.
    fn times<const W: usize>(&self, dense: &[[f32; W]]) -> Vec<[f32; W]> {
        let row = |range: &[usize]| {
            let mut sum = [0.0; W];
            for &(at, value) in &self.entries[range[0]..range[1]] {
                sum.iter_mut().zip(&dense[at as usize]).for_each(|(sum, x)| *sum += value * x);
            }
            sum
        };
        self.starts.par_windows(2).with_min_len(64).map(row).collect()
    }
}

impl Standardised {
    fn new(sample: &Subset) -> Self {
        let (n, n_genes) = (sample.counts.len(), sample.n_genes);
        let scale = |cell: usize| if sample.totals[cell] > 0.0 { SCALE / sample.totals[cell] } else { 0.0 };
        let (mut sums, mut squares) = (vec![0.0; n_genes], vec![0.0; n_genes]);
        let mut starts = vec![0; n_genes + 1];
        for cell in 0..n {
            let (genes, counts) = sample.counts.row(cell);
            for (&gene, &count) in genes.iter().zip(counts) {
                let value = f64::from(count) * scale(cell);
                sums[gene as usize] += value;
                squares[gene as usize] += value * value;
                starts[gene as usize + 1] += 1;
            }
        }
        (0..n_genes).for_each(|gene| starts[gene + 1] += starts[gene]);
        let mean: Vec<f64> = sums.iter().map(|sum| sum / n as f64).collect();
        let over_deviation: Vec<f64> = mean
            .iter()
            .zip(&squares)
            .map(|(mean, squares)| (squares / n as f64 - mean * mean) * n as f64 / (n as f64 - 1.0))
            .map(|variance| if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 })
            .collect();
        let mut next = starts.clone();
        let mut by_gene = vec![(0, 0.0); sample.counts.indices.len()];
        let mut by_cell = Vec::with_capacity(by_gene.len());
        for cell in 0..n {
            let (genes, counts) = sample.counts.row(cell);
            for (&gene, &count) in genes.iter().zip(counts) {
                let value = (f64::from(count) * scale(cell) * over_deviation[gene as usize]) as f32;
                by_cell.push((gene, value));
                by_gene[next[gene as usize]] = (cell as u32, value);
                next[gene as usize] += 1;
            }
        }
        Self {
            n_genes,
            cells: Compressed { starts: sample.counts.indptr.clone(), entries: by_cell },
            genes: Compressed { starts, entries: by_gene },
            shift: mean.iter().zip(&over_deviation).map(|(mean, over)| mean * over).collect(),
        }
    }

    /// z · dense. dense: [genes × W]   returns [cells × W].
    fn times<const W: usize>(&self, dense: &[[f32; W]]) -> Vec<[f32; W]> {
        let mut centre = [0.0_f64; W];
        for (row, &shift) in dense.iter().zip(&self.shift) {
            centre.iter_mut().zip(row).for_each(|(sum, &x)| *sum += shift * f64::from(x));
        }
        let mut product = self.cells.times(dense);
        product.iter_mut().flat_map(|row| row.iter_mut().zip(&centre)).for_each(|(x, &c)| *x -= c as f32);
        product
    }

    /// zᵀ · z · block. block: vectors of length genes, one after another, at most BLOCK; returns the same shape.
    fn squared_times(&self, block: &[f64]) -> Vec<f64> {
        let mut dense = vec![[0.0_f32; BLOCK]; self.n_genes];
        for (at, vector) in block.chunks_exact(self.n_genes).enumerate() {
            dense.iter_mut().zip(vector).for_each(|(row, &x)| row[at] = x as f32);
        }
        let image = self.times(&dense);
        let mut sums = [0.0_f64; BLOCK];
        image.iter().flat_map(|row| sums_index(row)).for_each(|(at, x)| sums[at] += x);
        let back = self.genes.times(&image);
        let vector = |at: usize| {
            let entry = move |(row, shift): (&[f32; BLOCK], &f64)| f64::from(row[at]) - shift * sums[at];
            back.iter().zip(&self.shift).map(entry).collect::<Vec<f64>>()
        };
        (0..block.len() / self.n_genes).flat_map(vector).collect()
    }

    /// Unit vectors along the components, largest variance first, one after another.
    fn directions(&self, philox: &Philox) -> Vec<f64> {
        let h = self.n_genes;
        let mut stream = philox.stream(0, PURPOSE);
        let random = (0..BLOCK * h).map(|_| stream.normal()).collect();
        let (mut basis, mut images) = (Vec::new(), Vec::new());
        let mut block = new_directions(&basis, random, h);
        while !block.is_empty() && basis.len() < BLOCK * BLOCKS * h {
            let image = self.squared_times(&block);
            basis.append(&mut block);
            block = new_directions(&basis, image.clone(), h);
            images.extend(image);
        }
        let m = basis.len() / h;
        let within = product(View::new(&basis, m, h), View::new(&images, m, h).t(), m * m);
        let symmetric = (0..m * m).map(|at| (within[at] + within[at % m * m + at / m]) / 2.0).collect();
        let (_, vectors) = eigen(symmetric, m);
        let n_components = COMPONENTS.min(m);
        let leading: Vec<f64> =
            (0..m * n_components).map(|at| vectors[at / n_components * m + at % n_components]).collect();
        product(View::new(&leading, m, n_components).t(), View::new(&basis, m, h), n_components * h)
    }
}

fn sums_index(row: &[f32; BLOCK]) -> impl Iterator<Item = (usize, f64)> {
    row.iter().map(|&x| f64::from(x)).enumerate()
}

fn product(a: View<f64>, b: View<f64>, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    multiply(a, b, &mut out);
    out
}

/// What is new in a block of vectors, orthonormal: Gram-Schmidt, twice, against the basis and within the block.
fn new_directions(basis: &[f64], mut block: Vec<f64>, h: usize) -> Vec<f64> {
    let (m, n) = (basis.len() / h, block.len() / h);
    let before: Vec<f64> = block.chunks_exact(h).map(length).collect();
    for _ in 0..2 {
        let shares = product(View::new(&block, n, h), View::new(basis, m, h).t(), n * m);
        let known = product(View::new(&shares, n, m), View::new(basis, m, h), n * h);
        block.iter_mut().zip(known).for_each(|(x, known)| *x -= known);
    }
    let mut kept: Vec<f64> = Vec::with_capacity(block.len());
    for (vector, before) in block.chunks_exact_mut(h).zip(before) {
        for _ in 0..2 {
            for other in kept.chunks_exact(h) {
                let share: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= share * b);
            }
        }
        let length = length(vector);
        if length > NEW * before {
            kept.extend(vector.iter().map(|x| x / length));
        }
    }
    kept
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}
