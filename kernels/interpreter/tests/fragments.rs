//! Fragments of `ldmatrix` and `mma.sync`, element by element, and what lanes exchange.
//!
//! Layouts: PTX ISA, and CuTe's traits of the same instructions. g = lane / 4, t = lane % 4.

use panfoma_ptx_interpreter::{Arg, Launch, Memory, Module, Options, f32_to_bf16, f32_to_f16, launch};

/// Runs one warp over buffers `in` (u32 words) and `out` (`words` of them a lane, `[lane][word]`).
fn warp(statements: &str, input: &[u32], words: usize, options: &Options) -> Vec<Vec<u32>> {
    let text = format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry probe(.param .u64 p_in, .param .u64 p_out)\n{{\n\
         .reg .pred %p, %q;\n.reg .b32 %lane, %s, %t, %u, %r<16>;\n.reg .f32 %f<8>;\n.reg .b64 %in, %out;\n\
         .shared .align 16 .b8 s_m[2048];\n\
         ld.param.u64 %in, [p_in];\nld.param.u64 %out, [p_out];\nmov.u32 %lane, %laneid;\nmad.wide.u32 %out, %lane, {}, %out;\n\
         {statements}\nret;\n}}\n",
        4 * words
    );
    let module = Module::parse(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let mut memory = Memory::new();
    let (from, to) = (memory.alloc_u32(input), memory.alloc(128 * words));
    let shape = Launch { grid: [1, 1, 1], block: [32, 1, 1], dynamic_shared: 0 };
    let kernel = module.entry("probe").unwrap();
    launch(&mut memory, kernel, &shape, &[Arg::Ptr(from), Arg::Ptr(to)], options).unwrap();
    memory.require_written(kernel, to).unwrap();
    memory.read_u32(to, 32 * words).chunks(words).map(<[u32]>::to_vec).collect()
}

/// Four 8 x 8 matrices of 16-bit values 256 j + 16 row + column, one row of 16 bytes after the other.
fn matrices() -> Vec<u32> {
    let value = |j: usize, row: usize, column: usize| (256 * j + 16 * row + column) as u32;
    let mut words = Vec::new();
    for j in 0..4 {
        for row in 0..8 {
            words.extend((0..4).map(|pair| value(j, row, 2 * pair) | value(j, row, 2 * pair + 1) << 16));
        }
    }
    words
}

/// Lane l copies row l and gives its address.
const FILL: &str = "mad.wide.u32 %in, %lane, 16, %in;\nld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%in];\nmov.u32 %s, s_m;\n\
     mad.lo.u32 %s, %lane, 16, %s;\nst.shared.v4.u32 [%s], {%r0, %r1, %r2, %r3};\nbar.warp.sync 0xffffffff;\n";

#[test]
fn ldmatrix_gives_each_lane_its_pair() {
    let check =
        |modifiers: &str, registers: &str, n: usize, expected: &dyn Fn(usize, usize, usize) -> [usize; 3]| {
            let stores: String =
                (0..n).map(|j| format!("st.global.u32 [%out+{}], %r{};\n", 4 * j, 8 + j)).collect();
            let statements = format!(
                "{FILL}ldmatrix.sync.aligned.m8n8.{modifiers}.shared.b16 {registers}, [%s];\n{stores}"
            );
            for (lane, found) in warp(&statements, &matrices(), n, &Options::default()).iter().enumerate() {
                for j in 0..n {
                    let half = |at: usize| {
                        let [matrix, row, column] = expected(j, lane, at);
                        (256 * matrix + 16 * row + column) as u32
                    };
                    assert_eq!(found[j], half(0) | half(1) << 16, "{modifiers}, lane {lane}, register {j}");
                }
            }
        };
    let plain = |j: usize, lane: usize, at: usize| [j, lane / 4, 2 * (lane % 4) + at];
    let transposed = |j: usize, lane: usize, at: usize| [j, 2 * (lane % 4) + at, lane / 4];
    check("x4", "{%r8, %r9, %r10, %r11}", 4, &plain);
    check("x2", "{%r8, %r9}", 2, &plain);
    check("x1", "{%r8}", 1, &plain);
    check("x4.trans", "{%r8, %r9, %r10, %r11}", 4, &transposed);
    check("x2.trans", "{%r8, %r9}", 2, &transposed);
    check("x1.trans", "{%r8}", 1, &transposed);
}

