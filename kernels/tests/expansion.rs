//! What is committed is what the templates say; and what the templates say is what was meant.

use std::fs;
use std::path::Path;

use panfoma_kernels::entries::{ENTRIES, MODULES, SumOfSquares};
use panfoma_kernels::{Arguments, Pointer, entry, generate, template};
use panfoma_ptx_interpreter::Module;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_templates_expand_to_the_committed_texts_and_descriptions() {
    let files = generate::files(root()).unwrap();
    for (path, text) in &files {
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        let hint = "run `cargo run -p panfoma-kernels --example expand`";
        assert!(committed == *text, "{} is not what its template expands to; {hint}", path.display());
    }
    let texts = generate::names(&root().join("ptx"), ".ptx").unwrap();
    assert_eq!(texts.len() + 1, files.len(), "a text has no template: {texts:?}");
}

#[test]
fn the_descriptions_agree_with_the_interpreters_reading_of_each_text() {
    assert!(!ENTRIES.is_empty());
    let mut described = 0;
    for module in MODULES {
        let parsed = Module::parse(module.ptx).unwrap_or_else(|e| panic!("ptx/{}.ptx: {e}", module.name));
        for kernel in parsed.entries() {
            let entry = ENTRIES.iter().find(|e| e.name == kernel.name()).unwrap();
            assert_eq!(entry.module, module);
            let ours: Vec<_> = entry.params.iter().map(|p| (p.name, p.offset, p.bytes)).collect();
            let theirs: Vec<_> =
                kernel.params().iter().map(|p| (p.name.as_str(), p.offset, p.bytes)).collect();
            assert_eq!(ours, theirs, "{}", entry.name);
            described += 1;
        }
    }
    assert_eq!(described, ENTRIES.len());
}

#[test]
fn arguments_stand_at_their_offsets() {
    let (tensors, parts) = (Pointer(0x0102_0304_0506_0708), Pointer(0x0a0b));
    let bytes = SumOfSquares { tensors, parts, n_tensors: 9 }.bytes();
    assert_eq!(bytes, [8, 7, 6, 5, 4, 3, 2, 1, 0x0b, 0x0a, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
}

#[test]
fn declarations_are_read_across_lines_and_comments() {
    let text = "// .entry none(\n.visible .entry pf_a(\n .param .u64 .ptr .global .align 16 p_x, // in\n .param .f32 p_s)\n \
                .maxntid 32, 4, 1\n.minnctapersm 2\n{ ret; } .entry pf_b() { ret; }";
    let found = entry::declarations(text).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].name.as_str(), found[0].threads), ("pf_a", Some(128)));
    let params: Vec<_> =
        found[0].params.iter().map(|p| (p.name.as_str(), p.ty.as_str(), p.pointer)).collect();
    assert_eq!(params, [("p_x", "u64", true), ("p_s", "f32", false)]);
    assert_eq!((found[1].params.len(), found[1].threads), (0, None));
}

fn expand(text: &str) -> Result<String, String> {
    let include = |name: &str| match name {
        "add.ptxi" => Some("add.f32 ${d}, ${a}, ${f32(BY)};\n//@let BY = 3.0\n".to_owned()),
        "endless.ptxi" => Some("//@include endless.ptxi\n".to_owned()),
        _ => None,
    };
    template::expand("t", text, &include).map_err(|e| e.to_string())
}

#[test]
fn templates_repeat_choose_name_and_include() {
    let check = |text: &str, expected: &str| assert_eq!(expand(text).unwrap(), expected, "of\n{text}");
    check("a ${1 + 2 * 3} b${\"x\"}", "a 7 bx\n");
    check("//@for i in 0..3\nr${i}\n//@end", "r0\nr1\nr2\n");
    check("//@for i in 0..6 step 2\nr${i}\n//@end", "r0\nr2\nr4\n");
    check("//@for i in 3..3\nr${i}\n//@end\nend", "end\n");
    check("//@for i in 0..2\n//@if i == 1\none\n//@else\nother\n//@end\n//@end", "other\none\n");
    check("//@if 0\n//@if nonsense\n//@end\n//@end\nx", "x\n");
    check("//@let N = 4\n//@for i in 0..N/2\n${N - i}\n//@end", "4\n3\n");
    check(
        "//@let BY = 0.5\n//@include add.ptxi d=%x${BY > 0} a=%y\n${BY}",
        "add.f32 %x1, %y, 0f3F000000;\n0.5\n",
    );
    check("// ${\"a comment\"} stays", "// a comment stays\n");
}

#[test]
fn expressions_have_the_values_of_arithmetic() {
    let check = |text: &str, expected: &str| {
        assert_eq!(expand(&format!("${{{text}}}")).unwrap(), format!("{expected}\n"))
    };
    check("(7 - 2) * 3 % 4", "3");
    check("-7 / 2", "-4");
    check("1 << 4 | 3 ^ 1", "18");
    check("2 < 3 && !(2 >= 3) || 0", "1");
    check("ceil_div(769, 64)", "13");
    check("min(3, 4) + max(3, 4)", "7");
    check("log2(64)", "6");
    check("hex(255)", "0xff");
    check("0x10 + 1", "17");
    check("f32(1.4426950408889634)", "0f3FB8AA3B");
    check("f32(-1e-5)", "0fB727C5AC");
    check("[4, 5, 6][1 + 1]", "6");
    check("len([1, 2])", "2");
    check("3 == 3 ? \"yes\" : \"no\"", "yes");
}

#[test]
fn a_template_that_makes_no_sense_is_refused_with_its_line() {
    let check = |text: &str, expected: &str| assert_eq!(expand(text).unwrap_err(), expected);
    check("a\n${N}", "t:2: `N`: `N` is not defined");
    check("a\n//@for i in 0..2\nx", "t:2: `//@for` is not closed by `//@end`");
    check("x\n//@end", "t:2: `//@end` or `//@else` closes nothing");
    check("//@fro i in 0..2", "t:1: `//@fro` is no directive");
    check("//@include none.ptxi", "t:1: there is no `none.ptxi` to include");
    check("//@include endless.ptxi", "endless.ptxi:1: `endless.ptxi` is included within itself");
    check("${1 / 0}", "t:1: `1 / 0`: division by zero");
    check("${[1][2]}", "t:1: `[1][2]`: element 2 of a list of 1");
    check("//@for i in 0..1\n//@end\n${i}", "t:3: `i`: `i` is not defined");
    check("${1", "t:1: `${` is not closed");
    check("//@let 1 = 2", "t:1: expected `//@let NAME = value`");
}
