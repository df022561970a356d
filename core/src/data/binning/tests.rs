//! The rules on 300 real cells beside scGPT's and Geneformer's own results (`tests/python/make_token_goldens.py`).

use super::*;
use crate::artifact::vocabulary::Gene;
use safetensors::SafeTensors;

struct Golden(Vec<u8>);

impl Golden {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tokens/counts300.safetensors.zst");
        Self(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap())
    }

    fn numbers<const N: usize, T>(&self, name: &str, number: fn([u8; N]) -> T) -> Vec<T> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let bytes = tensors.tensor(name).unwrap().data().to_vec();
        bytes.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
    }

    fn cells(&self) -> Vec<std::ops::Range<usize>> {
        let indptr = self.numbers("indptr", u32::from_le_bytes);
        indptr.windows(2).map(|pair| pair[0] as usize..pair[1] as usize).collect()
    }

    fn counts(&self) -> Vec<f32> {
        self.numbers("counts", u16::from_le_bytes).into_iter().map(f32::from).collect()
    }

    /// Vocabulary ids: the index of the gene, and one.
    fn gene_ids(&self) -> Vec<u32> {
        self.numbers("genes", u16::from_le_bytes).into_iter().map(|gene| u32::from(gene) + 1).collect()
    }
}

fn vocabulary(n_genes: usize) -> Vocabulary {
    let gene =
        |n: usize| Gene { ensembl_id: format!("G{n:05}"), symbol: String::new(), n_cells: 1, mean: 1.0 };
    Vocabulary::new((0..n_genes).map(gene).collect()).unwrap()
}

#[test]
fn spans_and_digits_are_scgpts() {
    let golden = Golden::read();
    let (counts, cells) = (golden.counts(), golden.cells());
    let left = golden.numbers("left", |[byte]: [u8; 1]| u16::from(byte));
    let right = golden.numbers("right", |[byte]: [u8; 1]| u16::from(byte));
    let digits = golden.numbers("digits", |[byte]: [u8; 1]| byte);
    let draws = golden.numbers("draws", f64::from_le_bytes);
    for (number, cell) in cells[..60].iter().enumerate() {
        let spans = scgpt::spans(&counts[cell.clone()], 51);
        for (span, at) in spans.iter().zip(cell.clone()) {
            assert_eq!((span.left, span.right), (left[at], right[at]), "cell {number}, value {at}");
            assert_eq!(span.digit(draws[at]), digits[at], "cell {number}, value {at}");
        }
    }
    assert_eq!((cells[7].len(), cells[8].len()), (0, 1), "the empty and the one-gene cell are there");
}

#[test]
fn ranks_are_geneformers() {
    let golden = Golden::read();
    let (counts, gene_ids) = (golden.counts(), golden.gene_ids());
    let medians = golden.numbers("medians", f64::from_le_bytes);
    let ranked = golden.numbers("ranked", u16::from_le_bytes);
    let vocabulary = vocabulary(medians.len()).with_medians(medians).unwrap();
    let rule = Rule::new(Binning::Rank, 51, 0, &vocabulary).unwrap();
    let mut binner = rule.binner();
    for (number, cell) in golden.cells().into_iter().enumerate() {
        let (gene_ids, counts) = (&gene_ids[cell.clone()], &counts[cell.clone()]);
        let total = counts.iter().map(|&count| f64::from(count)).sum();
        let (mut bins, mut ranks) = (Vec::new(), Vec::new());
        binner.bin(Expressed { cell: 0, total, gene_ids, counts }, &mut bins, &mut ranks);
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&at| ranks[at]);
        let found: Vec<u16> = order.iter().map(|&at| (gene_ids[at] - 1) as u16).collect();
        assert_eq!(found, ranked[cell], "cell {number}");
        assert!(order.windows(2).all(|pair| bins[pair[0]] >= bins[pair[1]]), "cell {number}");
    }
}

