//! Attention against float64: forward, both gradients, and every barrier and wait needed.

mod support;

use panfoma_ptx_interpreter::{Arg, Finding, Options};
use support::*;

#[derive(Clone, Copy)]
struct Case {
    n_sequences: usize,
    len: usize,
    n_heads: usize,
    d_head: usize,
}

impl Case {
    fn rows(&self) -> usize {
        self.n_sequences * self.len
    }

    fn d_model(&self) -> usize {
        self.n_heads * self.d_head
    }

    fn scale(&self) -> f64 {
        1.0 / (self.d_head as f64).sqrt()
    }

    /// First number of a head's part (0 q, 1 k, 2 v) of a row of qkv.
    fn qkv(&self, row: usize, part: usize, head: usize) -> usize {
        (row * 3 + part) * self.d_model() + head * self.d_head
    }

    fn name(&self, kernel: &str) -> String {
        format!("{kernel}_d{}", self.d_head)
    }

    fn grid(&self, rows: usize) -> [usize; 3] {
        [self.len.div_ceil(rows), self.n_heads, self.n_sequences]
    }

    /// 0 where `padding` says so, else anything but 0.
    fn keys(&self, padding: impl Fn(usize, usize) -> bool) -> Vec<u32> {
        (0..self.rows()).map(|i| if padding(i / self.len, i % self.len) { 0 } else { 7 }).collect()
    }
}

struct Reference {
    o: Vec<f64>,
    log_sum: Vec<f64>,
    dqkv: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(y: &mut [f64], by: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += by * x);
}

/// `kept`: O as the backward pass reads it, rounded to bf16.
fn reference(c: Case, qkv: &[f64], keys: &[u32], d_o: &[f64], kept: Option<&[f64]>) -> Reference {
    let (len, d) = (c.len, c.d_head);
    let mut o = vec![0.0; c.rows() * c.d_model()];
    let mut log_sum = vec![f64::NEG_INFINITY; c.n_sequences * c.n_heads * len];
    let mut dqkv = vec![0.0; qkv.len()];
    for s in 0..c.n_sequences {
        for head in 0..c.n_heads {
            let part =
                |row: usize, part| c.qkv(s * len + row, part, head)..c.qkv(s * len + row, part, head) + d;
            for i in 0..len {
                let out = (s * len + i) * c.d_model() + head * d;
                let d_out = &d_o[out..out + d];
                let score = |j: usize| match keys[s * len + j] {
                    0 => f64::NEG_INFINITY,
                    _ => dot(&qkv[part(i, 0)], &qkv[part(j, 1)]) * c.scale(),
                };
                let scores: Vec<f64> = (0..len).map(score).collect();
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if max == f64::NEG_INFINITY {
                    continue;
                }
                let sum: f64 = scores.iter().map(|x| (x - max).exp()).sum();
                log_sum[(s * c.n_heads + head) * len + i] = max + sum.ln();
                let p: Vec<f64> = scores.iter().map(|x| (x - max).exp() / sum).collect();
                for (j, &p) in p.iter().enumerate() {
                    add(&mut o[out..out + d], p, &qkv[part(j, 2)]);
                }
                let delta = dot(&kept.unwrap_or(&o)[out..out + d], d_out);
                for (j, &p) in p.iter().enumerate() {
                    let ds = p * (dot(d_out, &qkv[part(j, 2)]) - delta) * c.scale();
                    add(&mut dqkv[part(i, 0)], ds, &qkv[part(j, 1)]);
                    add(&mut dqkv[part(j, 1)], ds, &qkv[part(i, 0)]);
                    add(&mut dqkv[part(j, 2)], p, d_out);
                }
            }
        }
    }
    Reference { o, log_sum, dqkv }
}

fn scale_log2(c: Case) -> Arg {
    Arg::F32((std::f64::consts::LOG2_E * c.scale()) as f32)
}

