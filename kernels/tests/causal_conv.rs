//! The causal convolution with SiLU against float64, in both directions of time.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

/// Steps of a thread.
const STEPS: usize = 64;

fn check(n_valid: &[u32], len: usize, e: usize, reverse: bool) {
    let (n_sequences, rows) = (n_valid.len(), n_valid.len() * len);
    let (xz, dy) = (random_bf16(rows * 2 * e, 1), random_bf16(rows * e, 2));
    let (w, b) = (random_f32(4 * e, 3), random_f32(e, 4));
    let zeros = |n| vec![0.0; n];
    let (mut y, mut dx, mut dw, mut db) = (zeros(rows * e), zeros(rows * e), zeros(4 * e), zeros(e));
    for (s, &real) in n_valid.iter().enumerate() {
        let real = real as usize;
        let row = |step: usize| s * len + if reverse { real - 1 - step } else { step };
        for (c, step) in (0..e).flat_map(|c| (0..real).map(move |step| (c, step))) {
            let taps = || (0..4).filter(move |back| *back <= step);
            let x = |back: usize| xz[row(step - back) * 2 * e + c];
            let p = b[c] + taps().map(|back| w[4 * c + 3 - back] * x(back)).sum::<f64>();
            y[row(step) * e + c] = p * sigmoid(p);
            let dp = dy[row(step) * e + c] * sigmoid(p) * (1.0 + p * (1.0 - sigmoid(p)));
            db[c] += dp;
            for back in taps() {
                dw[4 * c + 3 - back] += dp * x(back);
                dx[row(step - back) * e + c] += dp * w[4 * c + 3 - back];
            }
        }
    }
    let mut g = Device::new();
    let (xz_, w_, b_, n_valid_, dy_) = (g.bf16(&xz), g.f32(&w), g.f32(&b), g.u32(n_valid), g.bf16(&dy));
    let (y_, dxz) = (g.empty(2 * rows * e), g.empty(4 * rows * e));
    let n_stretches = len.div_ceil(STEPS);
    let n_parts = n_sequences * n_stretches;
    let parts = g.empty(4 * n_parts * 5 * e);
    let shape = Shape { grid: [e.div_ceil(128), n_stretches, n_sequences], block: 64, shared: 0 };
    let sizes = [n(len), n(e), n(usize::from(reverse))];
    g.launch(&kernel("causal_conv_fwd"), shape, &[&[xz_, w_, b_, n_valid_, y_], &sizes[..]].concat());
    close("y", &g.read_bf16(y_), &y, 3e-3);
    let args = [&[xz_, w_, b_, n_valid_, dy_, dxz, parts], &sizes[..]].concat();
    g.launch(&kernel("causal_conv_bwd"), shape, &args);
    close("dx", &g.read_bf16_columns(dxz, 2 * e, 0..e), &dx, 3e-3);
    for (what, first, expected) in [("dw", 0, &dw), ("db", 4 * e, &db)] {
        let sum = g.f32(&vec![0.0; expected.len()]);
        let from = Arg::Ptr(address(parts) + 4 * first as u64);
        let args = [from, sum, n(expected.len()), n(n_parts), n(5 * e)];
        g.launch(&kernel("add_parts"), flat(expected.len(), 32).of(256), &args);
        close(what, &g.read_f32(sum), expected, 1e-5);
    }
}

#[test]
fn forward_in_time() {
    check(&[1], 1, 32, false);
    check(&[0, 2], 3, 32, false);
    check(&[3, 33, 20], 33, 160, false);
    check(&[64, 130, 129], 130, 64, false);
    check(&[769], 769, 32, false);
}

#[test]
fn backward_in_time() {
    check(&[1, 2], 2, 32, true);
    check(&[0, 2], 3, 32, true);
    check(&[31, 5], 33, 160, true);
    check(&[64, 130, 129], 130, 64, true);
    check(&[1025], 1025, 32, true);
}
