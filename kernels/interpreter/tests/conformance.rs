//! Instructions compute what PTX says: scalars against Rust's own arithmetic, fragments against their published layout.

use panfoma_ptx_interpreter::{
    Arg, Launch, Memory, Module, Options, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16, launch,
};

/// `%d` (or `%wd`) of some statements for every triple (`%a`, `%b`, `%c`; `%wa`, `%wb`, `%wc` the same in 64 bits).
fn evaluate(statements: &str, wide: bool, inputs: &[[u64; 3]], mufu_ulps: u32) -> Vec<u64> {
    let store = if wide { "st.global.u64 [%out], %wd;" } else { "st.global.u32 [%out], %d;" };
    let text = format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n\
         .visible .entry probe(.param .u64 p_in, .param .u64 p_out, .param .u32 p_n) {{\n\
         .reg .pred %p, %q, %outside;\n.reg .b16 %h<6>;\n.reg .b32 %a, %b, %c, %d, %e, %i, %n, %t;\n.reg .b64 %wa, %wb, %wc, %wd, %in, %out;\n\
         ld.param.u64 %in, [p_in];\nld.param.u64 %out, [p_out];\nld.param.u32 %n, [p_n];\n\
         mov.u32 %i, %ctaid.x;\nmov.u32 %t, %tid.x;\nmad.lo.u32 %i, %i, 128, %t;\nsetp.ge.u32 %outside, %i, %n;\n@%outside ret;\n\
         mad.wide.u32 %in, %i, 24, %in;\nmad.wide.u32 %out, %i, {size}, %out;\n\
         ld.global.u64 %wa, [%in];\nld.global.u64 %wb, [%in+8];\nld.global.u64 %wc, [%in+16];\n\
         cvt.u32.u64 %a, %wa;\ncvt.u32.u64 %b, %wb;\ncvt.u32.u64 %c, %wc;\n{statements}\n{store}\nret;\n}}\n",
        size = if wide { 8 } else { 4 },
    );
    let module = Module::parse(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let kernel = module.entry("probe").unwrap();
    let mut memory = Memory::new();
    let n = inputs.len();
    let (source, result) =
        (memory.alloc_u64(inputs.as_flattened()), memory.alloc(if wide { 8 * n } else { 4 * n }));
    let shape = Launch { grid: [n.div_ceil(128) as u32, 1, 1], block: [128, 1, 1], dynamic_shared: 0 };
    let arguments = [Arg::Ptr(source), Arg::Ptr(result), Arg::U32(n as u32)];
    let options = Options { mufu_ulps, ..Options::default() };
    launch(&mut memory, kernel, &shape, &arguments, &options).unwrap_or_else(|f| panic!("{statements}: {f}"));
    if wide {
        memory.read_u64(result, n)
    } else {
        memory.read_u32(result, n).into_iter().map(u64::from).collect()
    }
}

/// Numbers that arithmetic goes wrong at, and some others.
fn words() -> Vec<u32> {
    let mut words =
        vec![0, 1, 2, 3, 7, 31, 32, 33, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fff_ffff, 0x8000_0000];
    words.extend([0x8000_0001, 0xffff_ffff, 0xffff_fffe, 0xdead_beef]);
    for x in
        [0.0f32, 1.0, 1.5, 0.1, 3.4e38, 1e-38, 1e-40, 2.5, 3.5, 1e10, 65504.0, 65520.0, 0.333, f32::INFINITY]
    {
        words.extend([x.to_bits(), (-x).to_bits()]);
    }
    words.push(f32::NAN.to_bits());
    let mut state = 12345u32;
    for _ in 0..20 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words.push(state);
    }
    words
}

fn pairs() -> Vec<[u64; 3]> {
    let words = words();
    let each = |a: &u32| {
        words
            .iter()
            .enumerate()
            .map(|(i, b)| [(*a).into(), (*b).into(), words[(i * 7 + 3) % words.len()].into()])
            .collect::<Vec<_>>()
    };
    words.iter().flat_map(each).collect()
}

fn wide_pairs() -> Vec<[u64; 3]> {
    let widen = |x: u64, y: u64| x | y.rotate_left(32) & 0xffff_ffff_0000_0000;
    pairs().into_iter().map(|[a, b, c]| [widen(a, b), widen(b, c), widen(c, a)]).collect()
}

/// All NaNs are one.
fn same(found: u64, expected: u64, float: bool) -> bool {
    let nan = |x: u64| f32::from_bits(x as u32).is_nan();
    found == expected || float && nan(found) && nan(expected)
}

