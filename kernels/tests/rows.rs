//! Rows gathered, scattered, embedded and pooled, against float64.

mod support;

use support::*;

/// Blocks for 8 columns a thread.
fn vectors(rows: usize, cols: usize) -> Shape {
    flat(rows * cols / 8, 256)
}

fn row(x: &[f64], row: u32, cols: usize) -> &[f64] {
    &x[row as usize * cols..][..cols]
}

/// Numbers below `below`, as if drawn.
fn indices(n: usize, below: u32) -> Vec<u32> {
    (0..n as u32).map(|i| i.wrapping_mul(2_654_435_761) % below).collect()
}

#[test]
fn gathered_rows_are_copies() {
    for (n_rows, cols) in [(1, 8), (33, 64), (769, 16)] {
        let (x, rows) = (random_f32(50 * cols, 1), indices(n_rows, 50));
        let mut g = Device::new();
        let (f32s, bf16s, rows_) = (g.f32(&x), g.bf16(&x), g.u32(&rows));
        let expected: Vec<f64> =
            rows.iter().flat_map(|&r| row(&x, r, cols).iter().map(|&x| bf16(x))).collect();
        for (name, from) in [("gather_rows_f32", f32s), ("gather_rows_bf16", bf16s)] {
            let y = g.empty(2 * n_rows * cols);
            g.launch(&kernel(name), vectors(n_rows, cols), &[from, rows_, y, n(n_rows), n(cols)]);
            assert_eq!(g.read_bf16(y), expected, "{name}");
        }
    }
}

#[test]
fn selected_numbers() {
    let (of, which) = (indices(700, 1 << 30), indices(513, 700));
    let mut g = Device::new();
    let (of_, which_, y) = (g.u32(&of), g.u32(&which), g.empty(4 * 513));
    g.launch(&kernel("select"), flat(513, 256), &[of_, which_, y, n(513)]);
    assert_eq!(g.read_u32(y), which.iter().map(|&i| of[i as usize]).collect::<Vec<_>>());
}

#[test]
fn different_rows_are_added_to() {
    let (n_rows, cols) = (33, 24);
    let (x, y) = (random_bf16(100 * cols, 2), random_bf16(n_rows * cols, 3));
    let rows: Vec<u32> = (0..n_rows as u32).map(|i| 99 - 3 * i).collect();
    let mut g = Device::new();
    let (x_, y_, rows_) = (g.bf16(&x), g.bf16(&y), g.u32(&rows));
    g.launch(&kernel("scatter_rows_add"), vectors(n_rows, cols), &[y_, rows_, x_, n(n_rows), n(cols)]);
    let mut expected = x;
    for (i, &r) in rows.iter().enumerate() {
        for c in 0..cols {
            let x = &mut expected[r as usize * cols + c];
            *x = bf16(*x + y[i * cols + c]);
        }
    }
    assert_eq!(g.read_bf16(x_), expected);
}

/// What the caller of the segment kernels prepares: rows sorted by destination, cut in pieces.
struct Segments {
    order: Vec<u32>,
    /// Of each piece, in `order`.
    starts: Vec<u32>,
    /// First piece of each destination.
    pieces: Vec<u32>,
    rows: Vec<u32>,
}

fn segments(destinations: &[u32], most: usize) -> Segments {
    let mut order: Vec<u32> = (0..destinations.len() as u32).collect();
    order.sort_by_key(|&i| destinations[i as usize]);
    let mut s = Segments { starts: vec![], pieces: vec![], rows: vec![], order };
    for (k, &i) in s.order.iter().enumerate() {
        let row = destinations[i as usize];
        let is_new = s.rows.last() != Some(&row);
        if is_new {
            s.pieces.push(s.starts.len() as u32);
            s.rows.push(row);
        }
        if is_new || k - *s.starts.last().unwrap() as usize == most {
            s.starts.push(k as u32);
        }
    }
    s.pieces.push(s.starts.len() as u32);
    s.starts.push(s.order.len() as u32);
    s
}

