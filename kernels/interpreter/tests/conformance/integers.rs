//! Integers, bits and comparisons of them.

use super::{check, integers, pairs, wides};

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