fn check(statements: &str, float: bool, inputs: &[[u64; 3]], f: impl Fn(u32, u32, u32) -> u32) {
    let found = evaluate(statements, false, inputs, 0);
    for (input, found) in inputs.iter().zip(found) {
        let [a, b, c] = input.map(|x| x as u32);
        let expected = f(a, b, c);
        assert!(
            same(found, expected.into(), float),
            "{statements} of {a:#x}, {b:#x}, {c:#x}: {found:#x}, not {expected:#x}"
        );
    }
}

fn integers(statements: &str, f: impl Fn(u32, u32, u32) -> u32) {
    check(statements, false, &pairs(), f);
}

fn floats(statements: &str, f: impl Fn(f32, f32, f32) -> f32) {
    check(statements, true, &pairs(), |a, b, c| {
        f(f32::from_bits(a), f32::from_bits(b), f32::from_bits(c)).to_bits()
    });
}

fn wides(statements: &str, f: impl Fn(u64, u64, u64) -> u64) {
    let inputs = wide_pairs();
    for (input, found) in inputs.iter().zip(evaluate(statements, true, &inputs, 0)) {
        let [a, b, c] = *input;
        assert_eq!(found, f(a, b, c), "{statements} of {a:#x}, {b:#x}, {c:#x}");
    }
}

