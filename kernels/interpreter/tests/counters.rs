//! What a launch says it executed: bank conflicts and sectors of known access patterns.

use panfoma_ptx_interpreter::{Arg, Class, Counters, Launch, Memory, Module, Options, launch};

fn count(statements: &str) -> Counters {
    let text = format!(
        ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry probe(.param .u64 p_x)\n{{\n\
         .reg .b32 %i, %s, %t, %r<4>;\n.reg .b64 %x, %at;\n.shared .align 128 .b8 s_x[32768];\n\
         ld.param.u64 %x, [p_x];\nmov.u32 %i, %laneid;\nmov.u32 %s, s_x;\nmov.u32 %r0, 0;\nmov.u32 %r1, 0;\nmov.u32 %r2, 0;\nmov.u32 %r3, 0;\n\
         {statements}\nret;\n}}\n"
    );
    let module = Module::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let mut memory = Memory::new();
    let x = memory.alloc_u32(&[0; 8192]);
    let shape = Launch { grid: [1, 1, 1], block: [32, 1, 1], dynamic_shared: 0 };
    launch(&mut memory, &module.entries()[0], &shape, &[Arg::Ptr(x)], &Options::default()).unwrap()
}

#[test]
fn shared_stores_need_a_pass_for_each_word_on_the_busiest_bank() {
    let check = |stride: u32, store: &str, passes: u64, ideal: u64| {
        let counters = count(&format!("mad.lo.u32 %s, %i, {stride}, %s;\nst.shared.{store};"));
        let found = (counters.shared_wavefronts, counters.shared_wavefronts_ideal);
        assert_eq!(found, (passes, ideal), "{store} at a stride of {stride} bytes");
        assert_eq!(counters.worst_conflict.map(|(_, n)| n), (passes > ideal).then_some(passes - ideal));
    };
    let word = "u32 [%s], %r0";
    check(4, word, 1, 1);
    check(8, word, 2, 1);
    check(12, word, 1, 1);
    check(64, word, 16, 1);
    check(128, word, 32, 1);
    check(132, word, 1, 1);
    check(2, "u16 [%s], 0", 1, 1);
    // Two and four phases.
    check(8, "v2.u32 [%s], {%r0, %r1}", 2, 2);
    check(16, "v2.u32 [%s], {%r0, %r1}", 4, 2);
    check(16, "v4.u32 [%s], {%r0, %r1, %r2, %r3}", 4, 4);
    check(128, "v4.u32 [%s], {%r0, %r1, %r2, %r3}", 32, 4);
    check(144, "v4.u32 [%s], {%r0, %r1, %r2, %r3}", 4, 4);
}

#[test]
fn a_broadcast_is_one_pass() {
    let counters = count(
        "mad.lo.u32 %t, %i, 4, %s;\nst.shared.u32 [%t], %r0;\nbar.warp.sync 0xffffffff;\nld.shared.u32 %r1, [s_x+8];",
    );
    assert_eq!((counters.shared_wavefronts, counters.shared_wavefronts_ideal), (2, 2));
}

#[test]
fn ldmatrix_of_rows_without_a_swizzle_conflicts() {
    let fill = "mad.lo.u32 %t, %i, 128, %s;\nst.shared.v4.u32 [%t], {%r0, %r1, %r2, %r3};\nbar.warp.sync 0xffffffff;\n";
    let read = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r0, %r1, %r2, %r3}, [%t];";
    // Eight rows of 128 bytes start on one bank.
    assert_eq!(count(&format!("{fill}{read}")).shared_wavefronts, 64);
    let apart = fill.replace("128", "144");
    assert_eq!(count(&format!("{apart}{read}")).shared_wavefronts, 8);
}

#[test]
fn global_accesses_touch_sectors_of_32_bytes() {
    let check = |stride: u32, load: &str, sectors: u64, bytes: u64| {
        let counters = count(&format!("mad.wide.u32 %x, %i, {stride}, %x;\nld.global.{load};"));
        assert_eq!(
            (counters.global_sectors, counters.global_bytes),
            (sectors, bytes),
            "{load} at a stride of {stride}"
        );
    };
    check(4, "u32 %r0, [%x]", 4, 128);
    check(0, "u32 %r0, [%x]", 1, 128);
    check(64, "u32 %r0, [%x]", 32, 128);
    check(16, "v4.u32 {%r0, %r1, %r2, %r3}, [%x]", 16, 512);
    check(2, "u16 %r0, [%x]", 2, 64);
}

#[test]
fn instructions_are_counted_by_class() {
    let counters = count("mad.wide.u32 %at, %i, 4, %x;\nadd.u32 %r0, %i, 1;\nst.global.u32 [%at], %r0;");
    assert_eq!(counters.warp_instructions, 11);
    let of = |class| counters.classes.get(&class).copied().unwrap_or(0);
    assert_eq!(
        [Class::LoadParam, Class::Integer, Class::StoreGlobal, Class::Branch, Class::Mma].map(of),
        [1, 8, 1, 1, 0]
    );
}
