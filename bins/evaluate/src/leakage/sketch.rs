//! Cells as bit strings that differ the less, the nearer their log counts point (Charikar 2002).

use panfoma_core::artifact::tokens::CellRows;
use panfoma_core::rng::Philox;

/// Bits of a sketch.
const BITS: usize = 384;
/// Keys that are cut from a sketch, of successive bits.
pub const TABLES: usize = 8;
/// Names the draws of the planes; they are the same for every seed, as what is a duplicate must not depend on one.
const PURPOSE: u32 = 0x7477_696E;

/// Signs of random projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sketch([u64; BITS / 64]);

impl Sketch {
    /// Bits that differ.
    pub fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The successive 48 bits of one table.
    pub fn key(&self, table: usize) -> u64 {
        let width = BITS / TABLES;
        (table * width..(table + 1) * width)
            .fold(0, |key, bit| key << 1 | (self.0[bit / 64] >> (bit % 64) & 1))
    }
}

/// Random planes: +1 or -1 for each gene and bit.
pub struct Planes {
    /// [genes + 1 × bits]
    signs: Vec<i8>,
}

impl Planes {
    /// For the ids 0 to `n_genes`.
    pub fn new(n_genes: usize) -> Self {
        let philox = Philox::new(0);
        let mut signs = Vec::with_capacity((n_genes + 1) * BITS);
        for gene in 0..=n_genes as u64 {
            let mut stream = philox.stream(gene, PURPOSE);
            for _ in 0..BITS / 32 {
                let word = stream.next_u32();
                signs.extend((0..32).map(|bit| if word >> bit & 1 == 0 { -1 } else { 1 }));
            }
        }
        Self { signs }
    }

    /// The sketch of a cell. gene_ids, values: one a gene that is expressed.
    pub fn sketch(&self, gene_ids: &[u32], values: &[f32]) -> Sketch {
        let mut sums = [0f32; BITS];
        for (&gene, &value) in gene_ids.iter().zip(values) {
            let signs = &self.signs[gene as usize * BITS..(gene as usize + 1) * BITS];
            sums.iter_mut().zip(signs).for_each(|(sum, &sign)| *sum += value * f32::from(sign));
        }
        let mut words = [0u64; BITS / 64];
        for (bit, _) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
            words[bit / 64] |= 1 << (bit % 64);
        }
        Sketch(words)
    }
}

/// log(1 + counts per 10,000) of a cell's genes.
pub fn logged(cells: &CellRows, i: usize) -> Vec<f32> {
    let total = cells.total_counts[i];
    cells.counts[cells.range(i)]
        .iter()
        .map(|&c| crate::baselines::features::log_normalized(c, total))
        .collect()
}

/// The same for the same genes and counts, and for no others but by one chance in 2⁶⁴.
pub fn exact(gene_ids: &[u32], counts: &[f32]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for (&gene, &count) in gene_ids.iter().zip(counts) {
        // SplitMix64 of the running hash and the pair.
        hash =
            (hash ^ (u64::from(gene) << 32 | u64::from(count.to_bits()))).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    }
    hash
}

/// Cosine of two cells, each as ascending gene ids and values; 0 if one is empty.
pub fn cosine(a: &(Vec<u32>, Vec<f32>), b: &(Vec<u32>, Vec<f32>)) -> f64 {
    let squares = |values: &[f32]| values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
    let (mut i, mut j, mut dot) = (0, 0, 0.0);
    while i < a.0.len() && j < b.0.len() {
        match a.0[i].cmp(&b.0[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                dot += f64::from(a.1[i]) * f64::from(b.1[j]);
                i += 1;
                j += 1;
            }
        }
    }
    let lengths = (squares(&a.1) * squares(&b.1)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot / lengths }
}
