//! AdamW and clipping: the bits of the CPU's arithmetic, and the global norm in f64.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

fn f32s(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

/// As core/src/train/adamw.rs writes it, every operation rounded to f32.
#[test]
fn adamw_has_the_bits_of_the_cpu() {
    let (lr, decay, beta1, beta2, eps, t) = (3e-3, 0.1, 0.9, 0.98, 1e-8, 5.0);
    let keep = (1.0 - lr * decay) as f32;
    let rate = (lr / (1.0 - f64::powf(beta1, t))) as f32;
    let unbias = (1.0 - f64::powf(beta2, t)).sqrt().recip() as f32;
    let (b1, b2, eps) = (beta1 as f32, beta2 as f32, eps as f32);
    let (c1, c2, factor) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32, 0.37f32);
    for size in [1, 33, 1025] {
        let [value, gradient, first] = [1, 2, 3].map(|seed| random_f32(size, seed));
        let second: Vec<f64> = random_f32(size, 4).iter().map(|x| x.abs()).collect();
        let mut g = Device::new();
        let [value_, gradient_, first_, second_] = [&value, &gradient, &first, &second].map(|x| g.f32(x));
        let (copy, factor_) = (g.empty(2 * size), g.f32(&[f64::from(factor)]));
        let constants = [keep, rate, unbias, b1, c1, b2, c2, eps].map(Arg::F32);
        let args = [&[value_, gradient_, first_, second_, copy, factor_, n(size)], &constants[..]].concat();
        g.launch(&kernel("adamw"), flat(size, 256), &args);
        let [mut p, d, mut m, mut v] = [&value, &gradient, &first, &second].map(|x| f32s(x));
        for i in 0..size {
            let d = d[i] * factor;
            m[i] = b1 * m[i] + c1 * d;
            v[i] = b2 * v[i] + c2 * d * d;
            p[i] = p[i] * keep - rate * m[i] / (v[i].sqrt() * unbias + eps);
        }
        assert_eq!(f32s(&g.read_f32(value_)), p);
        assert_eq!(f32s(&g.read_f32(first_)), m);
        assert_eq!(f32s(&g.read_f32(second_)), v);
        assert_eq!(g.read_bf16(copy), p.iter().map(|&p| bf16(f64::from(p))).collect::<Vec<_>>());
    }
}

#[test]
fn adamw_without_a_bf16_copy_writes_none() {
    let mut g = Device::new();
    let [value, gradient, first, second, factor] = [(); 5].map(|()| g.f32(&[1.0]));
    let constants = [1.0, 0.5, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0].map(Arg::F32);
    let args = [&[value, gradient, first, second, Arg::Ptr(0), factor, n(1)], &constants[..]].concat();
    g.launch(&kernel("adamw"), flat(1, 256), &args);
    assert_eq!(g.read_f32(value), [0.5]);
}

/// Two tensors, one of them a little more than a part.
#[test]
fn global_norm_and_clip_factor() {
    let tensors = [random_f32(16_385 + 3, 6), random_f32(33, 7)];
    let norm = tensors.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
    let mut g = Device::new();
    let parts = g.empty(8 * 3);
    for (first, x) in [(0, &tensors[0]), (2, &tensors[1])] {
        let args = [g.f32(x), Arg::Ptr(address(parts) + 8 * first), n(x.len())];
        g.launch(&kernel("sum_of_squares"), flat(x.len(), 16_384).of(256), &args);
    }
    for (clip, factor) in [(1.0, 1.0 / norm), (1e4, 1.0), (0.0, 1.0)] {
        let (norm_, factor_) = (g.empty(8), g.empty(4));
        let args = [parts, norm_, factor_, n(3), Arg::F32(clip)];
        g.launch(&kernel("clip_factor"), flat(1, 1).of(256), &args);
        // f64 sums in another order.
        assert!((g.read_f64(norm_)[0] / norm - 1.0).abs() < 1e-12);
        assert_eq!(g.read_f32(factor_), [f64::from(factor as f32)], "clipped at {clip}");
    }
}

#[test]
fn a_gradient_of_zeros_is_not_divided_by_its_norm() {
    let mut g = Device::new();
    let (x, parts, norm, factor) = (g.f32(&[0.0; 9]), g.empty(8), g.empty(8), g.empty(4));
    g.launch(&kernel("sum_of_squares"), flat(1, 1).of(256), &[x, parts, n(9)]);
    g.launch(&kernel("clip_factor"), flat(1, 1).of(256), &[parts, norm, factor, n(1), Arg::F32(1.0)]);
    assert_eq!((g.read_f64(norm), g.read_f32(factor)), (vec![0.0], vec![1.0]));
}