#[test]
fn integer_arithmetic_of_32_bits() {
    integers("add.u32 %d, %a, %b;", |a, b, _| a.wrapping_add(b));
    integers("sub.s32 %d, %a, %b;", |a, b, _| a.wrapping_sub(b));
    integers("mul.lo.u32 %d, %a, %b;", |a, b, _| a.wrapping_mul(b));
    integers("mul.hi.u32 %d, %a, %b;", |a, b, _| ((u64::from(a) * u64::from(b)) >> 32) as u32);
    integers("mul.hi.s32 %d, %a, %b;", |a, b, _| ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32);
    integers("mad.lo.s32 %d, %a, %b, %c;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    integers("min.s32 %d, %a, %b;", |a, b, _| (a as i32).min(b as i32) as u32);
    integers("max.u32 %d, %a, %b;", |a, b, _| a.max(b));
    integers("abs.s32 %d, %a;", |a, _, _| (a as i32).unsigned_abs());
    integers("neg.s32 %d, %a;", |a, _, _| 0u32.wrapping_sub(a));
    integers("and.b32 %d, %a, %b;\nxor.b32 %d, %d, %c;\nnot.b32 %d, %d;", |a, b, c| !(a & b ^ c));
    integers("shl.b32 %d, %a, %b;", |a, b, _| if b < 32 { a << b } else { 0 });
    integers("shr.u32 %d, %a, %b;", |a, b, _| if b < 32 { a >> b } else { 0 });
    integers("shr.s32 %d, %a, %b;", |a, b, _| (i64::from(a as i32) >> b.min(40)) as u32);
    integers("popc.b32 %d, %a;", |a, _, _| a.count_ones());
    integers("clz.b32 %d, %a;", |a, _, _| a.leading_zeros());
    integers("brev.b32 %d, %a;", |a, _, _| a.reverse_bits());
    integers("shf.l.wrap.b32 %d, %a, %b, %c;", |a, b, c| {
        ((u64::from(b) << 32 | u64::from(a)) << (c & 31) >> 32) as u32
    });
    let nonzero: Vec<_> = pairs().into_iter().filter(|p| p[1] != 0).collect();
    check("div.u32 %d, %a, %b;", false, &nonzero, |a, b, _| a / b);
    check("rem.u32 %d, %a, %b;", false, &nonzero, |a, b, _| a % b);
    check("div.s32 %d, %a, %b;", false, &nonzero, |a, b, _| {
        (i64::from(a as i32) / i64::from(b as i32)) as u32
    });
    check("rem.s32 %d, %a, %b;", false, &nonzero, |a, b, _| {
        (i64::from(a as i32) % i64::from(b as i32)) as u32
    });
}

#[test]
fn bit_picking() {
    // The table of a function of three bits: its value for a = 0xf0, b = 0xcc, c = 0xaa.
    let table = |f: fn(u32, u32, u32) -> u32| f(0xf0, 0xcc, 0xaa) & 0xff;
    let functions: [fn(u32, u32, u32) -> u32; 4] =
        [|a, b, c| a & b | c, |a, b, c| a ^ b ^ c, |a, b, c| (a & b) | (!a & c), |_, b, _| !b];
    for f in functions {
        integers(&format!("lop3.b32 %d, %a, %b, %c, {:#x};", table(f)), f);
    }
    integers("prmt.b32 %d, %a, %b, 0x5410;", |a, b, _| a & 0xffff | b << 16);
    integers("prmt.b32 %d, %a, %b, 0x7632;", |a, b, _| a >> 16 | b & 0xffff_0000);
    integers("prmt.b32 %d, %a, %b, 0x0123;", |a, _, _| a.swap_bytes());
    integers("prmt.b32 %d, %a, %b, 0x8888;", |a, _, _| if a & 0x80 != 0 { u32::MAX } else { 0 });
    integers("bfe.u32 %d, %a, 5, 9;", |a, _, _| a >> 5 & 0x1ff);
    integers("bfe.s32 %d, %a, 8, 8;", |a, _, _| (a >> 8) as u8 as i8 as u32);
    integers("bfe.u32 %d, %a, 28, 32;", |a, _, _| a >> 28);
    integers("bfe.s32 %d, %a, 28, 32;", |a, _, _| (a as i32 >> 28) as u32);
    integers("mov.b32 {%h0, %h1}, %a;\nmov.b32 %d, {%h1, %h0};", |a, _, _| a.rotate_left(16));
}

#[test]
fn arithmetic_of_16_bits() {
    integers(
        "cvt.u16.u32 %h0, %a;\ncvt.u16.u32 %h1, %b;\nadd.u16 %h2, %h0, %h1;\ncvt.u32.u16 %d, %h2;",
        |a, b, _| (a as u16).wrapping_add(b as u16).into(),
    );
    integers("cvt.u16.u32 %h0, %a;\ncvt.u16.u32 %h1, %b;\nmul.wide.s16 %d, %h0, %h1;", |a, b, _| {
        (i32::from(a as i16) * i32::from(b as i16)) as u32
    });
    integers("cvt.u16.u32 %h0, %a;\nshr.s16 %h1, %h0, 3;\ncvt.s32.s16 %d, %h1;", |a, _, _| {
        (a as i16 >> 3) as u32
    });
    integers(
        "cvt.u16.u32 %h0, %a;\ncvt.u16.u32 %h1, %b;\nmin.s16 %h2, %h0, %h1;\ncvt.s32.s16 %d, %h2;",
        |a, b, _| (a as i16).min(b as i16) as u32,
    );
}

#[test]
fn arithmetic_of_64_bits() {
    wides("add.s64 %wd, %wa, %wb;", |a, b, _| a.wrapping_add(b));
    wides("mul.lo.u64 %wd, %wa, %wb;", |a, b, _| a.wrapping_mul(b));
    wides("mul.hi.u64 %wd, %wa, %wb;", |a, b, _| ((u128::from(a) * u128::from(b)) >> 64) as u64);
    wides("mad.lo.s64 %wd, %wa, %wb, %wc;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    wides("mul.wide.u32 %wd, %a, %b;", |a, b, _| (a & 0xffff_ffff) * (b & 0xffff_ffff));
    wides("mul.wide.s32 %wd, %a, %b;", |a, b, _| (i64::from(a as i32) * i64::from(b as i32)) as u64);
    wides("mad.wide.u32 %wd, %a, %b, %wc;", |a, b, c| {
        ((a & 0xffff_ffff) * (b & 0xffff_ffff)).wrapping_add(c)
    });
    wides("shl.b64 %wd, %wa, 13;", |a, _, _| a << 13);
    wides("and.b32 %e, %b, 127;\nshr.s64 %wd, %wa, %e;", |a, b, _| (a as i64 >> (b & 127).min(63)) as u64);
    wides(
        "and.b32 %e, %b, 127;\nshr.u64 %wd, %wa, %e;",
        |a, b, _| if b & 127 < 64 { a >> (b & 127) } else { 0 },
    );
    wides("max.s64 %wd, %wa, %wb;", |a, b, _| (a as i64).max(b as i64) as u64);
    wides("mov.b64 {%d, %e}, %wa;\nmov.b64 %wd, {%e, %d};", |a, _, _| a.rotate_left(32));
    wides("cvt.s64.s32 %wd, %a;", |a, _, _| a as i32 as u64);
    wides("setp.lt.s64 %p, %wa, %wb;\nselp.b64 %wd, %wa, %wc, %p;", |a, b, c| {
        if (a as i64) < b as i64 { a } else { c }
    });
}

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
        let statement = format!("{name}.f32 %d, %a;");
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
