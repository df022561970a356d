//! The selective scan against float64: both directions of time, all gradients, and every barrier and wait needed.

mod support;

use panfoma_ptx_interpreter::{Arg, Finding, Options};
use support::*;

/// States of a channel.
const N: usize = 16;
/// Steps between checkpoints.
const CHECKPOINT: usize = 32;

struct Case {
    n_valid: Vec<u32>,
    len: usize,
    /// Channels.
    e: usize,
    /// Columns before B and C.
    rank: usize,
    reverse: bool,
}

/// Mean of dt before softplus: steps of about 0.05.
const BIAS: f64 = -3.0;

struct Inputs {
    x: Vec<f64>,
    dt_raw: Vec<f64>,
    bc: Vec<f64>,
    xz: Vec<f64>,
    dt_bias: Vec<f64>,
    a_log: Vec<f64>,
    d: Vec<f64>,
    d_out: Vec<f64>,
}

/// What the forward pass gives; `states` holds NaN where no step begins.
struct Forward {
    out: Vec<f64>,
    states: Vec<f64>,
}

#[derive(Default)]
struct Gradients {
    x: Vec<f64>,
    dt_raw: Vec<f64>,
    z: Vec<f64>,
    bc: Vec<f64>,
    a_log: Vec<f64>,
    d: Vec<f64>,
    dt_bias: Vec<f64>,
}

impl Case {
    fn n_sequences(&self) -> usize {
        self.n_valid.len()
    }

    fn rows(&self) -> usize {
        self.n_sequences() * self.len
    }

    fn bc_cols(&self) -> usize {
        self.rank + 2 * N
    }

    fn n_checkpoints(&self) -> usize {
        self.len.div_ceil(CHECKPOINT)
    }

    fn row(&self, sequence: usize, step: usize) -> usize {
        let place = if self.reverse { self.n_valid[sequence] as usize - 1 - step } else { step };
        sequence * self.len + place
    }

    fn inputs(&self, bias: f64) -> Inputs {
        let (rows, e) = (self.rows(), self.e);
        let near = |i: usize, noise: f64| f64::from((((i % N + 1) as f64).ln() + 0.1 * noise) as f32);
        Inputs {
            x: random_bf16(rows * e, 1),
            dt_raw: random_bf16(rows * e, 2),
            bc: random_bf16(rows * self.bc_cols(), 3),
            xz: random_bf16(rows * 2 * e, 4),
            dt_bias: random_f32(e, 5).iter().map(|x| f64::from((x + bias) as f32)).collect(),
            a_log: random(e * N, 6).into_iter().enumerate().map(|(i, noise)| near(i, noise)).collect(),
            d: random_f32(e, 7),
            d_out: random_bf16(rows * e, 8),
        }
    }
}