/// (O, log sums)
fn forward(
    g: &mut Device,
    c: Case,
    kernel: &Kernel,
    qkv: &[f64],
    keys: &[u32],
) -> Result<(Vec<f64>, Vec<f64>), Finding> {
    let (o, logs) = (g.empty(c.rows() * c.d_model() * 2), g.empty(c.rows() * c.n_heads * 4));
    let args = [g.bf16(qkv), g.u32(keys), o, logs, n(c.len), n(c.n_heads), scale_log2(c)];
    let shared = 256 * c.d_head * 2 + 256;
    g.try_launch(kernel, Shape { grid: c.grid(128), block: 128, shared }, &args)?;
    Ok((g.read_bf16(o), g.read_f32(logs)))
}

fn check_forward(c: Case, padding: impl Fn(usize, usize) -> bool) {
    let (qkv, keys) = (random_bf16(c.rows() * 3 * c.d_model(), 3), c.keys(padding));
    let expected = reference(c, &qkv, &keys, &vec![0.0; c.rows() * c.d_model()], None);
    let (o, logs) = forward(&mut Device::new(), c, &kernel(&c.name("attention_fwd")), &qkv, &keys)
        .unwrap_or_else(|e| panic!("{e}"));
    close("O", &o, &expected.o, 3e-3);
    let error = largest(&logs, &expected.log_sum);
    assert!(error < 1e-5, "log sums are off by {error:.1e}");
}

#[test]
fn forward_of_one_token() {
    for d_head in [32, 64] {
        check_forward(Case { n_sequences: 2, len: 1, n_heads: 2, d_head }, |_, _| false);
    }
}

#[test]
fn forward_of_less_than_a_block_with_padding() {
    for d_head in [32, 64] {
        check_forward(Case { n_sequences: 1, len: 31, n_heads: 1, d_head }, |_, _| false);
        check_forward(Case { n_sequences: 2, len: 33, n_heads: 2, d_head }, |s, j| j > 0 && (j + s) % 3 == 0);
    }
}

#[test]
fn forward_of_several_blocks_with_padding() {
    for d_head in [32, 64] {
        check_forward(Case { n_sequences: 2, len: 130, n_heads: 2, d_head }, |s, j| s == 1 && j > 69);
        check_forward(Case { n_sequences: 1, len: 769, n_heads: 1, d_head }, |_, j| j > 700);
        check_forward(Case { n_sequences: 1, len: 1025, n_heads: 1, d_head }, |_, _| false);
    }
}

/// The model never does this (its [CLS] is a key), but nothing may become NaN.
#[test]
fn forward_of_nothing_but_padding_is_zero() {
    check_forward(Case { n_sequences: 2, len: 70, n_heads: 1, d_head: 64 }, |s, _| s == 1);
}

/// Scores of a few hundred: e^score overflows f32 unless the maximum is taken off first.
#[test]
fn forward_of_large_scores() {
    let c = Case { n_sequences: 1, len: 97, n_heads: 1, d_head: 64 };
    let qkv: Vec<f64> = random_bf16(c.rows() * 3 * 64, 5).iter().map(|x| x * 8.0).collect();
    let keys = c.keys(|_, _| false);
    let expected = reference(c, &qkv, &keys, &vec![0.0; c.rows() * 64], None);
    let (o, logs) = forward(&mut Device::new(), c, &kernel("attention_fwd_d64"), &qkv, &keys)
        .unwrap_or_else(|e| panic!("{e}"));
    close("O", &o, &expected.o, 3e-3);
    // f32 holds a log sum of 300 to 3e-5.
    assert!(largest(&logs, &expected.log_sum) < 1e-4);
}

struct Backward {
    dqkv: Vec<f64>,
    /// D of every row and head, by sequence, head, token.
    deltas: Vec<f64>,
}

struct Inputs {
    qkv: Vec<f64>,
    keys: Vec<u32>,
    o: Vec<f64>,
    d_o: Vec<f64>,
    expected: Reference,
}

