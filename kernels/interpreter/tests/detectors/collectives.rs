//! Lanes and warps that should do something together.

use panfoma_ptx_interpreter::Kind;

use super::{check, run};

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