fn reference(c: &Case, i: &Inputs) -> (Forward, Gradients) {
    let (e, rows, bc_cols) = (c.e, c.rows(), c.bc_cols());
    let (mut out, mut states) =
        (vec![0.0; rows * e], vec![f64::NAN; c.n_sequences() * c.n_checkpoints() * N * e]);
    let zeros = |n| vec![0.0; n];
    let mut grad = Gradients {
        x: zeros(rows * e),
        dt_raw: zeros(rows * e),
        z: zeros(rows * e),
        bc: zeros(rows * 2 * N),
        a_log: zeros(e * N),
        d: zeros(e),
        dt_bias: zeros(e),
    };
    for (s, channel) in (0..c.n_sequences()).flat_map(|s| (0..e).map(move |channel| (s, channel))) {
        let n = c.n_valid[s] as usize;
        let a: Vec<f64> = i.a_log[channel * N..][..N].iter().map(|a| -a.exp()).collect();
        let at = |step: usize| c.row(s, step) * e + channel;
        let z = |step: usize| i.xz[c.row(s, step) * 2 * e + e + channel];
        let b = |step: usize, q: usize| i.bc[c.row(s, step) * bc_cols + c.rank + q];
        let raw = |step: usize| i.dt_raw[at(step)] + i.dt_bias[channel];
        let dt = |step: usize| raw(step).max(0.0) + (-raw(step).abs()).exp().ln_1p();
        let mut h = vec![[0.0; N]; n + 1];
        let mut y = vec![0.0; n];
        for step in 0..n {
            let x = i.x[at(step)];
            y[step] = i.d[channel] * x;
            for q in 0..N {
                if step % CHECKPOINT == 0 {
                    let chunk = s * c.n_checkpoints() + step / CHECKPOINT;
                    states[(chunk * N + q) * e + channel] = h[step][q];
                }
                h[step + 1][q] = (dt(step) * a[q]).exp() * h[step][q] + dt(step) * b(step, q) * x;
                y[step] += h[step + 1][q] * b(step, N + q);
            }
            out[at(step)] = y[step] * z(step) * sigmoid(z(step));
        }
        let mut g = [0.0; N];
        for step in (0..n).rev() {
            let (x, z, d_out, gate) = (i.x[at(step)], z(step), i.d_out[at(step)], sigmoid(z(step)));
            let dy = d_out * z * gate;
            grad.z[at(step)] = d_out * y[step] * gate * (1.0 + z * (1.0 - gate));
            let (mut sum_b, mut sum_a) = (0.0, 0.0);
            let bc = &mut grad.bc[c.row(s, step) * 2 * N..][..2 * N];
            for q in 0..N {
                let dh = dy * b(step, N + q) + g[q];
                bc[q] += dh * dt(step) * x;
                bc[N + q] += dy * h[step + 1][q];
                sum_b += dh * b(step, q);
                g[q] = (dt(step) * a[q]).exp() * dh;
                sum_a += g[q] * h[step][q] * a[q];
                grad.a_log[channel * N + q] += g[q] * h[step][q] * dt(step) * a[q];
            }
            let d_dt = (x * sum_b + sum_a) * sigmoid(raw(step));
            grad.x[at(step)] = dy * i.d[channel] + dt(step) * sum_b;
            grad.dt_raw[at(step)] = d_dt;
            grad.dt_bias[channel] += d_dt;
            grad.d[channel] += dy * x;
        }
    }
    (Forward { out, states }, grad)
}

/// The inputs on the device.
struct Uploaded {
    /// x, dt_raw, bc, xz, dt_bias, a_log, d, n_valid
    inputs: [Arg; 8],
    d_out: Arg,
    /// len, n_channels, bc_cols, reverse
    sizes: [Arg; 4],
}

fn upload(g: &mut Device, c: &Case, i: &Inputs) -> Uploaded {
    let activations = [&i.x, &i.dt_raw, &i.bc, &i.xz].map(|x| g.bf16(x));
    let parameters = [&i.dt_bias, &i.a_log, &i.d].map(|x| g.f32(x));
    let [x, dt_raw, bc, xz] = activations;
    let [dt_bias, a_log, d] = parameters;
    Uploaded {
        inputs: [x, dt_raw, bc, xz, dt_bias, a_log, d, g.u32(&c.n_valid)],
        d_out: g.bf16(&i.d_out),
        sizes: [n(c.len), n(c.e), n(c.bc_cols()), n(usize::from(c.reverse))],
    }
}

/// (out, states)
fn forward(g: &mut Device, c: &Case, on: &Uploaded, kernel: &Kernel) -> Result<(Arg, Arg), Finding> {
    let out = g.empty(c.rows() * c.e * 2);
    let states = g.empty(c.n_sequences() * c.n_checkpoints() * N * c.e * 4);
    let args = [&on.inputs[..], &[out, states], &on.sizes].concat();
    let grid = [c.e.div_ceil(128), c.n_sequences(), 1];
    g.try_launch(kernel, Shape { grid, block: 64, shared: 0 }, &args)?;
    Ok((out, states))
}