fn inputs(c: Case, padding: impl Fn(usize, usize) -> bool) -> Inputs {
    let n = c.rows() * c.d_model();
    let (qkv, d_o, keys) = (random_bf16(3 * n, 3), random_bf16(n, 4), c.keys(padding));
    let o: Vec<f64> = reference(c, &qkv, &keys, &d_o, None).o.into_iter().map(bf16).collect();
    let expected = reference(c, &qkv, &keys, &d_o, Some(&o));
    Inputs { qkv, keys, o, d_o, expected }
}

fn backward(g: &mut Device, c: Case, i: &Inputs, dkdv: &Kernel, dq: &Kernel) -> Result<Backward, Finding> {
    let n_rows = c.rows() * c.n_heads;
    let (rows, dqkv) = (g.empty(n_rows * 8), g.empty(i.qkv.len() * 2));
    let (o, d_o, logs) = (g.bf16(&i.o), g.bf16(&i.d_o), g.f32(&i.expected.log_sum));
    let args = [o, d_o, logs, rows, n(c.len), n(c.n_heads), n(n_rows)];
    g.try_launch(&kernel(&c.name("attention_bwd_rows")), flat(n_rows, 1024 / c.d_head).of(128), &args)?;
    let scale = Arg::F32(c.scale() as f32);
    let args =
        [g.bf16(&i.qkv), g.u32(&i.keys), d_o, rows, dqkv, n(c.len), n(c.n_heads), scale, scale_log2(c)];
    let tiles = 4 * 64 * c.d_head * 2;
    g.try_launch(dkdv, Shape { grid: c.grid(64), block: 128, shared: tiles + 1024 }, &args)?;
    g.try_launch(dq, Shape { grid: c.grid(64), block: 128, shared: tiles + 512 }, &args)?;
    let deltas = g.read_f32(rows).into_iter().skip(1).step_by(2).collect();
    Ok(Backward { dqkv: g.read_bf16(dqkv), deltas })
}

fn check_backward(c: Case, padding: impl Fn(usize, usize) -> bool) {
    let i = inputs(c, padding);
    let (dkdv, dq) = (kernel(&c.name("attention_bwd_dkdv")), kernel(&c.name("attention_bwd_dq")));
    let found = backward(&mut Device::new(), c, &i, &dkdv, &dq).unwrap_or_else(|e| panic!("{e}"));
    let mut deltas = Vec::new();
    for (s, head) in (0..c.n_sequences).flat_map(|s| (0..c.n_heads).map(move |head| (s, head))) {
        for row in s * c.len..(s + 1) * c.len {
            let at = row * c.d_model() + head * c.d_head..row * c.d_model() + (head + 1) * c.d_head;
            deltas.push(dot(&i.o[at.clone()], &i.d_o[at]));
        }
    }
    close("D", &found.deltas, &deltas, 1e-6);
    let d = c.d_model();
    for (part, name) in ["dQ", "dK", "dV"].into_iter().enumerate() {
        let take = |x: &[f64]| x.chunks(d).skip(part).step_by(3).flatten().copied().collect::<Vec<_>>();
        close(name, &take(&found.dqkv), &take(&i.expected.dqkv), 6e-3);
    }
    for (row, _) in i.keys.iter().enumerate().filter(|(_, key)| **key == 0) {
        assert!(
            found.dqkv[(3 * row + 1) * d..(3 * row + 3) * d].iter().all(|&x| x == 0.0),
            "padding row {row}"
        );
    }
}

