//! Every detector finds a planted mistake, at its line, whatever the order of warps; and says nothing of the program
//! without the mistake.

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

#[test]
fn access_outside_of_a_global_buffer() {
    check(COPY, "[%px]", "[%px+4]; // HERE", Kind::OutOfBounds);
    check(COPY, "[%px]", "[%px-4]; // HERE", Kind::OutOfBounds);
    let finding = check(COPY, "st.global.f32 [%py]", "st.global.f32 [%py+512] /* HERE */", Kind::OutOfBounds);
    assert_eq!((finding.warp, finding.lane), (finding.warp, 0));
    check(
        COPY,
        "ld.global.f32 %f, [%px]",
        "mov.b64 %px, 64;\nld.global.f32 %f, [%px] /* HERE */",
        Kind::OutOfBounds,
    );
}

#[test]
fn the_lane_and_warp_of_a_finding_are_those_that_erred() {
    let body = "setp.eq.u32 %p, %i, 77;\nmov.f32 %f, 0f3F800000;\n@%p mov.b64 %px, 64;\n@%p ld.global.f32 %f, [%px];\n\
                st.global.f32 [%py], %f;";
    let finding = run(body).unwrap_err();
    assert_eq!((finding.kind, finding.warp, finding.lane), (Kind::OutOfBounds, 2, 13), "{finding}");
}