#[test]
fn rank_bins_are_quantiles_of_the_value() {
    // Two genes of equal value share a bin though their ranks differ: 2 / 1 = 4 / 2 > 1 / 1 > 1 / 2.
    let vocabulary = vocabulary(4).with_medians(vec![2.0, 1.0, 1.0, 2.0]).unwrap();
    let rule = Rule::new(Binning::Rank, 5, 0, &vocabulary).unwrap();
    let (mut bins, mut ranks) = (Vec::new(), Vec::new());
    let cell = Expressed { cell: 0, total: 8.0, gene_ids: &[1, 2, 3, 4], counts: &[4.0, 2.0, 1.0, 1.0] };
    rule.binner().bin(cell, &mut bins, &mut ranks);
    assert_eq!(ranks, [1, 2, 3, 4]);
    // F = 3/4, 3/4, 3/8, 1/8 of four bins.
    assert_eq!(bins, [4, 4, 2, 1]);
}

#[test]
fn a_draw_depends_on_seed_cell_and_gene_and_on_nothing_else() {
    let vocabulary = vocabulary(400);
    let bins = |seed: u64, cell: u64, gene_ids: &[u32], n_before: usize| {
        let rule = Rule::new(Binning::Scgpt, 51, seed, &vocabulary).unwrap();
        let mut binner = rule.binner();
        let counts = vec![1.0; gene_ids.len()];
        let (mut bins, mut ranks) = (Vec::new(), Vec::new());
        for other in 0..n_before as u64 {
            let cell = Expressed { cell: 99 + other, total: 1.0, gene_ids, counts: &counts };
            binner.bin(cell, &mut bins, &mut ranks);
        }
        bins.clear();
        binner.bin(Expressed { cell, total: 1.0, gene_ids, counts: &counts }, &mut bins, &mut ranks);
        bins
    };
    let all: Vec<u32> = (1..=400).collect();
    let whole = bins(1, 2, &all, 0);
    assert_eq!(bins(1, 2, &all, 3), whole, "cells before leave no trace");
    // All tie, so a cell of other genes spans the same bins, and each gene keeps its own.
    let odd: Vec<u32> = (1..=400).step_by(3).collect();
    let of_odd: Vec<u8> = odd.iter().map(|&gene| whole[gene as usize - 1]).collect();
    assert_eq!(bins(1, 2, &odd, 0), of_odd);
    assert_ne!(bins(2, 2, &all, 0), whole);
    assert_ne!(bins(1, 3, &all, 0), whole);
}

#[test]
fn ties_fall_on_all_bins_of_their_span_equally_often_and_midpoint_draws_nothing() {
    let n_genes = 40_000;
    let vocabulary = vocabulary(n_genes);
    let gene_ids: Vec<u32> = (1..=n_genes as u32).collect();
    let counts = vec![1.0; n_genes];
    let bins = |binning: Binning| {
        let (mut bins, mut ranks) = (Vec::new(), Vec::new());
        let cell = Expressed { cell: 5, total: 1.0, gene_ids: &gene_ids, counts: &counts };
        Rule::new(binning, 51, 0, &vocabulary).unwrap().binner().bin(cell, &mut bins, &mut ranks);
        bins
    };
    let mut seen = [0u32; 51];
    bins(Binning::Scgpt).iter().for_each(|&bin| seen[usize::from(bin)] += 1);
    assert_eq!(seen[0], 0);
    // Chi-square at 49 degrees of freedom (upper 0.1 %: 85.35).
    let expected = n_genes as f64 / 50.0;
    let chi: f64 = seen[1..].iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    assert!(chi < 85.35, "chi-square {chi}: {seen:?}");
    assert!(bins(Binning::ScgptMidpoint).iter().all(|&bin| bin == 25));
}

#[test]
fn rank_needs_medians() {
    let error = Rule::new(Binning::Rank, 51, 0, &vocabulary(3)).unwrap_err();
    assert!(error.message.contains("no medians") && error.hint.is_some(), "{error:?}");
}
