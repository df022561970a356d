//! What the parser accepts, and that it refuses everything else with a line.

use panfoma_ptx_interpreter::{Arg, Launch, Memory, Module, Options, launch};

const HEAD: &str = ".version 7.0\n.target sm_80\n.address_size 64\n";

/// A kernel that writes `%r0` to `p_out`; the first statement stands on line 8.
fn kernel(statements: &str) -> String {
    format!(
        "{HEAD}.visible .entry k(.param .u64 p_out) {{\n.reg .b32 %r<4>;\n.reg .f32 %f<4>; .reg .b64 %rd<4>; .reg .pred %p<2>;\n\
         ld.param.u64 %rd0, [p_out];\n{statements}\nst.global.u32 [%rd0], %r0;\nret;\n}}\n"
    )
}

fn refused(text: &str, line: u32, what: &str) {
    let error = Module::parse(text).map(drop).expect_err(text);
    assert!(error.what.contains(what), "{error}\n{text}");
    assert_eq!(error.line, line, "{error}\n{text}");
}

fn refused_statement(statement: &str, what: &str) {
    refused(&kernel(statement), 8, what);
}

fn value(text: &str) -> u32 {
    let module = Module::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut memory = Memory::new();
    let out = memory.alloc(4);
    let shape = Launch { grid: [1, 1, 1], block: [1, 1, 1], dynamic_shared: 0 };
    launch(&mut memory, &module.entries()[0], &shape, &[Arg::Ptr(out)], &Options::default()).unwrap();
    memory.read_u32(out, 1)[0]
}

#[test]
fn a_statement_that_is_not_of_the_subset_is_refused() {
    refused_statement("fnord.u32 %r0, %r1;", "opcode `fnord` is not supported");
    refused_statement("add.u32.fnord %r0, 1, 2;", "modifier `.fnord` of `add` is not supported");
    refused_statement("add.rz.f32 %f0, %f0, %f0;", "modifier `.rz`");
    refused_statement("mul.wide.f32 %rd0, %f0, %f0;", "not supported");
    refused_statement("ex2.f32 %f0, %f0;", "needs `.approx`");
    refused_statement("fma.f32 %f0, %f0, %f0, %f0;", "needs `.rn`");
    refused_statement("ld.u32 %r0, [%rd0];", "state space");
    refused_statement("cvta.shared.u64 %rd0, %rd1;", "cvta.to.global");
    refused_statement("red.global.add.f32 [%rd0], %f0;", "depend on scheduling");
    refused_statement("shfl.bfly.b32 %r0, %r0, 1, 31;", "needs `.sync`");
    refused_statement(
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%f0,%f1,%f2,%f3}, {%r0,%r1}, {%r2}, {%f0,%f1,%f2,%f3};",
        "m16n8k16",
    );
    refused_statement("cp.async.cg.shared.global [%r0], [%rd0], 8;", "8 bytes");
    refused_statement("cvt.f16.f32 %r0, %f0;", "needs a rounding");
    refused_statement("cvt.u32.f32 %r0, %f0;", "needs a rounding");
    refused_statement("add.bf16x2 %r0, %r1, %r2;", "sm_90");
    refused_statement("add.ftz.u32 %r0, %r1, %r2;", "not supported");
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    refused_statement("add.u32 %r0, %rd0, 1;", "a register of 64 bits cannot be a source of 32 bits");
    refused_statement("add.u64 %rd0, %r0, 1;", "a register of 32 bits cannot be a source of 64 bits");
    refused_statement("add.u32 %r0, 1;", "an operand is missing");
    refused_statement("add.u32 %r0, 1, 2, 3;", "too many operands");
    refused_statement("add.u32 %r9, 1, 2;", "register `%r9` is not declared");
    refused_statement("add.f32 %f0, %f1, 1;", "the integer 1 cannot be a source");
    refused_statement("ld.global.v4.u32 {%r0, %r1}, [%rd0];", "vector of 4");
    refused_statement("ld.global.v4.u64 {%rd0, %rd1, %rd2, %rd3}, [%rd0];", "not one access");
    refused_statement("ld.global.u32 %r0, [%r1];", "no base of a Global address");
    refused_statement("ld.shared.u32 %r0, [%rd1];", "no base of a Shared address");
    refused_statement("ld.param.u32 %r0, [p_out];", "has 8 bytes, the load 4");
    refused_statement("@%r0 add.u32 %r0, 1, 2;", "not a declared predicate");
    refused_statement("selp.u32 %r0, 1, 2, %r1;", "source of 1 bits");
    refused_statement("mov.u32 %r0, %clock;", "`%clock` is not declared");
}

