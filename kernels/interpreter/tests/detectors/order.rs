//! Accesses in an order that nothing guarantees.

use panfoma_ptx_interpreter::{Finding, Kind};

use super::{COPY, THROUGH_SHARED, check, run, run_blocks};

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
