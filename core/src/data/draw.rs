//! Which genes of a cell the model sees: S = C x M of them, drawn anew each epoch, in random order.
//!
//! More expressed genes than S: S of them, each set equally likely. Fewer: all of them, filled with genes that the
//! cell's study measured and found at zero. A gene its study did not measure is unknown and never drawn, so a panel
//! smaller than S ends in padding.

use super::{cell_stream, epoch_key, purpose};
use crate::artifact::tokens::{Cell, CellRows, Panel};
use crate::rng::Philox;
use rayon::prelude::*;

/// The id of no gene.
pub const PADDING_GENE: u32 = 0;

/// Draws the genes of cells for one epoch.
#[derive(Clone, Copy, Debug)]
pub struct Drawer<'a> {
    key: Philox,
    panels: &'a [Panel],
    n_bins: u16,
}

/// Memory that draws reuse.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pool: Vec<(u32, u32)>,
}

impl<'a> Drawer<'a> {
    /// For training pass the epoch, for anything that must repeat [`FIXED_EPOCH`](super::FIXED_EPOCH).
    pub fn new(seed: u64, epoch: u32, panels: &'a [Panel], n_bins: u16) -> Self {
        Self { key: epoch_key(seed, epoch), panels, n_bins }
    }

    /// Fills one sequence and returns how many places hold a gene; they come first.
    ///
    /// genes: [S] ids, [`PADDING_GENE`] at padding   bins: [S], 0 for a zero count, n_bins + 1 at padding
    pub fn draw(&self, cell: Cell<'_>, scratch: &mut Scratch, genes: &mut [u32], bins: &mut [u32]) -> usize {
        assert_eq!(genes.len(), bins.len(), "a place for every gene's bin");
        let mut stream = cell_stream(&self.key, cell.hash, purpose(b"draw"));
        let (seq_len, n_expressed) = (genes.len(), cell.gene_ids.len());
        let pool = &mut scratch.pool;
        pool.clear();
        pool.extend(cell.gene_ids.iter().zip(cell.bins).map(|(&id, &bin)| (id, u32::from(bin))));
        if n_expressed < seq_len {
            pool.extend(
                absent(&self.panels[usize::from(cell.panel)].gene_ids, cell.gene_ids).map(|id| (id, 0)),
            );
            draw_first(&mut pool[n_expressed..], seq_len - n_expressed, &mut stream);
            pool.truncate(seq_len);
            stream.shuffle(pool);
        } else {
            draw_first(pool, seq_len, &mut stream);
            pool.truncate(seq_len);
        }
        for (place, &(id, bin)) in pool.iter().enumerate() {
            genes[place] = id;
            bins[place] = bin;
        }
        genes[pool.len()..].fill(PADDING_GENE);
        bins[pool.len()..].fill(u32::from(self.n_bins) + 1);
        pool.len()
    }

    /// Fills the sequences of several cells in parallel.
    ///
    /// genes, bins: [n_cells x S]; returns [n_cells], the places that hold a gene.
    pub fn draw_rows(
        &self,
        rows: &CellRows,
        seq_len: usize,
        genes: &mut [u32],
        bins: &mut [u32],
    ) -> Vec<usize> {
        assert_eq!((genes.len(), bins.len()), (rows.n_cells() * seq_len, rows.n_cells() * seq_len));
        genes
            .par_chunks_mut(seq_len)
            .zip(bins.par_chunks_mut(seq_len))
            .enumerate()
            .map_init(Scratch::default, |scratch, (i, (genes, bins))| {
                self.draw(rows.cell(i), scratch, genes, bins)
            })
            .collect()
    }
}

/// Puts a uniformly random ordered choice of `n` items first (a Fisher-Yates shuffle that stops there).
fn draw_first<T>(items: &mut [T], n: usize, stream: &mut crate::rng::Stream) {
    for place in 0..n.min(items.len()) {
        let rest = (items.len() - place) as u32;
        items.swap(place, place + stream.below(rest) as usize);
    }
}

