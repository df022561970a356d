//! Instructions compute what PTX says: scalars against Rust's own arithmetic, fragments against their published layout.

mod floats;
mod integers;

use panfoma_ptx_interpreter::{Arg, Launch, Memory, Module, Options, launch};

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