#[test]
fn rows_named_many_times_are_summed_in_pieces() {
    for (n_rows, cols, below) in [(1, 8, 1), (769, 16, 5), (1025, 64, 300)] {
        let (y, to) = (random_bf16(n_rows * cols, 4), indices(n_rows, below));
        let x = random_f32(below as usize * cols, 5);
        let s = segments(&to, 64);
        let n_pieces = s.starts.len() - 1;
        let mut expected = x.clone();
        for (i, &r) in to.iter().enumerate() {
            (0..cols).for_each(|c| expected[r as usize * cols + c] += y[i * cols + c]);
        }
        let mut g = Device::new();
        let (y_, parts) = (g.bf16(&y), g.empty(4 * n_pieces * cols));
        let args = [y_, g.u32(&s.order), g.u32(&s.starts), parts, n(n_pieces), n(cols)];
        g.launch(&kernel("segment_sums"), vectors(n_pieces, cols), &args);
        let (pieces, rows) = (g.u32(&s.pieces), g.u32(&s.rows));
        let (f32s, bf16s) = (g.f32(&x), g.bf16(&x));
        for (name, x) in [("segment_add_f32", f32s), ("segment_add_bf16", bf16s)] {
            let args = [parts, pieces, rows, x, n(s.rows.len()), n(cols)];
            g.launch(&kernel(name), vectors(s.rows.len(), cols), &args);
        }
        close("f32", &g.read_f32(f32s), &expected, 1e-5);
        // x was rounded to bf16 before, and is after.
        close("bf16", &g.read_bf16(bf16s), &expected, 4e-3);
    }
}

#[test]
fn tokens_are_the_sum_of_two_embeddings_behind_a_cls() {
    for (n_cells, n_chunks, chunk_len, cols) in [(1, 1, 1, 8), (2, 4, 33, 64)] {
        let n_tokens = n_cells * n_chunks * chunk_len;
        let (gene, value, cls) =
            (random_f32(40 * cols, 6), random_f32(53 * cols, 7), random_f32(n_chunks * cols, 8));
        let (genes, values) = (indices(n_tokens, 40), indices(n_tokens, 53));
        let mut expected = Vec::new();
        for chunk in 0..n_cells * n_chunks {
            expected.extend(row(&cls, (chunk % n_chunks) as u32, cols).iter().map(|&x| bf16(x)));
            for token in chunk * chunk_len..(chunk + 1) * chunk_len {
                let sum = row(&gene, genes[token], cols).iter().zip(row(&value, values[token], cols));
                expected.extend(sum.map(|(a, b)| bf16(f64::from((a + b) as f32))));
            }
        }
        let n_rows = expected.len() / cols;
        let mut g = Device::new();
        let x = g.empty(2 * expected.len());
        let tables = [g.f32(&gene), g.f32(&value), g.f32(&cls)];
        let args = [&tables[..], &[g.u32(&genes), g.u32(&values), x]].concat();
        let args = [&args[..], &[n(n_rows), n(n_chunks), n(chunk_len), n(cols)]].concat();
        g.launch(&kernel("embed_tokens"), vectors(n_rows, cols), &args);
        assert_eq!(g.read_bf16(x), expected);
    }
}

#[test]
fn pooled_rows_are_the_mean_of_real_ones() {
    for (n_valid, len, cols) in [(vec![1], 1, 8), (vec![31, 33], 33, 64), (vec![769, 5, 1000], 1025, 72)] {
        let n_sequences = n_valid.len();
        let (x, dy) = (random_bf16(n_sequences * len * cols, 9), random_bf16(n_sequences * cols, 10));
        let (mut mean, mut dx) = (vec![0.0; n_sequences * cols], x.clone());
        for (s, &real) in n_valid.iter().enumerate() {
            for i in s * len..s * len + real as usize {
                for c in 0..cols {
                    mean[s * cols + c] += x[i * cols + c] / f64::from(real);
                    dx[i * cols + c] += dy[s * cols + c] / f64::from(real);
                }
            }
        }
        let mut g = Device::new();
        let (x_, dy_, n_valid_, y) = (g.bf16(&x), g.bf16(&dy), g.u32(&n_valid), g.empty(2 * mean.len()));
        let shape = Shape { grid: [cols.div_ceil(64), n_sequences, 1], block: 256, shared: 0 };
        g.launch(&kernel("mean_pool_fwd"), shape, &[x_, n_valid_, y, n(len), n(cols)]);
        close("mean", &g.read_bf16(y), &mean, 3e-3);
        let n_rows = n_sequences * len;
        let args = [dy_, n_valid_, x_, n(n_rows), n(len), n(cols)];
        g.launch(&kernel("mean_pool_bwd"), vectors(n_rows, cols), &args);
        close("dx", &g.read_bf16(x_), &dx, 3e-3);
    }
}
