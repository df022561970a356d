//! Floats, halves, conversions, comparisons, and the special function unit.

use panfoma_ptx_interpreter::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

use super::{check, evaluate, floats, integers, pairs, wides, words};

#[test]
fn float_arithmetic() {
    floats("add.rn.f32 %d, %a, %b;", |a, b, _| a + b);
    floats("sub.f32 %d, %a, %b;", |a, b, _| a - b);
    floats("mul.rn.f32 %d, %a, %b;", |a, b, _| a * b);
    floats("fma.rn.f32 %d, %a, %b, %c;", f32::mul_add);
    floats("div.rn.f32 %d, %a, %b;", |a, b, _| a / b);
    floats("sqrt.rn.f32 %d, %a;", |a, _, _| a.sqrt());
    floats("neg.f32 %d, %a;", |a, _, _| -a);
    floats("abs.f32 %d, %a;", |a, _, _| a.abs());
    // NaN loses, and -0 is less than +0.
    let least = |a: f32, b: f32| {
        if a.is_nan() {
            b
        } else if b.is_nan() || a.total_cmp(&b).is_lt() {
            a
        } else {
            b
        }
    };
    floats("min.f32 %d, %a, %b;", |a, b, _| least(a, b));
    floats("max.f32 %d, %a, %b;", |a, b, _| -least(-a, -b));
    floats(
        "min.NaN.f32 %d, %a, %b;",
        |a, b, _| if a.is_nan() || b.is_nan() { f32::NAN } else { least(a, b) },
    );
    let flush = |x: f32| if x.is_subnormal() { 0.0f32.copysign(x) } else { x };
    floats("mul.ftz.f32 %d, %a, %b;", |a, b, _| flush(flush(a) * flush(b)));
    let clamp = |x: f32| if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
    // The sign of a zero that `.sat` returns is not said; adding zero hides it.
    floats("add.sat.f32 %d, %a, %b;\nadd.f32 %d, %d, 0f00000000;", |a, b, _| clamp(a + b) + 0.0);
}

#[test]
fn comparisons() {
    let check = |name: &str, f: fn(f32, f32) -> bool| {
        integers(&format!("setp.{name}.f32 %p, %a, %b;\nselp.u32 %d, 1, 0, %p;"), |a, b, _| {
            f(f32::from_bits(a), f32::from_bits(b)).into()
        });
    };
    check("lt", |a, b| a < b);
    check("ge", |a, b| a >= b);
    check("eq", |a, b| a == b);
    check("ne", |a, b| a.partial_cmp(&b).is_some_and(|order| order.is_ne()));
    check("neu", |a, b| a != b);
    check("ltu", |a, b| a.partial_cmp(&b).is_none_or(|order| order.is_lt()));
    check("nan", |a, b| a.is_nan() || b.is_nan());
    check("num", |a, b| !a.is_nan() && !b.is_nan());
    integers("setp.lo.u32 %p, %a, %b;\nselp.u32 %d, 1, 0, %p;", |a, b, _| (a < b).into());
    integers("setp.le.s32 %p, %a, %b;\nselp.u32 %d, 1, 0, %p;", |a, b, _| ((a as i32) <= b as i32).into());
    integers(
        "setp.ne.b32 %q, %c, 0;\nsetp.gt.and.u32 %p, %a, %b, !%q;\nselp.u32 %d, 1, 0, %p;",
        |a, b, c| (a > b && c == 0).into(),
    );
    integers(
        "setp.eq.u32 %p|%q, %a, %b;\nselp.u32 %d, 2, 0, %p;\nselp.u32 %e, 1, 0, %q;\nor.b32 %d, %d, %e;",
        |a, b, _| {
            if a == b { 2 } else { 1 }
        },
    );
    integers(
        "setp.eq.u32 %p, %a, %b;\nsetp.lt.u32 %q, %a, %c;\nxor.pred %p, %p, %q;\nnot.pred %p, %p;\nselp.u32 %d, 1, 0, %p;",
        |a, b, c| (!((a == b) ^ (a < c))).into(),
    );
}