/// Small integers and halves: exact in both formats, and so are their products and sums.
fn value(seed: usize) -> f32 {
    ((seed * 2654435761) >> 7 & 31) as f32 / 2.0 - 8.0
}

fn check_mma(format: &str, encode: fn(f32) -> u16) {
    let a = |row: usize, k: usize| value(row * 16 + k + 1);
    let b = |k: usize, column: usize| value(1000 + k * 8 + column);
    let c = |row: usize, column: usize| value(3000 + row * 8 + column);
    let mut input = Vec::new();
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        // Element i of the lane's A: row g + 8 bit1(i), column 2 t + bit0(i) + 8 bit2(i).
        let mut words = [0u32; 10];
        for i in 0..8 {
            let x = a(g + 8 * (i >> 1 & 1), 2 * t + (i & 1) + 8 * (i >> 2));
            words[i / 2] |= u32::from(encode(x)) << (16 * (i & 1));
        }
        // Element i of B: row 2 t + bit0(i) + 8 bit1(i), column g.
        for i in 0..4 {
            words[4 + i / 2] |= u32::from(encode(b(2 * t + (i & 1) + 8 * (i >> 1), g))) << (16 * (i & 1));
        }
        for i in 0..4 {
            words[6 + i] = c(g + 8 * (i >> 1), 2 * t + (i & 1)).to_bits();
        }
        input.extend(words);
    }
    let loads: String = (0..10)
        .map(|i| {
            if i < 6 {
                format!("ld.global.u32 %r{i}, [%in+{}];\n", 4 * i)
            } else {
                format!("ld.global.f32 %f{}, [%in+{}];\n", i - 6, 4 * i)
            }
        })
        .collect();
    let statements = format!(
        "mad.wide.u32 %in, %lane, 40, %in;\n{loads}\
         mma.sync.aligned.m16n8k16.row.col.f32.{format}.{format}.f32 {{%f4, %f5, %f6, %f7}}, {{%r0, %r1, %r2, %r3}}, {{%r4, %r5}}, {{%f0, %f1, %f2, %f3}};\n\
         st.global.v4.f32 [%out], {{%f4, %f5, %f6, %f7}};"
    );
    for truncate_mma in [false, true] {
        let options = Options { truncate_mma, ..Options::default() };
        for (lane, found) in warp(&statements, &input, 4, &options).iter().enumerate() {
            for (i, found) in found.iter().enumerate() {
                let (row, column) = (lane / 4 + 8 * (i >> 1), 2 * (lane % 4) + (i & 1));
                let sum = (0..16).map(|k| a(row, k) * b(k, column)).sum::<f32>() + c(row, column);
                assert_eq!(f32::from_bits(*found), sum, "{format}: D[{row}][{column}]");
            }
        }
    }
}

#[test]
fn mma_multiplies_bf16_fragments() {
    check_mma("bf16", f32_to_bf16);
}

#[test]
fn mma_multiplies_f16_fragments() {
    check_mma("f16", f32_to_f16);
}

#[test]
fn truncated_sums_of_mma_lie_toward_zero() {
    // 1 + 2^-25 + … is no f32: to nearest it is 1, and the next below lies toward zero for 1 - 2^-26.
    let fraction = f32::exp2(-13.0);
    let one = u32::from(f32_to_bf16(1.0));
    let (plus, minus) = (u32::from(f32_to_bf16(fraction)), u32::from(f32_to_bf16(-fraction)));
    for (second, truncate_mma, expected) in
        [(plus, false, 1.0), (minus, false, 1.0), (plus, true, 1.0), (minus, true, 1.0f32.next_down())]
    {
        let input: Vec<u32> = (0..32)
            .flat_map(|lane| if lane % 4 == 0 { [one | second << 16, one | plus << 16] } else { [0, 0] })
            .collect();
        let statements = "mad.wide.u32 %in, %lane, 8, %in;\nld.global.v2.u32 {%r0, %r1}, [%in];\nmov.u32 %r2, 0;\nmov.f32 %f0, 0f00000000;\n\
             mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f4, %f5, %f6, %f7}, {%r0, %r0, %r2, %r2}, {%r1, %r2}, {%f0, %f0, %f0, %f0};\n\
             st.global.f32 [%out], %f4;";
        let options = Options { truncate_mma, ..Options::default() };
        for found in warp(statements, &input, 1, &options) {
            assert_eq!(f32::from_bits(found[0]), expected);
        }
    }
}

