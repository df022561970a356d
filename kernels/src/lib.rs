//! Handwritten PTX kernels of the PanFoMa model, and a typed description of how each is launched.
//!
//! The texts stand in `ptx/`, complete and readable; the driver loads them as they are. They are expanded from
//! `templates/` and `include/` (see [`template`]), and [`entries`] is written from their `.entry` lines:
//! `cargo run -p panfoma-kernels --example expand` does both, and a test compares what is committed.
//!
//! ```
//! use panfoma_kernels::{Arguments, Pointer, entries::SetZero};
//!
//! let arguments = SetZero { tensors: Pointer(0x1000), n_tensors: 3 };
//! assert_eq!(SetZero::ENTRY.name, "pf_set_zero");
//! assert_eq!(arguments.bytes().len(), 12);
//! ```

pub mod assembler;
#[rustfmt::skip]
pub mod entries;
pub mod entry;
pub mod generate;
pub mod template;

/// A PTX text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// Name of its file without `.ptx`.
    pub name: &'static str,
    /// The text.
    pub ptx: &'static str,
}

/// A kernel of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name of the `.entry`.
    pub name: &'static str,
    /// The text that holds it.
    pub module: &'static Module,
    /// Threads of a block, if the entry gives them (`.maxntid` or `.reqntid`, the product of its axes).
    pub threads: Option<u32>,
    /// Parameters in order.
    pub params: &'static [Param],
}

/// A parameter and its place in the parameter block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// As the PTX names it.
    pub name: &'static str,
    /// Bytes from the start of the block.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
}

/// The address of a buffer on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer(pub u64);

/// All arguments of one kernel: a field each, of the size the kernel reads.
pub trait Arguments {
    /// The kernel.
    const ENTRY: Entry;

    /// The parameter block: every argument at its offset.
    fn bytes(&self) -> Vec<u8>;
}