/// P is 1, so dS is 0 but for rounding, and dV is dO.
#[test]
fn backward_of_one_token() {
    for d_head in [32, 64] {
        let c = Case { n_sequences: 3, len: 1, n_heads: 2, d_head };
        let i = inputs(c, |_, _| false);
        let (dkdv, dq) = (kernel(&c.name("attention_bwd_dkdv")), kernel(&c.name("attention_bwd_dq")));
        let found = backward(&mut Device::new(), c, &i, &dkdv, &dq).unwrap_or_else(|e| panic!("{e}"));
        let largest = i.d_o.iter().fold(0.0f64, |max, x| max.max(x.abs()));
        for (part, dqkv) in found.dqkv.chunks(c.d_model()).enumerate() {
            let row = part / 3 * c.d_model();
            let expected = &i.d_o[row..row + c.d_model()];
            match part % 3 {
                2 => close("dV", dqkv, expected, 6e-3),
                _ => assert!(dqkv.iter().all(|x| x.abs() <= 6e-3 * largest), "{dqkv:?}"),
            }
        }
    }
}

#[test]
fn backward_of_two_tokens() {
    for d_head in [32, 64] {
        check_backward(Case { n_sequences: 3, len: 2, n_heads: 2, d_head }, |_, _| false);
    }
}

#[test]
fn backward_of_less_than_a_block_with_padding() {
    for d_head in [32, 64] {
        check_backward(Case { n_sequences: 1, len: 31, n_heads: 1, d_head }, |_, _| false);
        check_backward(Case { n_sequences: 2, len: 33, n_heads: 2, d_head }, |s, j| {
            j > 0 && (j + s) % 3 == 0
        });
    }
}

#[test]
fn backward_of_several_blocks_with_padding() {
    for d_head in [32, 64] {
        check_backward(Case { n_sequences: 2, len: 130, n_heads: 2, d_head }, |s, j| s == 1 && j > 69);
    }
    for d_head in [32, 64] {
        check_backward(Case { n_sequences: 1, len: 769, n_heads: 1, d_head }, |_, j| j > 760);
        check_backward(Case { n_sequences: 1, len: 1025, n_heads: 1, d_head }, |_, _| false);
    }
}

/// Queries of a sequence without keys pass nothing on, and do no harm to others.
#[test]
fn backward_of_nothing_but_padding_is_zero() {
    check_backward(Case { n_sequences: 2, len: 70, n_heads: 1, d_head: 64 }, |s, _| s == 1);
}

fn all(g: &mut Device, c: Case, i: &Inputs) -> (Vec<f64>, Vec<f64>) {
    let [fwd, dkdv, dq] =
        ["attention_fwd", "attention_bwd_dkdv", "attention_bwd_dq"].map(|name| kernel(&c.name(name)));
    let (o, _) = forward(g, c, &fwd, &i.qkv, &i.keys).unwrap_or_else(|e| panic!("{e}"));
    let found = backward(g, c, i, &dkdv, &dq).unwrap_or_else(|e| panic!("{e}"));
    (o, found.dqkv)
}

/// P of one sequence and head.
fn probabilities(
    c: Case,
    kernel: &Kernel,
    i: &Inputs,
    sequence: usize,
    head: usize,
) -> Result<Vec<f64>, Finding> {
    let mut g = Device::new();
    let p = g.empty(c.len * c.len * 4);
    let buffers = [g.bf16(&i.qkv), g.u32(&i.keys), g.f32(&i.expected.log_sum), p];
    let sizes = [n(c.len), n(c.n_heads), n(sequence), n(head), scale_log2(c)];
    let grid = [c.len.div_ceil(64), c.len.div_ceil(64), 1];
    g.try_launch(kernel, Shape { grid, block: 128, shared: 0 }, &[&buffers[..], &sizes].concat())?;
    Ok(g.read_f32(p))
}

