//! Blocks among each other, outputs, and launches that do not fit.

use panfoma_ptx_interpreter::{Arg, Kind, Launch, Memory, Module, Options, launch};

use super::{COPY, N, check, check_blocks, program};

#[test]
fn an_output_nobody_wrote() {
    let finding = check(COPY, "st.global", "setp.ne.u32 %p, %i, 5;\n@%p st.global", Kind::UnwrittenOutput);
    assert!(finding.what.contains("byte 20"), "{finding}");
}

#[test]
fn threads_of_the_machine_change_neither_results_nor_counts() {
    // 200 blocks, in waves on one thread or four, each writing its own part.
    let text = program(COPY).replace(
        "mul.wide.u32 %at, %i, 4;",
        "mov.u32 %r, %ctaid.x;\nmad.lo.u32 %r, %r, 128, %i;\nmul.wide.u32 %at, %r, 4;",
    );
    let module = Module::parse(&text).unwrap();
    let run = |threads: usize, blocks: u32| {
        let mut memory = Memory::new();
        let x =
            memory.alloc_u32(&(0..200 * N as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect::<Vec<_>>());
        let y = memory.alloc(4 * 200 * N);
        let shape = Launch { grid: [blocks, 1, 1], block: [N as u32, 1, 1], dynamic_shared: 0 };
        let arguments = [Arg::Ptr(x), Arg::Ptr(y), Arg::U32(0)];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let kernel = &module.entries()[0];
        let result = pool.install(|| launch(&mut memory, kernel, &shape, &arguments, &Options::default()));
        (result, memory.read_u32(y, 200 * N) == memory.read_u32(x, 200 * N))
    };
    let (alone, right) = run(1, 200);
    assert!(alone.is_ok() && right);
    assert_eq!(run(4, 200), (alone, true));
    // The finding is that of the first block that errs.
    let outside = run(4, 777).0.unwrap_err();
    assert_eq!((outside.kind, outside.block, outside.lane), (Kind::OutOfBounds, [200, 0, 0], 0));
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
