//! Elementary functions against f64, on every instruction set of this machine.

use super::*;

/// Runs the test body once a level this machine has.
fn each_level(body: impl Fn(Level)) {
    for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
        if level <= Level::detected() {
            FORCED.set(Some(level));
            body(level);
            FORCED.set(None);
        }
    }
}

simd_kernel! {
    fn exp<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).exp().put(y, c);
        }
    }
}

simd_kernel! {
    fn exp2_decay<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).exp2_decay().put(y, c);
        }
    }
}

simd_kernel! {
    fn distribution<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).normal().0.put(y, c);
        }
    }
}

simd_kernel! {
    fn density<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).normal().1.put(y, c);
        }
    }
}

simd_kernel! {
    fn softplus<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).softplus().put(y, c);
        }
    }
}

simd_kernel! {
    fn sigmoid<'a, T, V>(x: &'a [T], y: &'a mut [T]) {
        for c in (0..x.len()).step_by(V::LANES) {
            V::at(x, c).sigmoid().put(y, c);
        }
    }
}

/// Relative error against f64 on a grid, below `tolerance` wherever the true value is a normal f32.
fn check(
    name: &str,
    vectors: fn(&[f32], &mut [f32]),
    exact: fn(f64) -> f64,
    range: std::ops::Range<f64>,
    tolerance: f64,
) {
    let n = 100_003;
    let x: Vec<f32> = (0..n)
        .map(|i| (range.start + (range.end - range.start) * f64::from(i) / f64::from(n - 1)) as f32)
        .collect();
    each_level(|level| {
        let mut y = vec![0.0; x.len()];
        vectors(&x, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            let expected = exact(f64::from(x));
            let error = (f64::from(y) - expected).abs() / expected.abs().max(f64::from(f32::MIN_POSITIVE));
            assert!(error <= tolerance, "{name}({x}) on {level:?}: expected {expected}, found {y}");
        }
    });
}

#[test]
fn functions_are_as_good_as_f32_allows() {
    check("exp", exp, f64::exp, -87.3..88.0, 3e-7);
    check("exp", exp, f64::exp, -1.0..1.0, 3e-7);
    check("exp2_decay", exp2_decay, f64::exp2, -126.0..0.0, 3e-7);
    check("softplus", softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), -87.0..100.0, 1e-6);
    check("sigmoid", sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -87.0..87.0, 1e-6);
    let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    check("normal distribution", distribution, normal, -4.0..9.0, 3e-6);
    check(
        "normal density",
        density,
        |x| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt(),
        -4.0..4.0,
        3e-6,
    );
}

#[test]
fn functions_are_sane_at_the_extremes() {
    each_level(|level| {
        let check = |name: &str, vectors: fn(&[f32], &mut [f32]), cases: &[(f32, f32)]| {
            for &(x, expected) in cases {
                let mut y = [f32::NAN; 17];
                vectors(&[x; 17], &mut y);
                assert_eq!(y, [expected; 17], "{name}({x}) on {level:?}");
            }
        };
        let (infinity, tiny) = (f32::INFINITY, f32::MIN_POSITIVE);
        check("exp", exp, &[(-infinity, 0.0), (-1e30, 0.0), (-88.0, 0.0), (0.0, 1.0)]);
        check("exp2_decay", exp2_decay, &[(-infinity, tiny), (-1e30, tiny), (0.0, 1.0), (-3.0, 0.125)]);
        check("softplus", softplus, &[(-infinity, 0.0), (-1e30, 0.0), (1e30, 1e30), (infinity, infinity)]);
        check("sigmoid", sigmoid, &[(infinity, 1.0), (1e30, 1.0)]);
        check("distribution", distribution, &[(-1e15, 0.0), (1e15, 1.0), (-40.0, 0.0)]);
        check("density", density, &[(-1e15, 0.0), (1e15, 0.0)]);
    });
}

#[test]
fn kernels_read_and_write_no_further_than_their_slices() {
    each_level(|level| {
        for n in 0..40 {
            let x: Vec<f32> = (0..n).map(|i| -(i as f32)).collect();
            let mut y = vec![-1.0; n + 20];
            exp(&x, &mut y[..n]);
            assert!(y[n..].iter().all(|&y| y == -1.0), "{n} numbers on {level:?}");
            for (x, y) in x.iter().zip(&y) {
                assert!((x.exp() - y).abs() <= 3e-7 * x.exp(), "exp({x}) of {n} numbers on {level:?}");
            }
        }
    });
}
