//! Single accesses: where, what, and whether it has a value.

use panfoma_ptx_interpreter::{Arg, Kind, Launch, Memory, Module, Options, launch};

use super::{COPY, N, THROUGH_SHARED, check, program, run};

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
fn integer_division_by_zero() {
    let body = "mov.u32 %r, 4;\nadd.u32 %zero, %zero, 1;\nrem.u32 %t, %i, %zero; // HERE\nld.global.f32 %f, [%px];\nst.global.f32 [%py], %f;";
    check(body, "add.u32 %zero, %zero, 1;\n", "", Kind::DivisionByZero);
    check(&body.replace("rem.u32", "div.s32"), "add.u32 %zero, %zero, 1;\n", "", Kind::DivisionByZero);
}
