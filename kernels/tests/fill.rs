//! `pf_fill_b32` at every remainder of its four-element stores.

use panfoma_kernels::entries::FillB32;
use panfoma_kernels::{Arguments, Pointer};
use panfoma_ptx_interpreter::{Launch, Memory, Module, Options, launch_raw};

#[test]
fn fill_writes_every_element_and_nothing_else() {
    let module = Module::parse(FillB32::ENTRY.module.ptx).unwrap();
    let kernel = module.entry(FillB32::ENTRY.name).unwrap();
    for n in [1usize, 2, 3, 4, 5, 31, 33, 769, 1024, 1025] {
        let mut memory = Memory::new();
        let out = memory.alloc(4 * n);
        let arguments = FillB32 { out: Pointer(out), value: 0x3f80_0001, n: n as u32 };
        let shape = Launch { grid: [n.div_ceil(1024) as u32, 1, 1], block: [256, 1, 1], dynamic_shared: 0 };
        launch_raw(&mut memory, kernel, &shape, &arguments.bytes(), &Options::default())
            .unwrap_or_else(|finding| panic!("n = {n}: {finding}"));
        memory.require_written(kernel, out).unwrap();
        assert_eq!(memory.read_u32(out, n), vec![0x3f80_0001; n], "n = {n}");
    }
}
