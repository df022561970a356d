//! What a run can find wrong with a kernel.

use std::fmt;

/// The kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An access outside of every buffer, or of shared memory as launched.
    OutOfBounds,
    /// An access to a buffer that was freed.
    UseAfterFree,
    /// An address that is not a multiple of the access's size, or of what `.ptr .align` promises.
    Misaligned,
    /// A register read before it was written.
    UninitialisedRegister,
    /// Shared memory read before it was written.
    UninitialisedShared,
    /// Global memory read before it was written.
    UninitialisedGlobal,
    /// Two accesses of shared memory, one of them a write, with no barrier that orders them.
    SharedRace,
    /// The same of global memory, between threads of one block.
    GlobalRace,
    /// A `ld.global.nc` of what its own launch wrote: that cache does not see it.
    StaleRead,
    /// An access to what a `cp.async` still writes, or an exit with a copy not waited for.
    AsyncCopy,
    /// Lanes of a warp that should execute a collective instruction together are elsewhere.
    DivergentCollective,
    /// Nothing can run and not everything has exited.
    Deadlock,
    /// Threads exit while others wait for them at a barrier.
    ExitWithoutBarrier,
    /// A byte of an output that no thread wrote.
    UnwrittenOutput,
    /// Two blocks of a launch touch a byte, at least one of them writing.
    BlockConflict,
    /// Integer division or remainder by zero.
    DivisionByZero,
    /// More instructions than the limit of the launch.
    EndlessLoop,
    /// The launch does not fit the kernel: argument sizes, block size, shared memory.
    Launch,
}

/// A mistake, and where it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of mistake.
    pub kind: Kind,
    /// Name of the entry.
    pub kernel: String,
    /// Line of the PTX text; 0 if the finding has none.
    pub line: u32,
    /// Block index.
    pub block: [u32; 3],
    /// Warp of the block.
    pub warp: u32,
    /// Lane of the warp.
    pub lane: u32,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.kind, self.kernel)?;
        if self.line > 0 {
            let [x, y, z] = self.block;
            write!(f, ", line {}, block ({x}, {y}, {z}), warp {}, lane {}", self.line, self.warp, self.lane)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for Finding {}

/// A finding before its place is known.
#[derive(Debug)]
pub(crate) struct Fault(pub Box<FaultInfo>);

#[derive(Debug)]
pub(crate) struct FaultInfo {
    pub kind: Kind,
    pub lane: u32,
    pub what: String,
}

impl Fault {
    #[cold]
    pub(crate) fn new(kind: Kind, lane: usize, what: String) -> Fault {
        Fault(Box::new(FaultInfo { kind, lane: lane as u32, what }))
    }
}
