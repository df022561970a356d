//! The dynamic order, its scores and the cell's global state.

mod support;

use panfoma_ptx_interpreter::{Arg, Finding};
use support::*;

struct Chunks {
    n_cells: usize,
    n_chunks: usize,
    chunk_len: usize,
}

impl Chunks {
    fn seq_len(&self) -> usize {
        self.n_chunks * self.chunk_len
    }

    fn row(&self, cell: usize, token: usize) -> usize {
        let chunk = cell * self.n_chunks + token / self.chunk_len;
        chunk * (self.chunk_len + 1) + 1 + token % self.chunk_len
    }
}

/// Tokens in order: class (number, NaN, padding), then score, then input order.
fn order(scores: &[f64], genes: &[u32]) -> Vec<usize> {
    let class = |&i: &usize| if genes[i] == 0 { 2 } else { u8::from(scores[i].is_nan()) };
    let mut order: Vec<usize> = (0..genes.len()).collect();
    let by_score = |a: usize, b: usize| match class(&a) {
        0 => scores[b].partial_cmp(&scores[a]).expect("two numbers"),
        _ => std::cmp::Ordering::Equal,
    };
    order.sort_by(|a, b| class(a).cmp(&class(b)).then_with(|| by_score(*a, *b)));
    order
}

/// (rows, places)
fn sort(
    c: &Chunks,
    scores: &[f64],
    genes: &[u32],
    block: usize,
    sort: &Kernel,
) -> Result<[Vec<u32>; 2], Finding> {
    let mut g = Device::new();
    let bytes = 4 * c.n_cells * c.seq_len();
    let n_keys = c.seq_len().next_power_of_two().max(2);
    let (scores, genes, rows, places) = (g.f32(scores), g.u32(genes), g.empty(bytes), g.empty(bytes));
    let args = [scores, genes, rows, places, n(c.seq_len()), n(c.chunk_len), n(n_keys)];
    g.try_launch(sort, Shape { grid: [c.n_cells, 1, 1], block, shared: 8 * n_keys }, &args)?;
    Ok([g.read_u32(rows), g.read_u32(places)])
}

fn check(c: Chunks, scores: &[f64], genes: &[u32], block: usize) {
    let [rows, places] =
        sort(&c, scores, genes, block, &kernel("sort_genes")).unwrap_or_else(|e| panic!("{e}"));
    let len = c.seq_len();
    for cell in 0..c.n_cells {
        let at = cell * len..(cell + 1) * len;
        for (place, token) in order(&scores[at.clone()], &genes[at]).into_iter().enumerate() {
            assert_eq!(rows[cell * len + place] as usize, c.row(cell, token), "place {place} of cell {cell}");
            assert_eq!(places[cell * len + token] as usize, cell * len + place);
        }
    }
}

fn one(scores: &[f64], genes: &[u32]) {
    check(Chunks { n_cells: 1, n_chunks: 1, chunk_len: genes.len() }, scores, genes, 32);
}

#[test]
fn ties_keep_their_order_and_padding_comes_last() {
    one(&[1.0], &[1]);
    one(&[1.0, 3.0, 2.0], &[5, 6, 7]);
    one(&[2.0, 1.0, 2.0, 1.0], &[1; 4]);
    one(&[9.0, 1.0, 8.0, 2.0], &[0, 1, 0, 1]);
    one(&[-0.0, 0.0, -0.0, -1.0, 1e-40, -1e-40], &[1; 6]);
    one(&[f64::NAN, 1.0, f64::NAN, 9.0, f64::NEG_INFINITY, f64::INFINITY], &[1, 1, 1, 0, 1, 1]);
    one(&[f64::NEG_INFINITY, f64::from(f32::MIN)], &[1, 1]);
}

#[test]
fn cells_of_any_length_are_sorted() {
    for (n_cells, n_chunks, chunk_len, block) in
        [(2, 4, 8, 32), (1, 3, 11, 64), (2, 1, 769, 256), (1, 4, 768, 1024)]
    {
        let c = Chunks { n_cells, n_chunks, chunk_len };
        let len = n_cells * c.seq_len();
        // Few different values: many ties.
        let scores: Vec<f64> = random(len, 1).iter().map(|x| (x * 20.0).round() / 8.0).collect();
        let genes: Vec<u32> = random(len, 2).iter().map(|x| u32::from(*x > -1.0)).collect();
        check(c, &scores, &genes, block);
    }
}

#[test]
fn every_barrier_of_the_sort_is_needed() {
    let c = Chunks { n_cells: 1, n_chunks: 1, chunk_len: 200 };
    let (scores, genes) = (random(200, 3), vec![1; 200]);
    for (line, text) in without_each(&source("sort_genes"), "bar.sync") {
        let found = sort(&c, &scores, &genes, 128, &kernel_of("sort_genes", &text));
        assert!(found.is_err(), "the sort runs without line {line}");
    }
}

#[test]
fn scores_are_products_with_the_mean_of_cls() {
    for (n_cells, n_chunks, chunk_len, cols) in [(1, 1, 1, 8), (2, 4, 33, 64), (1, 3, 5, 264)] {
        let c = Chunks { n_cells, n_chunks, chunk_len };
        let states = random_bf16(n_cells * n_chunks * (chunk_len + 1) * cols, 4);
        let state = |row: usize| &states[row * cols..][..cols];
        let (mut global, mut scores) = (vec![], vec![]);
        for cell in 0..n_cells {
            let cls = |chunk: usize| state(c.row(cell, chunk * chunk_len) - 1);
            let g: Vec<f64> =
                (0..cols).map(|i| (0..n_chunks).map(|k| cls(k)[i]).sum::<f64>() / n_chunks as f64).collect();
            let dot = |token| state(c.row(cell, token)).iter().zip(&g).map(|(h, g)| h * g).sum::<f64>();
            scores.extend((0..c.seq_len()).map(dot));
            global.extend(g);
        }
        let mut g = Device::new();
        let (states_, global_, scores_) =
            (g.bf16(&states), g.empty(4 * global.len()), g.empty(4 * scores.len()));
        let sizes: [Arg; 3] = [n(cols), n(n_chunks), n(chunk_len)];
        let args = [&[states_, global_, n(global.len())], &sizes[..]].concat();
        g.launch(&kernel("cell_global"), flat(global.len(), 256), &args);
        close("g", &g.read_f32(global_), &global, 1e-6);
        let args = [&[states_, global_, scores_, n(scores.len())], &sizes[..]].concat();
        g.launch(&kernel("gene_scores"), flat(scores.len(), 8).of(256), &args);
        close("scores", &g.read_f32(scores_), &scores, 1e-6);
    }
}