fn backward(
    g: &mut Device,
    c: &Case,
    on: &Uploaded,
    states: Arg,
    scan: &Kernel,
) -> Result<Gradients, Finding> {
    let (e, rows, n_parts) = (c.e, c.rows(), c.e.div_ceil(128));
    let [dx, d_dt] = [(); 2].map(|()| g.empty(rows * e * 2));
    let (dxz, d_bc) = (g.empty(rows * 2 * e * 2), g.empty(rows * c.bc_cols() * 2));
    let (bc_parts, parts) = (g.empty(n_parts * rows * 2 * N * 4), g.empty(c.n_sequences() * 18 * e * 4));
    let args = [&on.inputs[..], &[states, on.d_out, dx, d_dt, dxz, bc_parts, parts], &on.sizes].concat();
    let grid = [n_parts, c.n_sequences(), 1];
    g.try_launch(scan, Shape { grid, block: 128, shared: 81_920 }, &args)?;

    let args = [bc_parts, on.inputs[7], d_bc, n(rows), n(c.len), n(n_parts), n(c.bc_cols())];
    g.try_launch(&kernel("selective_scan_bwd_bc"), flat(rows * N, 128), &args)?;
    // Gradients of parameters are added to.
    let [d_a_log, d_d, d_bias] = [e * N, e, e].map(|n| g.f32(&vec![1.0; n]));
    let args = [parts, d_a_log, d_d, d_bias, n(c.n_sequences()), n(e)];
    g.try_launch(&kernel("selective_scan_bwd_parameters"), flat(18 * e, 128), &args)?;
    let added = |x| g.read_f32(x).into_iter().map(|x| x - 1.0).collect();
    Ok(Gradients {
        x: g.read_bf16(dx),
        dt_raw: g.read_bf16(d_dt),
        z: g.read_bf16_columns(dxz, 2 * e, e..2 * e),
        bc: g.read_bf16_columns(d_bc, c.bc_cols(), c.rank..c.bc_cols()),
        a_log: added(d_a_log),
        d: added(d_d),
        dt_bias: added(d_bias),
    })
}

fn check(c: Case) {
    let i = c.inputs(BIAS);
    check_inputs(&c, &i);
}

fn check_inputs(c: &Case, i: &Inputs) {
    let (expected, gradients) = reference(c, i);
    let mut g = Device::new();
    let on = upload(&mut g, c, i);
    let (out, states) =
        forward(&mut g, c, &on, &kernel("selective_scan_fwd")).unwrap_or_else(|e| panic!("{e}"));
    close("out", &g.read_bf16(out), &expected.out, 3e-3);
    let begun = |x: &[f64]| -> Vec<f64> {
        x.iter().zip(&expected.states).filter(|(_, s)| !s.is_nan()).map(|(x, _)| *x).collect()
    };
    close("states", &begun(&g.read_f32_partly(states)), &begun(&expected.states), 1e-5);

    let found =
        backward(&mut g, c, &on, states, &kernel("selective_scan_bwd")).unwrap_or_else(|e| panic!("{e}"));
    close("dx", &found.x, &gradients.x, 5e-3);
    close("d dt", &found.dt_raw, &gradients.dt_raw, 5e-3);
    close("dz", &found.z, &gradients.z, 5e-3);
    // bf16 at the end of f32 sums.
    close("dB, dC", &found.bc, &gradients.bc, 3e-3);
    close("d a_log", &found.a_log, &gradients.a_log, 1e-4);
    close("dD", &found.d, &gradients.d, 1e-4);
    close("dbias", &found.dt_bias, &gradients.dt_bias, 1e-4);
}

#[test]
fn one_step() {
    check(Case { n_valid: vec![1, 1], len: 1, e: 64, rank: 4, reverse: false });
}

#[test]
fn about_a_chunk_with_padding() {
    for reverse in [false, true] {
        check(Case { n_valid: vec![31, 5, 33], len: 33, e: 128, rank: 4, reverse });
    }
}

