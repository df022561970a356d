//! A struct for the arguments of each kernel.
//!
//! Written from the `.entry` lines of `ptx/` by `cargo run -p panfoma-kernels --example expand`.

use crate::{Arguments, Entry, Module, Param, Pointer};

/// Every PTX text, by name.
pub const MODULES: &[Module] = &[
    Module { name: "fill", ptx: include_str!("../ptx/fill.ptx") },
];

/// Every kernel of every module.
pub const ENTRIES: &[Entry] = &[
    FillB32::ENTRY,
];

/// Arguments of `pf_fill_b32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FillB32 {
    /// `p_out`
    pub out: Pointer,
    /// `p_value`
    pub value: u32,
    /// `p_n`
    pub n: u32,
}

impl Arguments for FillB32 {
    const ENTRY: Entry = Entry {
        name: "pf_fill_b32",
        module: &MODULES[0],
        threads: Some(256),
        params: &[
            Param { name: "p_out", offset: 0, bytes: 8 },
            Param { name: "p_value", offset: 8, bytes: 4 },
            Param { name: "p_n", offset: 12, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 16];
        block[0..8].copy_from_slice(&self.out.0.to_le_bytes());
        block[8..12].copy_from_slice(&self.value.to_le_bytes());
        block[12..16].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}