#[test]
fn probabilities_of_a_sequence_and_head() {
    for (len, d_head) in [(1, 32), (33, 32), (130, 64)] {
        let c = Case { n_sequences: 2, len, n_heads: 2, d_head };
        let i = inputs(c, |s, j| s == 1 && j > 69 || j == 5);
        for (sequence, head) in [(0, 1), (1, 0)] {
            let mut expected = Vec::new();
            for q in sequence * len..(sequence + 1) * len {
                let log_sum = i.expected.log_sum[(sequence * 2 + head) * len + q - sequence * len];
                for k in sequence * len..(sequence + 1) * len {
                    let [q, k_row] = [c.qkv(q, 0, head), c.qkv(k, 1, head)];
                    let score = dot(&i.qkv[q..q + d_head], &i.qkv[k_row..k_row + d_head]) * c.scale();
                    expected.push(if i.keys[k] == 0 { 0.0 } else { (score - log_sum).exp() });
                }
            }
            let kernel = kernel(&c.name("attention_probabilities"));
            let p = probabilities(c, &kernel, &i, sequence, head).unwrap_or_else(|e| panic!("{e}"));
            close("P", &p, &expected, 1e-5);
        }
    }
}

/// The swizzle is there for this.
#[test]
fn shared_memory_has_no_bank_conflicts() {
    for d_head in [32, 64] {
        let c = Case { n_sequences: 1, len: 130, n_heads: 1, d_head };
        let mut g = Device::with(Options::default());
        all(&mut g, c, &inputs(c, |_, j| j == 77));
        assert_eq!(g.shared_wavefronts, g.shared_wavefronts_ideal, "d_head {d_head}");
    }
}

#[test]
fn the_order_of_warps_changes_no_bit() {
    let c = Case { n_sequences: 2, len: 130, n_heads: 2, d_head: 32 };
    let i = inputs(c, |s, j| s == 1 && j > 99);
    let run = |seed| all(&mut Device::with(Options { seed, ..Options::default() }), c, &i);
    assert_eq!(run(1), run(2));
}

/// Devices may cut the sums of a product instead of rounding them.
#[test]
fn products_that_round_toward_zero_stay_within_tolerance() {
    let c = Case { n_sequences: 1, len: 130, n_heads: 2, d_head: 64 };
    let i = inputs(c, |_, j| j == 5);
    let (o, dqkv) = all(&mut Device::with(Options { truncate_mma: true, ..Options::default() }), c, &i);
    close("O", &o, &i.expected.o, 3e-3);
    close("dQ, dK, dV", &dqkv, &i.expected.dqkv, 6e-3);
}

/// Each of these is there for a hazard that its header names; without it the interpreter must see that hazard.
#[test]
fn every_barrier_and_wait_is_needed() {
    let c = Case { n_sequences: 1, len: 200, n_heads: 1, d_head: 32 };
    let i = inputs(c, |_, j| j > 150);
    let [fwd, dkdv, dq] = ["attention_fwd_d32", "attention_bwd_dkdv_d32", "attention_bwd_dq_d32"].map(source);
    for kind in ["bar.sync", "cp.async.wait_group"] {
        for (line, text) in without_each(&source("attention_probabilities_d32"), kind) {
            let found = probabilities(c, &kernel_of("attention_probabilities_d32", &text), &i, 0, 0);
            assert!(found.is_err(), "probabilities run without line {line}, a {kind}");
        }
        for (line, text) in without_each(&fwd, kind) {
            let found =
                forward(&mut Device::new(), c, &kernel_of("attention_fwd_d32", &text), &i.qkv, &i.keys);
            assert!(found.is_err(), "forward runs without line {line}, a {kind}");
        }
        for (line, text) in without_each(&dkdv, kind) {
            let dkdv = kernel_of("attention_bwd_dkdv_d32", &text);
            let found = backward(&mut Device::new(), c, &i, &dkdv, &kernel_of("attention_bwd_dq_d32", &dq));
            assert!(found.is_err(), "dK and dV run without line {line}, a {kind}");
        }
        for (line, text) in without_each(&dq, kind) {
            let dq = kernel_of("attention_bwd_dq_d32", &text);
            let found = backward(&mut Device::new(), c, &i, &kernel_of("attention_bwd_dkdv_d32", &dkdv), &dq);
            assert!(found.is_err(), "dQ runs without line {line}, a {kind}");
        }
    }
}