#[test]
fn access_of_a_freed_buffer() {
    let module = Module::parse(&program(COPY)).unwrap();
    let mut memory = Memory::new();
    let (x, y) = (memory.alloc_f32(&[0.0; N]), memory.alloc(4 * N));
    memory.free(x);
    let shape = Launch { grid: [1, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
    let arguments = [Arg::Ptr(x), Arg::Ptr(y), Arg::U32(0)];
    let finding =
        launch(&mut memory, &module.entries()[0], &shape, &arguments, &Options::default()).unwrap_err();
    assert_eq!(finding.kind, Kind::UseAfterFree);
}

#[test]
fn misaligned_access() {
    let body =
        "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nmov.u32 %r, s_x;\nst.shared.f32 [%s], %f;";
    check(body, "[%px]", "[%px+2]; // HERE", Kind::Misaligned);
    check(body, "st.shared.f32 [%s]", "st.shared.f32 [%s+1] /* HERE */", Kind::Misaligned);
    let vector = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nand.b32 %t, %i, 127;\nshl.b32 %t, %t, 3;\nmov.u32 %s, s_x;\n\
                  add.u32 %s, %s, %t;\nst.shared.v2.f32 [%s], {%f, %f};";
    check(vector, "[%s], {", "[%s+4] /* HERE */, {", Kind::Misaligned);
}

#[test]
fn a_pointer_argument_that_is_less_aligned_than_declared() {
    let module = Module::parse(&program(COPY)).unwrap();
    let mut memory = Memory::new();
    let (x, y) = (memory.alloc_f32(&[0.0; 2 * N]), memory.alloc(4 * N));
    let shape = Launch { grid: [1, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
    let arguments = [Arg::Ptr(x + 2), Arg::Ptr(y), Arg::U32(0)];
    let finding =
        launch(&mut memory, &module.entries()[0], &shape, &arguments, &Options::default()).unwrap_err();
    assert_eq!(finding.kind, Kind::Misaligned);
}

#[test]
fn a_register_nobody_wrote() {
    check(COPY, "ld.global.f32 %f, [%px];", "", Kind::UninitialisedRegister);
    let body = "setp.lt.u32 %p, %i, 64;\nmov.f32 %f, 0f00000000;\n@%p ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f; // HERE";
    let finding = check(body, "mov.f32 %f, 0f00000000;\n", "", Kind::UninitialisedRegister);
    assert!(finding.what.contains("%f"), "{finding}");
    check(
        "setp.lt.u32 %p, %i, 9;\n@%p add.u32 %t, %t, 1;\nld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;",
        "setp.lt.u32 %p, %i, 9;\n",
        "",
        Kind::UninitialisedRegister,
    );
}

const THROUGH_SHARED: &str = "ld.global.f32 %f, [%px];\nst.shared.f32 [%s], %f;\nbar.sync 0;\nxor.b32 %t, %i, 32;\nshl.b32 %t, %t, 2;\n\
     mov.u32 %s, s_x;\nadd.u32 %s, %s, %t;\nld.shared.f32 %g, [%s];\nst.global.f32 [%py], %g;";

#[test]
fn shared_memory_nobody_wrote() {
    let finding = check(
        THROUGH_SHARED,
        "ld.shared.f32 %g, [%s]",
        "ld.shared.f32 %g, [%s+512] /* HERE */",
        Kind::UninitialisedShared,
    );
    assert!(finding.what.contains("shared byte"), "{finding}");
    check(THROUGH_SHARED, "st.shared.f32 [%s], %f;\n", "", Kind::UninitialisedShared);
}

#[test]
fn access_outside_of_shared_memory() {
    check(
        THROUGH_SHARED,
        "ld.shared.f32 %g, [%s]",
        "ld.shared.f32 %g, [%s+1536] /* HERE */",
        Kind::OutOfBounds,
    );
    // Without the base the address is 0.
    check(THROUGH_SHARED, "mov.u32 %s, s_x;\n", "mov.u32 %s, 0;\n", Kind::OutOfBounds);
}

#[test]
fn global_memory_nobody_wrote() {
    check(COPY, "ld.global.f32 %f, [%px]", "ld.global.f32 %f, [%py] /* HERE */", Kind::UninitialisedGlobal);
}

#[test]
fn a_race_for_lack_of_a_barrier() {
    let body = format!("st.shared.u32 [%s], %zero;\nbar.sync 1;\n{THROUGH_SHARED}");
    check(&body, "bar.sync 0;\n", "", Kind::SharedRace);
    // Where nothing was written before, a reader that comes first finds nothing.
    let planted = THROUGH_SHARED.replace("bar.sync 0;\n", "");
    let kinds: Vec<Kind> = (1..=20).map(|seed| run_blocks(&planted, 1, seed).unwrap_err().kind).collect();
    assert!(kinds.iter().all(|k| matches!(k, Kind::SharedRace | Kind::UninitialisedShared)), "{kinds:?}");
}

#[test]
fn a_race_of_a_write_with_an_earlier_read() {
    // Each thread reads the element of another and then writes that of its own.
    let body = format!(
        "{THROUGH_SHARED}\nbar.sync 1;\nmov.u32 %s, s_x;\nshl.b32 %t, %i, 2;\nadd.u32 %s, %s, %t;\nst.shared.f32 [%s], %g;"
    );
    let planted = body.replace("bar.sync 1;\n", "");
    let findings: Vec<Finding> = (1..=20).map(|seed| run_blocks(&planted, 1, seed).unwrap_err()).collect();
    assert!(findings.iter().all(|f| f.kind == Kind::SharedRace), "{findings:?}");
    // Who comes first depends on the seed, and both orders are found.
    assert!(findings.iter().any(|f| f.what.contains("written and was read by lane")), "{findings:?}");
    assert!(findings.iter().any(|f| f.what.contains("read and was written by lane")), "{findings:?}");
    run(&body).unwrap();
}

#[test]
fn a_race_within_a_warp() {
    // Lanes exchange through shared memory; `bar.warp.sync` orders them.
    let body = THROUGH_SHARED
        .replace("bar.sync 0;", "bar.warp.sync 0xffffffff;")
        .replace("xor.b32 %t, %i, 32;", "xor.b32 %t, %i, 1;");
    check(
        &body.replace("ld.shared.f32 %g, [%s];", "ld.shared.f32 %g, [%s]; // HERE"),
        "bar.warp.sync 0xffffffff;\n",
        "",
        Kind::SharedRace,
    );
    // Two lanes of one instruction at one address.
    check(
        &body,
        "st.shared.f32 [%s], %f;",
        "and.b32 %s, %s, -8;\nst.shared.f32 [%s], %f; // HERE",
        Kind::SharedRace,
    );
}

#[test]
fn a_barrier_orders_only_those_who_come_to_it() {
    // Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2; each pair exchanges its own elements.
    let body =
        THROUGH_SHARED.replace("bar.sync 0;", "shr.u32 %a0, %i, 6;\nadd.u32 %a0, %a0, 1;\nbar.sync %a0, 64;");
    let planted = body.replace("xor.b32 %t, %i, 32;", "xor.b32 %t, %i, 64;");
    run(&body).unwrap();
    for seed in 1..=5 {
        let finding = run_blocks(&planted, 1, seed).unwrap_err();
        assert!(matches!(finding.kind, Kind::SharedRace | Kind::UninitialisedShared), "{finding}");
    }
}

#[test]
fn a_producer_may_arrive_without_waiting() {
    // Warp 0 writes for warp 1 and goes on; the two others take no part.
    let body = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nsetp.ge.u32 %p, %i, 64;\n@%p bra DONE;\nsetp.ge.u32 %p, %i, 32;\n\
                @%p bra CONSUMER;\nst.shared.f32 [%s], %f;\nbar.arrive 3, 64;\nbra DONE;\nCONSUMER:\nbar.sync 3, 64;\nld.shared.f32 %g, [%s-128];\n\
                st.global.f32 [%py], %g;\nDONE:";
    run(body).unwrap();
    // What it writes after it arrived is not ordered.
    let planted = body.replace("bar.arrive 3, 64;\n", "bar.arrive 3, 64;\nst.shared.f32 [%s], %f;\n");
    assert!((1..=20).any(|seed| run_blocks(&planted, 1, seed).is_err_and(|f| f.kind == Kind::SharedRace)));
}

#[test]
fn atomics_of_shared_memory_race_with_plain_accesses_only() {
    let body = "setp.eq.u32 %p, %i, 0;\n@%p st.shared.u32 [s_x], %zero;\nbar.sync 0;\nred.shared.add.u32 [s_x], 1;\nbar.sync 1;\n\
                ld.shared.u32 %r, [s_x];\nst.global.u32 [%py], %r;";
    check(body, "bar.sync 1;\n", "", Kind::SharedRace);
}

const ASYNC: &str = "setp.lt.u32 %p, %i, 32;\nshl.b32 %t, %i, 4;\ncvt.u64.u32 %at, %t;\nld.param.u64 %px, [p_x];\nadd.s64 %px, %px, %at;\n\
     mov.u32 %s, s_x;\nadd.u32 %s, %s, %t;\n@%p cp.async.cg.shared.global [%s], [%px], 16;\ncp.async.commit_group;\n\
     cp.async.wait_group 0;\nbar.sync 0;\nshl.b32 %t, %i, 2;\nmov.u32 %s, s_x;\nadd.u32 %s, %s, %t;\nld.shared.f32 %f, [%s];\n\
     st.global.f32 [%py], %f;";

#[test]
fn an_asynchronous_copy_that_is_not_waited_for() {
    check(ASYNC, "cp.async.wait_group 0;\n", "", Kind::AsyncCopy);
    check(ASYNC, "cp.async.wait_group 0;\n", "cp.async.wait_group 1;\n", Kind::AsyncCopy);
    // Not committed, the copy belongs to no group that the wait knows.
    check(ASYNC, "cp.async.commit_group;\n", "", Kind::AsyncCopy);
    // A copy at the end that nobody waits for.
    check(
        ASYNC,
        "st.global.f32 [%py], %f;",
        "st.global.f32 [%py], %f;\nbar.sync 0;\nsetp.eq.u32 %p, %i, 0;\n@%p cp.async.ca.shared.global [s_x], [%px], 4;",
        Kind::AsyncCopy,
    );
}

#[test]
fn an_asynchronous_copy_is_seen_by_others_after_a_barrier_only() {
    let planted = ASYNC.replace("bar.sync 0;\n", "");
    for seed in 1..=10 {
        let finding = run_blocks(&planted, 1, seed).unwrap_err();
        let kinds = [Kind::SharedRace, Kind::UninitialisedShared, Kind::AsyncCopy];
        assert!(kinds.contains(&finding.kind), "{finding}");
    }
}

#[test]
fn the_target_of_a_copy_in_flight_is_taboo() {
    let finding = check(
        ASYNC,
        "cp.async.commit_group;\n",
        "cp.async.commit_group;\n@%p st.shared.u32 [%s], %zero; // HERE\n",
        Kind::AsyncCopy,
    );
    assert!(finding.what.contains("while a cp.async writes it"), "{finding}");
}

#[test]
fn a_copy_of_no_bytes_still_needs_a_legal_address() {
    let body = ASYNC
        .replace("[%px], 16;", "[%px], 16, %a0;")
        .replace("setp.lt.u32 %p, %i, 32;", "mov.u32 %a0, 0;\nsetp.lt.u32 %p, %i, 32;");
    run(&body).unwrap();
    let planted = body.replace("add.s64 %px, %px, %at;\nmov.u32 %s", "mov.b64 %px, 64;\nmov.u32 %s");
    assert_ne!(planted, body);
    assert_eq!(run(&planted).unwrap_err().kind, Kind::OutOfBounds);
}

#[test]
fn collectives_that_lanes_do_not_execute_together() {
    let shuffle = "ld.global.f32 %f, [%px];\nsetp.lt.u32 %p, %i, 16;\n\
                   shfl.sync.bfly.b32 %g, %f, 16, 0x1f, 0xffffffff; // HERE\nOVER:\nst.global.f32 [%py], %f;";
    check(shuffle, "shfl.sync", "@%p shfl.sync", Kind::DivergentCollective);
    check(shuffle, "shfl.sync", "@%p bra OVER;\nshfl.sync", Kind::DivergentCollective);
    let mma = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nsetp.lt.u32 %p, %i, 16;\nmov.u32 %r, 0;\n\
               mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f, %f, %f, %f}, {%r, %r, %r, %r}, {%r, %r}, {%f, %f, %f, %f}; // HERE";
    check(mma, "mma.sync", "@%p mma.sync", Kind::DivergentCollective);
    check(mma, "mma.sync", "@%p ret;\nmma.sync", Kind::DivergentCollective);
}

#[test]
fn a_member_mask_that_does_not_name_who_executes() {
    let shuffle =
        "ld.global.f32 %f, [%px];\nshfl.sync.bfly.b32 %g, %f, 1, 0x1f, 0xffffffff;\nst.global.f32 [%py], %f;";
    check(shuffle, "0xffffffff;", "0x0000ffff; // HERE", Kind::DivergentCollective);
    let half = "ld.global.f32 %f, [%px];\nand.b32 %t, %i, 31;\nsetp.lt.u32 %p, %t, 16;\n@%p shfl.sync.bfly.b32 %g, %f, 1, 0x1f, 0x0000ffff;\nst.global.f32 [%py], %f;";
    check(half, "bfly.b32 %g, %f, 1,", "bfly.b32 %g, %f, 16, /* HERE */", Kind::DivergentCollective);
}

#[test]
fn a_barrier_that_part_of_a_warp_skips() {
    let body = "ld.global.f32 %f, [%px];\nsetp.lt.u32 %p, %i, 48;\nbar.sync 0;\nst.global.f32 [%py], %f;";
    check(body, "bar.sync 0;", "@%p bra OVER;\nbar.sync 0; // HERE\nOVER:", Kind::ExitWithoutBarrier);
    check(body, "bar.sync 0;", "@%p bar.sync 0; // HERE", Kind::DivergentCollective);
}

#[test]
fn a_barrier_that_a_warp_leaves_out() {
    let body =
        "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nsetp.lt.u32 %p, %i, 64;\nbar.sync 0; // HERE";
    let finding = check(body, "bar.sync 0;", "@%p ret;\nbar.sync 0;", Kind::ExitWithoutBarrier);
    assert!(finding.what.contains("64 threads"), "{finding}");
}

#[test]
fn warps_that_wait_for_each_other_at_different_barriers() {
    let body = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nsetp.lt.u32 %p, %i, 64;\n@%p bra OTHER;\nbar.sync 0; // HERE\nbra DONE;\n\
                OTHER:\nbar.sync 0; // HERE\nDONE:";
    let planted = body.replace("OTHER:\nbar.sync 0;", "OTHER:\nbar.sync 1;");
    run(body).unwrap();
    assert_eq!(run(&planted).unwrap_err().kind, Kind::Deadlock);
    let counts = body.replace("OTHER:\nbar.sync 0;", "OTHER:\nbar.sync 0, 64;");
    let kind = run(&counts).unwrap_err().kind;
    assert!(matches!(kind, Kind::Deadlock | Kind::ExitWithoutBarrier), "{kind:?}");
}

#[test]
fn an_endless_loop() {
    let body = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nmov.u32 %t, 3;\nAGAIN:\nsub.u32 %t, %t, 1;\nsetp.ne.u32 %p, %t, 0;\n@%p bra AGAIN;";
    check(body, "sub.u32 %t, %t, 1;", "add.u32 %t, %t, 2;\nor.b32 %t, %t, 1;", Kind::EndlessLoop);
}

#[test]
fn an_output_nobody_wrote() {
    let finding = check(COPY, "st.global", "setp.ne.u32 %p, %i, 5;\n@%p st.global", Kind::UnwrittenOutput);
    assert!(finding.what.contains("byte 20"), "{finding}");
}

/// Each thread writes its element of `y` and then reads that of a thread of another warp.
const THROUGH_GLOBAL: &str = "ld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;\nbar.sync 0;\nxor.b32 %t, %i, 32;\n\
     ld.param.u64 %at, [p_y];\nmad.wide.u32 %at, %t, 4, %at;\nld.global.f32 %g, [%at];\nadd.f32 %g, %g, %f;\n\
     bar.sync 1;\nst.global.f32 [%py], %g;";

#[test]
fn a_race_through_global_memory_within_a_block() {
    check(THROUGH_GLOBAL, "bar.sync 1;\n", "", Kind::GlobalRace);
    // Who reads first finds nothing written.
    let planted = THROUGH_GLOBAL.replace("bar.sync 0;\n", "");
    let kinds: Vec<Kind> = (1..=20).map(|seed| run_blocks(&planted, 1, seed).unwrap_err().kind).collect();
    assert!(kinds.iter().all(|k| matches!(k, Kind::GlobalRace | Kind::UninitialisedGlobal)), "{kinds:?}");
    // Threads that write where they alone have read do not race.
    run("ld.global.f32 %f, [%px];\nadd.f32 %f, %f, %f;\nst.global.f32 [%px], %f;\nst.global.f32 [%py], %f;")
        .unwrap();
    // Two threads that write one element do.
    let twice = COPY.replace("st.global", "and.b64 %py, %py, -8;\nst.global.f32 [%py+4], %f;\nst.global");
    assert_eq!(run(&twice).unwrap_err().kind, Kind::GlobalRace);
}

#[test]
fn a_read_only_load_of_what_the_launch_writes() {
    check(THROUGH_GLOBAL, "ld.global.f32 %g", "ld.global.nc.f32 %g", Kind::StaleRead);
}

#[test]
fn two_blocks_that_write_one_byte() {
    let body = "mov.u32 %t, %ctaid.x;\nsetp.eq.u32 %p, %t, 0;\nld.global.f32 %f, [%px];\n@%p st.global.f32 [%py], %f; // HERE";
    let finding = check_blocks(body, "@%p st", "st", Kind::BlockConflict, 3);
    assert!(finding.what.contains("block [0, 0, 0]"), "{finding}");
}

#[test]
fn a_block_that_reads_what_another_writes() {
    let body = "mov.u32 %t, %ctaid.x;\nsetp.eq.u32 %p, %t, 1;\nld.global.f32 %f, [%px];\nsetp.eq.u32 %q, %t, 0;\n@%q st.global.f32 [%py], %f;\n\
                @%p st.global.f32 [%py+1024], %f;";
    let module = Module::parse(&program(body)).unwrap();
    let run = |other: i64| {
        let mut memory = Memory::new();
        let x = memory.alloc_f32(&[1.0; 4 * N]);
        let arguments = [Arg::Ptr(x), Arg::Ptr(x.wrapping_add_signed(other)), Arg::U32(0)];
        let shape = Launch { grid: [2, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
        launch(&mut memory, &module.entries()[0], &shape, &arguments, &Options::default()).map(drop)
    };
    // The written ranges lie behind what is read, or upon it.
    run(512).unwrap();
    assert_eq!(run(0).unwrap_err().kind, Kind::BlockConflict);
}

#[test]
fn atomics_of_blocks_add_up_and_conflict_with_plain_accesses_only() {
    let counts = "mov.u32 %t, %ctaid.x;\nmov.f32 %f, 0f00000000;\nsetp.eq.u32 %p, %t, 0;\n@%p st.global.f32 [%py], %f;\n\
                  ld.param.u64 %at, [p_x];\nred.global.add.u32 [%at+256], 1;";
    let module = Module::parse(&program(counts)).unwrap();
    let mut memory = Memory::new();
    let (x, y) = (memory.alloc_u32(&[5; N]), memory.alloc(4 * N));
    let shape = Launch { grid: [3, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
    let arguments = [Arg::Ptr(x), Arg::Ptr(y), Arg::U32(0)];
    launch(&mut memory, &module.entries()[0], &shape, &arguments, &Options::default()).unwrap();
    assert_eq!(memory.read_u32(x + 252, 3), [5, 5 + 3 * N as u32, 5]);
    check_blocks(
        counts,
        "mov.f32 %f, 0f00000000;",
        "ld.global.f32 %f, [%px];\nbar.sync 0;",
        Kind::BlockConflict,
        3,
    );
}

#[test]
fn integer_division_by_zero() {
    let body = "mov.u32 %r, 4;\nadd.u32 %zero, %zero, 1;\nrem.u32 %t, %i, %zero; // HERE\nld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;";
    check(body, "add.u32 %zero, %zero, 1;\n", "", Kind::DivisionByZero);
    check(&body.replace("rem.u32", "div.s32"), "add.u32 %zero, %zero, 1;\n", "", Kind::DivisionByZero);
}

#[test]
fn launches_that_do_not_fit_the_kernel() {
    let text = program(COPY).replace("p_zero)\n{", "p_zero)\n.maxntid 128, 1, 1\n{");
    let module = Module::parse(&text).unwrap();
    let kernel = &module.entries()[0];
    let mut memory = Memory::new();
    let (x, y) = (memory.alloc_f32(&[0.0; N]), memory.alloc(4 * N));
    let good = Launch { grid: [1, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
    let mut try_it = |shape: Launch, arguments: &[Arg]| {
        launch(&mut memory, kernel, &shape, arguments, &Options::default()).map_err(|f| f.kind).map(drop)
    };
    let arguments = [Arg::Ptr(x), Arg::Ptr(y), Arg::U32(0)];
    assert_eq!(try_it(good, &arguments), Ok(()));
    assert_eq!(try_it(good, &arguments[..2]), Err(Kind::Launch));
    assert_eq!(try_it(good, &[arguments[0], arguments[1], Arg::U64(0)]), Err(Kind::Launch));
    assert_eq!(try_it(Launch { block: [129, 1, 1], ..good }, &arguments), Err(Kind::Launch));
    assert_eq!(try_it(Launch { grid: [1, 65536, 1], ..good }, &arguments), Err(Kind::Launch));
    assert_eq!(try_it(Launch { dynamic_shared: 164 * 1024, ..good }, &arguments), Err(Kind::Launch));
}
