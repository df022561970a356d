//! Operations number by number against float64, at sizes that do and do not fill a thread's eight numbers.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

const SIZES: [usize; 6] = [1, 7, 8, 33, 769, 4099];

/// P(x) of the standard normal by its series, and its density.
fn normal(x: f64) -> (f64, f64) {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while term.abs() > 1e-18 {
        k += 2.0;
        term *= x * x / k;
        sum += term;
    }
    (0.5 + density * sum, density)
}

#[test]
fn normal_is_the_known_distribution_function() {
    for (x, p) in [
        (0.0, 0.5),
        (1.0, 0.841_344_746_068_543),
        (-2.0, 0.022_750_131_948_179),
        (3.5, 0.999_767_370_920_964),
    ] {
        assert!((normal(x).0 - p).abs() < 1e-14, "P({x})");
    }
}

fn flat8(size: usize) -> Shape {
    flat(size.div_ceil(8), 256)
}

#[test]
fn additions() {
    for size in SIZES {
        let (y, x) = (random_bf16(size, 1), random_bf16(size, 2));
        let sum: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y + x).collect();
        let mut g = Device::new();
        let (to, from) = (g.bf16(&y), g.bf16(&x));
        g.launch(&kernel("add_bf16"), flat8(size), &[to, from, n(size)]);
        assert_eq!(g.read_bf16(to), sum.iter().map(|&x| bf16(x)).collect::<Vec<_>>());
        let (to, from) = (g.f32(&y), g.f32(&x));
        g.launch(&kernel("add_f32"), flat8(size), &[to, from, n(size)]);
        assert_eq!(g.read_f32(to), sum);
    }
}

#[test]
fn casts() {
    for size in SIZES {
        let x = random_f32(size, 3);
        let rounded: Vec<f64> = x.iter().map(|&x| bf16(x)).collect();
        let mut g = Device::new();
        let (from, to, back) = (g.f32(&x), g.empty(2 * size), g.empty(4 * size));
        g.launch(&kernel("cast_f32_bf16"), flat8(size), &[from, to, n(size)]);
        assert_eq!(g.read_bf16(to), rounded);
        g.launch(&kernel("cast_bf16_f32"), flat8(size), &[to, back, n(size)]);
        assert_eq!(g.read_f32(back), rounded);
    }
}

#[test]
fn gelu() {
    for size in SIZES {
        let (x, dy): (Vec<f64>, _) =
            (random_bf16(size, 4).iter().map(|x| x * 2.0).collect(), random_bf16(size, 5));
        let y: Vec<f64> = x.iter().map(|&x| x * normal(x).0).collect();
        let dx: Vec<f64> = x.iter().zip(&dy).map(|(&x, dy)| dy * (normal(x).0 + x * normal(x).1)).collect();
        let mut g = Device::new();
        let (from, to, gradient) = (g.bf16(&x), g.empty(2 * size), g.bf16(&dy));
        g.launch(&kernel("gelu_fwd"), flat8(size), &[from, to, n(size)]);
        close("gelu", &g.read_bf16(to), &y, 3e-3);
        g.launch(&kernel("gelu_bwd"), flat8(size), &[from, gradient, n(size)]);
        close("gelu backward", &g.read_bf16(gradient), &dx, 3e-3);
    }
}

#[test]
fn gated_fusion() {
    for size in SIZES {
        let [h, gate, f, b, dy] = [6, 7, 8, 9, 10].map(|seed| random_bf16(size, seed));
        let each = |of: &dyn Fn(usize) -> f64| (0..size).map(of).collect::<Vec<f64>>();
        let mut g = Device::new();
        let [h_, gate_, f_, b_, dy_] = [&h, &gate, &f, &b, &dy].map(|x| g.bf16(x));
        let y = g.empty(2 * size);
        g.launch(&kernel("gated_fusion_fwd"), flat8(size), &[h_, gate_, f_, b_, y, n(size)]);
        let expected = each(&|i| h[i] + sigmoid(gate[i]) * f[i] + (1.0 - sigmoid(gate[i])) * b[i]);
        close("fusion", &g.read_bf16(y), &expected, 3e-3);
        g.launch(&kernel("gated_fusion_bwd"), flat8(size), &[gate_, f_, b_, dy_, n(size)]);
        let slope = |i: usize| sigmoid(gate[i]) * (1.0 - sigmoid(gate[i]));
        close("dgate", &g.read_bf16(gate_), &each(&|i| dy[i] * (f[i] - b[i]) * slope(i)), 3e-3);
        close("df", &g.read_bf16(f_), &each(&|i| dy[i] * sigmoid(gate[i])), 3e-3);
        close("db", &g.read_bf16(b_), &each(&|i| dy[i] * (1.0 - sigmoid(gate[i]))), 3e-3);
    }
}

#[test]
fn bias_backward_in_two_steps() {
    for (rows, cols, per_part) in [(1, 1, 512), (33, 51, 8), (1025, 64, 128), (769, 130, 512)] {
        let dy = random_bf16(rows * cols, 13);
        let mut g = Device::new();
        let n_parts = rows.div_ceil(per_part);
        let (dy_, parts, dbias) = (g.bf16(&dy), g.empty(4 * n_parts * cols), g.f32(&vec![2.0; cols]));
        let shape = Shape { grid: [cols.div_ceil(64), n_parts, 1], block: 256, shared: 0 };
        g.launch(&kernel("column_sums"), shape, &[dy_, parts, n(rows), n(cols), n(per_part)]);
        let args = [parts, dbias, n(cols), n(n_parts), n(cols)];
        g.launch(
            &kernel("add_parts"),
            Shape { grid: [cols.div_ceil(32), 1, 1], block: 256, shared: 0 },
            &args,
        );
        let expected: Vec<f64> =
            (0..cols).map(|c| 2.0 + (0..rows).map(|r| dy[r * cols + c]).sum::<f64>()).collect();
        close("dbias", &g.read_f32(dbias), &expected, 1e-5);
    }
}

/// Known answers of Random123's kat_vectors for philox4x32-10, as core/src/rng.rs has them.
#[test]
fn philox_gives_the_published_known_answers() {
    let check = |seed: u64, counter: [u32; 4], expected: [u32; 4]| {
        let mut g = Device::new();
        let words = g.empty(16 * 3);
        let stream = u64::from(counter[2]) | u64::from(counter[3]) << 32;
        // The block asked for comes second.
        let first = counter[0].wrapping_sub(1);
        let args = [words, Arg::U64(seed), Arg::U64(stream), Arg::U32(counter[1]), Arg::U32(first), n(3)];
        g.launch(&kernel("philox"), flat(3, 256), &args);
        assert_eq!(g.read_u32(words)[4..8], expected);
    };
    check(0, [0; 4], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    check(u64::MAX, [u32::MAX; 4], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    check(0x299f_31d0_a409_3822, pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}