/// The second block of channels has one warp of four.
#[test]
fn several_chunks_and_blocks_of_channels() {
    for reverse in [false, true] {
        check(Case { n_valid: vec![97, 100], len: 100, e: 160, rank: 8, reverse });
    }
}

#[test]
fn as_many_steps_as_a_small_cell_has_genes() {
    check(Case { n_valid: vec![769], len: 769, e: 32, rank: 32, reverse: true });
    check(Case { n_valid: vec![1025], len: 1025, e: 32, rank: 32, reverse: false });
}

/// Steps of about 0.001, Mamba's smallest: e^(dt A) is nearly 1, and its error adds up over a thousand steps.
#[test]
fn states_that_decay_slowly() {
    let c = Case { n_valid: vec![1025], len: 1025, e: 32, rank: 4, reverse: false };
    check_inputs(&c, &c.inputs(-6.9));
}

/// No cell is empty, but one without genes must not write outside its rows.
#[test]
fn a_sequence_without_steps_is_zero() {
    for reverse in [false, true] {
        check(Case { n_valid: vec![0, 3], len: 4, e: 32, rank: 4, reverse });
    }
}

/// Inference keeps no states.
#[test]
fn without_states_the_output_is_the_same() {
    let c = Case { n_valid: vec![70], len: 70, e: 64, rank: 4, reverse: false };
    let i = c.inputs(BIAS);
    let mut g = Device::new();
    let on = upload(&mut g, &c, &i);
    let (out, _) = forward(&mut g, &c, &on, &kernel("selective_scan_fwd")).unwrap_or_else(|e| panic!("{e}"));
    let alone = g.empty(c.rows() * c.e * 2);
    let args = [&on.inputs[..], &[alone, Arg::Ptr(0)], &on.sizes].concat();
    g.launch(&kernel("selective_scan_fwd"), Shape { grid: [1, 1, 1], block: 64, shared: 0 }, &args);
    assert_eq!(g.read_bf16(alone), g.read_bf16(out));
}

#[test]
fn the_order_of_warps_changes_no_bit() {
    let c = Case { n_valid: vec![50, 64], len: 64, e: 160, rank: 4, reverse: true };
    let i = c.inputs(BIAS);
    let run = |seed| {
        let mut g = Device::with(Options { seed, count_memory: false, ..Options::default() });
        let on = upload(&mut g, &c, &i);
        let (out, states) =
            forward(&mut g, &c, &on, &kernel("selective_scan_fwd")).unwrap_or_else(|e| panic!("{e}"));
        let d = backward(&mut g, &c, &on, states, &kernel("selective_scan_bwd"))
            .unwrap_or_else(|e| panic!("{e}"));
        [g.read_bf16(out), d.x, d.dt_raw, d.z, d.bc, d.a_log, d.d, d.dt_bias]
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn every_barrier_and_wait_is_needed() {
    let c = Case { n_valid: vec![90], len: 90, e: 128, rank: 4, reverse: false };
    let i = c.inputs(BIAS);
    let mut g = Device::new();
    let on = upload(&mut g, &c, &i);
    let [fwd, bwd] = ["selective_scan_fwd", "selective_scan_bwd"].map(source);
    let (_, states) =
        forward(&mut g, &c, &on, &kernel("selective_scan_fwd")).unwrap_or_else(|e| panic!("{e}"));
    for kind in ["bar.sync", "bar.warp.sync", "cp.async.wait_group"] {
        for (line, text) in without_each(&fwd, kind) {
            let found = forward(&mut g, &c, &on, &kernel_of("selective_scan_fwd", &text));
            assert!(found.is_err(), "forward runs without line {line}, a {kind}");
        }
        for (line, text) in without_each(&bwd, kind) {
            let found = backward(&mut g, &c, &on, states, &kernel_of("selective_scan_bwd", &text));
            assert!(found.is_err(), "backward runs without line {line}, a {kind}");
        }
    }
}