/// The ids of `panel` that are not in `expressed`; both ascending.
fn absent<'b>(panel: &'b [u32], expressed: &'b [u32]) -> impl Iterator<Item = u32> + 'b {
    let mut expressed = expressed.iter().peekable();
    panel.iter().copied().filter(move |id| {
        while expressed.next_if(|&e| e < id).is_some() {}
        expressed.next_if_eq(&id).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::tokens::fixture::Corpus;
    use crate::data::FIXED_EPOCH;
    use std::collections::BTreeSet;

    const CORPUS: Corpus = Corpus { n_cells: 400, n_genes: 40, small_panel: 21, n_bins: 11, seed: 5 };

    fn draw(drawer: &Drawer, cell: Cell<'_>, seq_len: usize) -> (usize, Vec<u32>, Vec<u32>) {
        let (mut genes, mut bins) = (vec![9; seq_len], vec![9; seq_len]);
        let n = drawer.draw(cell, &mut Scratch::default(), &mut genes, &mut bins);
        (n, genes, bins)
    }

    #[test]
    fn expressed_genes_come_first_then_measured_zeros_then_padding() {
        let (rows, panels) = (CORPUS.rows(), CORPUS.panels());
        let drawer = Drawer::new(3, 1, &panels, CORPUS.n_bins);
        for seq_len in [1, 8, 16, 64] {
            for cell in rows.cells() {
                let (n, genes, bins) = draw(&drawer, cell, seq_len);
                let panel = &panels[usize::from(cell.panel)].gene_ids;
                assert_eq!(n, seq_len.min(panel.len()));
                let drawn: BTreeSet<u32> = genes[..n].iter().copied().collect();
                assert_eq!(drawn.len(), n, "no gene twice");
                assert!(drawn.iter().all(|id| panel.contains(id)), "only measured genes");
                let bin_of =
                    |id: &u32| cell.gene_ids.binary_search(id).map_or(0, |at| u32::from(cell.bins[at]));
                assert!(genes[..n].iter().zip(&bins).all(|(id, &bin)| bin == bin_of(id)), "its own bin");
                let n_expressed = bins[..n].iter().filter(|&&bin| bin > 0).count();
                assert_eq!(n_expressed, seq_len.min(cell.gene_ids.len()), "expressed genes are first choice");
                assert!(genes[n..].iter().all(|&id| id == 0) && bins[n..].iter().all(|&bin| bin == 12));
            }
        }
    }

    #[test]
    fn a_draw_depends_on_the_cell_the_seed_and_the_epoch_only() {
        let (rows, panels) = (CORPUS.rows(), CORPUS.panels());
        let seq_len = 16;
        let drawer = Drawer::new(3, 1, &panels, CORPUS.n_bins);
        let (mut genes, mut bins) = (vec![0; 400 * seq_len], vec![0; 400 * seq_len]);
        drawer.draw_rows(&rows, seq_len, &mut genes, &mut bins);
        for i in [0, 17, 399] {
            // Alone, or among 400: the same.
            let (_, alone, _) = draw(&drawer, rows.cell(i), seq_len);
            assert_eq!(alone, genes[i * seq_len..][..seq_len]);
            for (seed, epoch) in [(4, 1), (3, 2), (3, FIXED_EPOCH)] {
                let other = Drawer::new(seed, epoch, &panels, CORPUS.n_bins);
                assert_ne!(draw(&other, rows.cell(i), seq_len).1, alone);
            }
        }
    }

    /// `limit` is the upper 0.1 % point of chi-square: 27.88 at 9 degrees of freedom, 43.82 at 19, 69.35 at 37.
    fn check_uniform(counts: &[u32], expected: f64, limit: f64) {
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!(chi < limit, "chi-square {chi} over {limit}: {counts:?}");
    }

    #[test]
    fn every_expressed_gene_and_every_place_is_equally_likely() {
        let panels = CORPUS.panels();
        let gene_ids: Vec<u32> = (11..=30).collect();
        let bins = vec![1; 20];
        let (n_draws, seq_len) = (20_000, 10);
        let (mut chosen, mut first) = (vec![0; 20], vec![0; 20]);
        for hash in 0..n_draws {
            let cell = Cell { gene_ids: &gene_ids, bins: &bins, panel: 0, hash };
            let (_, genes, _) = draw(&Drawer::new(0, 0, &panels, 11), cell, seq_len);
            genes.iter().for_each(|id| chosen[*id as usize - 11] += 1);
            first[genes[0] as usize - 11] += 1;
        }
        // Drawn without replacement the counts vary by half (1 - 10/20) of what multinomial ones would.
        check_uniform(&chosen, n_draws as f64 * 0.5, 43.82 * 0.5 * 20.0 / 19.0);
        check_uniform(&first, n_draws as f64 / 20.0, 43.82);
    }

    #[test]
    fn zeros_are_filled_uniformly_from_the_panel_and_land_anywhere() {
        let panels = CORPUS.panels();
        let (gene_ids, bins) = ([1, 40], [3, 4]);
        let (n_draws, seq_len) = (20_000u64, 10);
        let (mut zeros, mut place_of_one) = (vec![0; 38], vec![0; seq_len]);
        for hash in 0..n_draws {
            let cell = Cell { gene_ids: &gene_ids, bins: &bins, panel: 0, hash };
            let (_, genes, bins) = draw(&Drawer::new(0, 0, &panels, 11), cell, seq_len);
            genes
                .iter()
                .zip(&bins)
                .filter(|(_, bin)| **bin == 0)
                .for_each(|(id, _)| zeros[*id as usize - 2] += 1);
            place_of_one[genes.iter().position(|&id| id == 1).unwrap()] += 1;
        }
        // Without replacement again: variance smaller by 1 - 8/38.
        check_uniform(&zeros, n_draws as f64 * 8.0 / 38.0, 69.35 * (30.0 / 38.0) * 38.0 / 37.0);
        check_uniform(&place_of_one, n_draws as f64 / 10.0, 27.88);
    }
}
