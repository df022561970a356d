//! Every detector finds a planted mistake, at its line, whatever the order of warps; and says nothing of the program
//! without the mistake.

mod access;
mod collectives;
mod launches;
mod order;

use panfoma_ptx_interpreter::{Arg, Finding, Kind, Launch, Memory, Module, Options, launch};

/// A kernel of `x` and `y` (buffers of `N` f32, one per thread of a block) around some statements.
/// `%i` is the thread, `%px` and `%py` the addresses of its elements, `%s` those of its element in shared `s_x`.
fn program(body: &str) -> String {
    format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n\
         .extern .shared .align 16 .b8 s_dynamic[];\n\
         .visible .entry planted(.param .u64 .ptr .global .align 4 p_x, .param .u64 .ptr .global .align 4 p_y, .param .u32 p_zero)\n\
         {{\n\
         .reg .pred %p, %q;\n\
         .reg .b32 %i, %s, %t, %r, %zero, %w, %a<4>;\n\
         .reg .f32 %f, %g;\n\
         .reg .b64 %px, %py, %at;\n\
         .shared .align 16 .b8 s_x[1024];\n\
         ld.param.u64 %px, [p_x];\nld.param.u64 %py, [p_y];\nld.param.u32 %zero, [p_zero];\n\
         mov.u32 %i, %tid.x;\nshr.u32 %w, %i, 5;\n\
         mul.wide.u32 %at, %i, 4;\nadd.s64 %px, %px, %at;\nadd.s64 %py, %py, %at;\n\
         mov.u32 %s, s_x;\nshl.b32 %t, %i, 2;\nadd.u32 %s, %s, %t;\n\
         {body}\nret;\n}}\n"
    )
}

/// Elements of `x` and `y`, and threads of a block.
const N: usize = 128;

fn run_blocks(body: &str, blocks: u32, seed: u64) -> Result<(), Finding> {
    let text = program(body);
    let module = Module::parse(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let kernel = module.entry("planted").unwrap();
    let mut memory = Memory::new();
    let x = memory.alloc_f32(&(0..N).map(|i| i as f32).collect::<Vec<_>>());
    let y = memory.alloc(4 * N);
    let shape = Launch { grid: [blocks, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 512 };
    let options = Options { seed, max_instructions_per_block: 100_000, ..Options::default() };
    launch(&mut memory, kernel, &shape, &[Arg::Ptr(x), Arg::Ptr(y), Arg::U32(0)], &options)?;
    memory.require_written(kernel, y)
}

fn run(body: &str) -> Result<(), Finding> {
    run_blocks(body, 1, 1)
}

/// The program is right; with `find` replaced by `plant` it is wrong in the way named, at the line that holds `HERE`.
fn check(body: &str, find: &str, plant: &str, kind: Kind) -> Finding {
    check_blocks(body, find, plant, kind, 1)
}

fn check_blocks(body: &str, find: &str, plant: &str, kind: Kind, blocks: u32) -> Finding {
    assert_eq!(body.matches(find).count(), 1, "`{find}` is not there once");
    let planted = body.replace(find, plant);
    let mut last = None;
    for seed in 1..=5 {
        if let Err(finding) = run_blocks(body, blocks, seed) {
            panic!("the right program is reported: {finding}");
        }
        let finding = run_blocks(&planted, blocks, seed).expect_err("the planted mistake is not found");
        assert_eq!(finding.kind, kind, "{finding}");
        assert_eq!(finding.kernel, "planted");
        let text = program(&planted);
        let marked: Vec<u32> =
            (1u32..).zip(text.lines()).filter(|(_, l)| l.contains("HERE")).map(|x| x.0).collect();
        assert!(
            marked.is_empty() || marked.contains(&finding.line),
            "expected a line of {marked:?}: {finding}"
        );
        last = Some(finding);
    }
    last.unwrap()
}

const COPY: &str = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;";

const THROUGH_SHARED: &str = "ld.global.f32 %f, [%px];\nst.shared.f32 [%s], %f;\nbar.sync 0;\nxor.b32 %t, %i, 32;\nshl.b32 %t, %t, 2;\n\
     mov.u32 %s, s_x;\nadd.u32 %s, %s, %t;\nld.shared.f32 %g, [%s];\nst.global.f32 [%py], %g;";