#[test]
fn conversions() {
    floats("cvt.rn.f32.s32 %d, %a;", |a, _, _| a.to_bits() as i32 as f32);
    floats("cvt.rn.f32.u32 %d, %a;", |a, _, _| a.to_bits() as f32);
    integers("cvt.rzi.s32.f32 %d, %a;", |a, _, _| f32::from_bits(a) as i32 as u32);
    integers("cvt.rni.s32.f32 %d, %a;", |a, _, _| f32::from_bits(a).round_ties_even() as i32 as u32);
    integers("cvt.rmi.u32.f32 %d, %a;", |a, _, _| f32::from_bits(a).floor() as u32);
    floats("cvt.rni.f32.f32 %d, %a;", |a, _, _| a.round_ties_even());
    integers("cvt.u32.u8 %d, %a;", |a, _, _| a & 0xff);
    integers("cvt.s32.s8 %d, %a;", |a, _, _| a as i8 as u32);
    wides("cvt.f64.f32 %wd, %a;", |a, _, _| {
        let exact = f64::from(f32::from_bits(a as u32));
        if exact.is_nan() { f64::from(f32::from_bits(a as u32)).to_bits() } else { exact.to_bits() }
    });
    wides("cvt.rn.f64.s64 %wd, %wa;", |a, _, _| (a as i64 as f64).to_bits());
    integers("cvt.rn.bf16x2.f32 %d, %a, %b;", |a, b, _| {
        let half = |x: u32| u32::from(f32_to_bf16(f32::from_bits(x)));
        half(a) << 16 | half(b)
    });
    integers("cvt.rn.f16x2.f32 %d, %a, %b;", |a, b, _| {
        let half = |x: u32| u32::from(f32_to_f16(f32::from_bits(x)));
        half(a) << 16 | half(b)
    });
    integers("cvt.rn.bf16.f32 %h0, %a;\ncvt.u32.u16 %d, %h0;", |a, _, _| {
        f32_to_bf16(f32::from_bits(a)).into()
    });
    floats("mov.b32 {%h0, %h1}, %a;\ncvt.f32.f16 %d, %h1;", |a, _, _| f16_to_f32((a.to_bits() >> 16) as u16));
}

/// The nearest of all halves, by bisection.
fn nearest(x: f64, decode: fn(u16) -> f32, greatest: u16) -> u16 {
    let sign = (x.to_bits() >> 48 & 0x8000) as u16;
    let a = x.abs();
    let distance = |bits: u16| (f64::from(decode(bits)) - a).abs();
    let (mut low, mut above) = (0, greatest + 1);
    while above - low > 1 {
        let middle = low + (above - low) / 2;
        let below = f64::from(decode(middle)) <= a;
        (low, above) = if below { (middle, above) } else { (low, middle) };
    }
    let high = (low + 1).min(greatest);
    let up = distance(high) < distance(low) || distance(high) == distance(low) && low % 2 == 1;
    sign | if up { high } else { low }
}

#[test]
fn halves_are_rounded_to_the_nearest_ties_to_even() {
    for bits in 0..=u16::MAX {
        let (b, f) = (bf16_to_f32(bits), f16_to_f32(bits));
        assert!(b.is_nan() || f32_to_bf16(b) == bits, "{bits:#x}");
        assert!(f.is_nan() || f32_to_f16(f) == bits, "{bits:#x}");
    }
    assert_eq!(
        (f16_to_f32(0x3c01), f16_to_f32(0x0001), f16_to_f32(0xfbff)),
        (1.000_976_6, 5.960_464_5e-8, -65504.0)
    );
    for x in words().into_iter().map(f32::from_bits).filter(|x| x.is_finite()) {
        if x.abs() < 65504.0 {
            assert_eq!(f32_to_f16(x), nearest(x.into(), f16_to_f32, 0x7bff), "{x:e}");
        }
        if x.abs() < 3.38e38 {
            assert_eq!(f32_to_bf16(x), nearest(x.into(), bf16_to_f32, 0x7f7f), "{x:e}");
        }
    }
    assert_eq!((f32_to_f16(65519.9), f32_to_f16(65520.0), f32_to_f16(-1e9)), (0x7bff, 0x7c00, 0xfc00));
}