#[test]
fn declarations_that_make_no_sense_are_refused() {
    refused_statement(".reg .b32 %r0;", "declared twice");
    refused_statement(".reg .b32 %laneid;", "hides the special register");
    refused_statement(".reg .b32 %r4, %tid;", "hides the special register");
    refused_statement("L: L:", "label `L` is defined twice");
    refused_statement("bra NOWHERE;", "`NOWHERE` is not defined");
    refused(&format!("{HEAD}.entry k() {{ ret; "), 4, "not closed");
    refused(&format!("{HEAD}.entry k()\n{{ .reg .b32 %r; mov.u32 %r, 1; }}"), 5, "falls off the end");
    refused(&format!("{HEAD}.func f() {{ ret; }}"), 4, "`.func` is not expected");
    refused(HEAD, 3, "no `.entry`");
    refused("/* never\n\nclosed", 1, "not closed");
    refused(".version 7.0\n.entry k() { é }", 2, "outside ASCII");
}

#[test]
fn literals_have_their_values() {
    let check = |literal: &str, expected: u32| {
        assert_eq!(value(&kernel(&format!("mov.b32 %r0, {literal};"))), expected, "{literal}")
    };
    check("42", 42);
    check("-1", u32::MAX);
    check("0xffffffff", u32::MAX);
    check("0b101", 5);
    check("017", 15);
    check("7U", 7);
    check("0f3F800000", 0x3f80_0000);
    assert_eq!(value(&kernel("mov.f32 %f0, 1.5;\nmov.b32 %r0, %f0;")), 1.5f32.to_bits());
    assert_eq!(value(&kernel("mov.f32 %f0, -0f3F800000;\nmov.b32 %r0, %f0;")), (-1.0f32).to_bits());
}

#[test]
fn registers_and_labels_of_a_scope_hide_those_around_it() {
    let text = kernel(
        "mov.u32 %r0, 1;\nmov.u32 %r1, 10;\n{\n.reg .b32 %r1;\nmov.u32 %r1, 5;\nadd.u32 %r0, %r0, %r1;\nbra OVER;\nadd.u32 %r0, %r0, 1000;\nOVER:\n}\n\
         {\nbra OVER;\nadd.u32 %r0, %r0, 1000;\nOVER:\n}\nadd.u32 %r0, %r0, %r1;",
    );
    assert_eq!(value(&text), 16);
}

#[test]
fn names_of_shared_memory_are_addresses_in_the_order_of_declaration() {
    let text = kernel(
        ".shared .align 4 .b8 s_a[6];\n.shared .align 16 .f32 s_b[4];\nmov.u32 %r1, s_a;\nmov.u32 %r2, s_b+4;\nsub.u32 %r0, %r2, %r1;\n\
         mov.u32 %r3, 7;\nst.shared.u32 [s_b+4], %r3;\nld.shared.u32 %r3, [%r2];\nmad.lo.u32 %r0, %r3, 1000, %r0;",
    );
    assert_eq!(value(&text), 7020);
}

#[test]
fn comments_and_directives_that_change_nothing_are_skipped() {
    let text = kernel(".pragma \"nounroll\";\n// ü\n/* a\nb */ mov.u32 %r0, 3; // mov.u32 %r0, 4;");
    assert_eq!(value(&text), 3);
    let limits = text.replace("p_out) {", "p_out)\n.maxntid 32, 1, 1\n.minnctapersm 2\n{");
    assert_eq!(value(&limits), 3);
}