#[test]
fn lanes_exchange_values() {
    let numbers: Vec<u32> = (0..32).map(|lane| 100 + lane).collect();
    let load = "mad.wide.u32 %in, %lane, 4, %in;\nld.global.u32 %r0, [%in];\n";
    let check = |statement: &str, expected: &dyn Fn(u32) -> [u32; 2]| {
        let statements = format!(
            "{load}mov.u32 %r1, 0;\nsetp.ne.u32 %p, %r1, 0;\n{statement}\nselp.u32 %r3, 1, 0, %p;\nst.global.v2.u32 [%out], {{%r2, %r3}};"
        );
        for (lane, found) in warp(&statements, &numbers, 2, &Options::default()).iter().enumerate() {
            assert_eq!(found[..], expected(lane as u32), "{statement}, lane {lane}");
        }
    };
    check("shfl.sync.bfly.b32 %r2|%p, %r0, 5, 0x1f, 0xffffffff;", &|lane| [100 + (lane ^ 5), 1]);
    check("shfl.sync.down.b32 %r2|%p, %r0, 3, 0x1f, 0xffffffff;", &|lane| {
        if lane + 3 < 32 { [103 + lane, 1] } else { [100 + lane, 0] }
    });
    check("shfl.sync.up.b32 %r2|%p, %r0, 3, 0, 0xffffffff;", &|lane| {
        if lane >= 3 { [97 + lane, 1] } else { [100 + lane, 0] }
    });
    check("shfl.sync.idx.b32 %r2|%p, %r0, 9, 0x1f, 0xffffffff;", &|_| [109, 1]);
    // Segments of eight lanes: 0x18 in bits 8 to 12.
    check("shfl.sync.idx.b32 %r2|%p, %r0, 2, 0x181f, 0xffffffff;", &|lane| [102 + lane / 8 * 8, 1]);
    check("shfl.sync.down.b32 %r2|%p, %r0, 1, 0x181f, 0xffffffff;", &|lane| {
        if lane % 8 < 7 { [101 + lane, 1] } else { [100 + lane, 0] }
    });
    check("setp.lt.u32 %q, %lane, 5;\nvote.sync.ballot.b32 %r2, %q, 0xffffffff;", &|_| [31, 0]);
    check("setp.lt.u32 %q, %lane, 5;\nvote.sync.any.pred %p, %q, 0xffffffff;\nmov.u32 %r2, 0;", &|_| [0, 1]);
    check("setp.lt.u32 %q, %lane, 5;\nvote.sync.all.pred %p, !%q, 0xffffffff;\nmov.u32 %r2, 0;", &|_| [0, 0]);
    check("redux.sync.add.u32 %r2, %r0, 0xffffffff;", &|_| [3696, 0]);
    check("redux.sync.max.s32 %r2, %r0, 0xffffffff;", &|_| [131, 0]);
}

#[test]
fn lanes_that_part_meet_again() {
    // Collatz steps of 1 + lane: every lane loops its own number of times, and all vote behind the loop.
    let statements = "mov.u32 %r2, 0;\nadd.u32 %t, %lane, 1;\nNEXT:\nsetp.eq.u32 %p, %t, 1;\n@%p bra DONE;\nand.b32 %u, %t, 1;\nsetp.eq.u32 %q, %u, 1;\n\
         @%q bra ODD;\nshr.u32 %t, %t, 1;\nbra COUNT;\nODD:\nmad.lo.u32 %t, %t, 3, 1;\nCOUNT:\nadd.u32 %r2, %r2, 1;\nbra NEXT;\nDONE:\n\
         vote.sync.ballot.b32 %r3, %p, 0xffffffff;\nst.global.v2.u32 [%out], {%r2, %r3};";
    for (lane, found) in warp(statements, &[0], 2, &Options::default()).iter().enumerate() {
        let (mut n, mut steps) = (lane as u32 + 1, 0);
        while n != 1 {
            n = if n % 2 == 1 { 3 * n + 1 } else { n / 2 };
            steps += 1;
        }
        assert_eq!(found[..], [steps, u32::MAX], "lane {lane}");
    }
}