#[test]
fn packed_halves_compute_each_half() {
    let halves = |x: u32| [x as u16, (x >> 16) as u16];
    let pack = |x: [u16; 2]| u32::from(x[0]) | u32::from(x[1]) << 16;
    let finite: Vec<_> = pairs()
        .into_iter()
        .filter(|t| {
            t.iter().all(|&x| halves(x as u32).iter().all(|&h| h & 0x7c00 != 0x7c00 && h & 0x7f80 != 0x7f80))
        })
        .collect();
    check("fma.rn.bf16x2 %d, %a, %b, %c;", false, &finite, |a, b, c| {
        let (a, b, c) = (halves(a), halves(b), halves(c));
        let one = |i: usize| {
            // Exact where the exponents are near; elsewhere the smaller addend decides ties at most.
            let sum =
                f64::from(bf16_to_f32(a[i])) * f64::from(bf16_to_f32(b[i])) + f64::from(bf16_to_f32(c[i]));
            if sum.abs() < 3.38e38 { nearest(sum, bf16_to_f32, 0x7f7f) } else { f32_to_bf16(sum as f32) }
        };
        pack([one(0), one(1)])
    });
    check("add.f16x2 %d, %a, %b;", false, &finite, |a, b, _| {
        let (a, b) = (halves(a), halves(b));
        pack([0, 1].map(|i| f32_to_f16(f16_to_f32(a[i]) + f16_to_f32(b[i]))))
    });
    check("max.bf16x2 %d, %a, %b;", false, &finite, |a, b, _| {
        let (a, b) = (halves(a), halves(b));
        pack(
            [0, 1].map(|i| if bf16_to_f32(a[i]).total_cmp(&bf16_to_f32(b[i])).is_gt() { a[i] } else { b[i] }),
        )
    });
}

/// Distance of two floats in units of the last place.
fn ulps(a: f32, b: f32) -> u32 {
    let ordered = |x: f32| if x < 0.0 { -((x.to_bits() & 0x7fff_ffff) as i64) } else { x.to_bits() as i64 };
    (ordered(a) - ordered(b)).unsigned_abs() as u32
}

#[test]
fn the_special_function_unit_is_near_and_its_error_is_the_same_each_time() {
    let inputs: Vec<[u64; 3]> =
        (1..4000).map(|i| [u64::from((i as f32 * 0.01 - 15.0).to_bits()), 0, 0]).collect();
    let positive: Vec<[u64; 3]> =
        (1..4000).map(|i| [u64::from((i as f32 * 0.013).to_bits()), 0, 0]).collect();
    let check = |name: &str, inputs: &[[u64; 3]], exact: fn(f64) -> f64| {
        let second = if name.ends_with("div.full") { ", %b" } else { "" };
        let statement = format!("{name}.f32 %d, %a{second};");
        for (most, error) in [(1, 0), (3, 2)] {
            let found = evaluate(&statement, false, inputs, error);
            assert_eq!(found, evaluate(&statement, false, inputs, error), "{name}");
            let mut worst = 0;
            for (input, found) in inputs.iter().zip(&found) {
                let x = f32::from_bits(input[0] as u32);
                worst = worst.max(ulps(f32::from_bits(*found as u32), exact(x.into()) as f32));
            }
            assert!(
                worst <= most && worst >= error,
                "{name} is off by {worst} units with errors up to {error}"
            );
        }
    };
    check("ex2.approx.ftz", &inputs, f64::exp2);
    check("rcp.approx.ftz", &positive, |x| 1.0 / x);
    check("rsqrt.approx.ftz", &positive, |x| 1.0 / x.sqrt());
    check("lg2.approx.ftz", &positive, f64::log2);
    check("sqrt.approx.ftz", &positive, f64::sqrt);
    check("mov.b32 %b, 0f40400000;\ndiv.full", &positive, |x| x / 3.0);
    let specials = [0.0f32, -0.0, f32::INFINITY, f32::NEG_INFINITY, 1.0, -200.0, 200.0];
    let specials: Vec<[u64; 3]> = specials.iter().map(|x| [u64::from(x.to_bits()), 0, 0]).collect();
    let of = |name: &str| -> Vec<f32> {
        let found = evaluate(&format!("{name}.f32 %d, %a;"), false, &specials, 2);
        found.into_iter().map(|x| f32::from_bits(x as u32)).collect()
    };
    assert_eq!(of("ex2.approx.ftz")[..4], [1.0, 1.0, f32::INFINITY, 0.0]);
    assert_eq!(of("ex2.approx.ftz")[5..], [0.0, f32::INFINITY]);
    assert_eq!(of("rcp.approx.ftz")[..4], [f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0]);
    assert_eq!(of("lg2.approx.ftz")[0], f32::NEG_INFINITY);
    assert!(of("rsqrt.approx.ftz")[3].is_nan());
}
