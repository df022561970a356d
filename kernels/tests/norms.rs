//! Layer norm and root-mean-square norm against float64, at widths that do and do not fill a warp.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

const EPS: f64 = 1e-5;

struct Expected {
    y: Vec<f64>,
    stats: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
    db: Vec<f64>,
}

struct Inputs {
    rows: usize,
    cols: usize,
    x: Vec<f64>,
    w: Vec<f64>,
    b: Vec<f64>,
    dy: Vec<f64>,
    /// What dx holds before.
    residual: Vec<f64>,
}

fn inputs(rows: usize, cols: usize) -> Inputs {
    // A mean far from 0: a variance from the mean of squares would fail here.
    let x = random_bf16(rows * cols, 1).iter().map(|x| bf16(x + 8.0)).collect();
    let [dy, residual] = [2, 3].map(|seed| random_bf16(rows * cols, seed));
    Inputs { rows, cols, x, w: random_f32(cols, 4), b: random_f32(cols, 5), dy, residual }
}

fn expected(i: &Inputs, is_layer: bool) -> Expected {
    let zeros = |n| vec![0.0; n];
    let (cols, n) = (i.cols, i.cols as f64);
    let mut e =
        Expected { y: vec![], stats: vec![], dx: i.residual.clone(), dw: zeros(cols), db: zeros(cols) };
    for row in 0..i.rows {
        let at = row * cols..(row + 1) * cols;
        let (x, dy) = (&i.x[at.clone()], &i.dy[at.clone()]);
        let mean = if is_layer { x.iter().sum::<f64>() / n } else { 0.0 };
        let rstd = 1.0 / (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n + EPS).sqrt();
        let normal: Vec<f64> = x.iter().map(|x| (x - mean) * rstd).collect();
        let u: Vec<f64> = dy.iter().zip(&i.w).map(|(dy, w)| dy * w).collect();
        let mean_u = if is_layer { u.iter().sum::<f64>() / n } else { 0.0 };
        let mean_un = u.iter().zip(&normal).map(|(u, x)| u * x).sum::<f64>() / n;
        e.stats.extend(if is_layer { vec![mean, rstd] } else { vec![rstd] });
        for c in 0..cols {
            e.y.push(normal[c] * i.w[c] + if is_layer { i.b[c] } else { 0.0 });
            e.dx[at.start + c] += (u[c] - mean_u - normal[c] * mean_un) * rstd;
            e.dw[c] += dy[c] * normal[c];
            e.db[c] += dy[c];
        }
    }
    e
}

/// The kernel that is as wide as a row needs.
fn of_width(name: &str, cols: usize) -> Kernel {
    let vectors = [1, 2, 4].into_iter().find(|v| cols <= 256 * v).expect("at most 1024 columns");
    kernel(&format!("{name}_v{vectors}"))
}

fn check(rows: usize, cols: usize, is_layer: bool) {
    let i = inputs(rows, cols);
    let e = expected(&i, is_layer);
    let name = if is_layer { "layer_norm" } else { "rms_norm" };
    let mut g = Device::new();
    let [x, dy, dx] = [&i.x, &i.dy, &i.residual].map(|x| g.bf16(x));
    let (w, b) = (g.f32(&i.w), g.f32(&i.b));
    let (y, stats) = (g.empty(2 * rows * cols), g.empty(4 * e.stats.len()));
    let mut args = vec![x, w];
    args.extend(is_layer.then_some(b));
    args.extend([y, stats, n(rows), n(cols), Arg::F32(EPS as f32)]);
    g.launch(&of_width(&format!("{name}_fwd"), cols), flat(rows, 8).of(256), &args);
    close("y", &g.read_bf16(y), &e.y, 3e-3);
    close("stats", &g.read_f32(stats), &e.stats, 1e-6);

    let (n_blocks, n_sums) = (rows.div_ceil(16).min(3), 1 + usize::from(is_layer));
    let parts = g.empty(4 * n_blocks * n_sums * cols);
    let args = [x, stats, w, dy, dx, parts, n(rows), n(cols)];
    g.launch(&of_width(&format!("{name}_bwd"), cols), flat(n_blocks, 1).of(256), &args);
    // dx was rounded before and is after; the sum of both errors.
    close("dx", &g.read_bf16(dx), &e.dx, 3e-3);
    for (which, (what, expected)) in [("dw", &e.dw), ("db", &e.db)].into_iter().take(n_sums).enumerate() {
        let sum = g.f32(&vec![0.0; cols]);
        let from = Arg::Ptr(address(parts) + (4 * which * cols) as u64);
        let args = [from, sum, n(cols), n(n_blocks), n(n_sums * cols)];
        g.launch(&kernel("add_parts"), flat(cols, 32).of(256), &args);
        close(what, &g.read_f32(sum), expected, 1e-5);
    }
}

#[test]
fn layer_norm_of_all_widths() {
    for (rows, cols) in [(1, 8), (31, 64), (33, 256), (9, 264), (17, 512), (3, 1024)] {
        check(rows, cols, true);
    }
}

#[test]
fn rms_norm_of_all_widths() {
    for (rows, cols) in [(1, 8), (31, 64), (33, 256), (9, 264), (17, 512), (3, 1024)] {
        check(rows, cols, false);
    }
}

#[test]
fn norms_of_many_rows() {
    check(769, 64, true);
    check(1025, 64, false);
}
