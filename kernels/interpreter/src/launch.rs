//! Launches: arguments, the order of blocks, and what comes of it.

use rayon::prelude::*;

use crate::block::{Block, Resources};
use crate::counters::{Counters, Tally};
use crate::finding::{Finding, Kind};
use crate::isa::{Op, Space};
use crate::lanes;
use crate::memory::Memory;
use crate::overlay::{BlockMemory, Launched, Touched};
use crate::parse::{Kernel, ThreadLimit};
use crate::random::Random;
use crate::shared::Shared;
use crate::warp::Geometry;

/// Blocks, threads of a block, and bytes of dynamic shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Blocks along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y, z.
    pub block: [u32; 3],
    /// Bytes behind the shared memory that the kernel declares.
    pub dynamic_shared: u32,
}

/// One kernel argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg {
    /// Address of a buffer, or within one.
    Ptr(u64),
    /// An unsigned integer.
    U32(u32),
    /// A signed integer.
    I32(i32),
    /// An unsigned integer of 64 bits.
    U64(u64),
    /// A float.
    F32(f32),
}

/// How to run a launch; none of it may change a correct kernel's result beyond the special function unit's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Seed of the order of warps and, with atomics, of blocks.
    pub seed: u64,
    /// Largest error given to results of the special function unit, in units of the last place.
    pub mufu_ulps: u32,
    /// Round the sums of `mma` toward zero, as some devices do.
    pub truncate_mma: bool,
    /// Count bank conflicts and sectors.
    pub count_memory: bool,
    /// More instructions of one block are an endless loop.
    pub max_instructions_per_block: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 1,
            mufu_ulps: 2,
            truncate_mma: false,
            count_memory: true,
            max_instructions_per_block: 1 << 31,
        }
    }
}

/// Shared memory a block may have on every device from sm_80 on that data centres use, in bytes.
const MAX_SHARED: u32 = 163 * 1024;

/// Runs a kernel. Memory holds its results when this returns `Ok`; after a finding, those of some blocks.
///
/// Errors: the first finding; see [`Kind`].
pub fn launch(
    memory: &mut Memory,
    kernel: &Kernel,
    launch: &Launch,
    args: &[Arg],
    options: &Options,
) -> Result<Counters, Finding> {
    let params = kernel.arguments(args)?;
    launch_raw(memory, kernel, launch, &params, options)
}

/// As [`launch`], with the bytes of the parameter block.
pub fn launch_raw(
    memory: &mut Memory,
    kernel: &Kernel,
    launch: &Launch,
    params: &[u8],
    options: &Options,
) -> Result<Counters, Finding> {
    check(kernel, launch, params)?;
    let run =
        Run { kernel, launch, params, options, fast: lanes::fast(), cell: narrowest(kernel, Space::Shared) };
    let n: u64 = launch.grid.iter().map(|n| u64::from(*n)).product();
    let mut order: Vec<u64> = (0..n).collect();
    // Blocks that use atomics see each other's; they run one after the other, in random order.
    let serial = kernel.has_global_atomics();
    if serial {
        let mut random = Random::new(options.seed, u64::MAX);
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i as u64 + 1) as usize);
        }
    }
    let wave = if serial { 1 } else { 64 * rayon::current_num_threads() };
    let mut launched = Launched::new(memory);
    let mut tally = Tally::new(kernel.code.len());
    let mut table = Vec::new();
    for (start, blocks) in order.chunks(wave).enumerate().map(|(i, blocks)| (i * wave, blocks)) {
        let shared_memory: &Memory = memory;
        let done: Vec<Result<(Touched, Tally), Finding>> = if blocks.len() == 1 {
            vec![run.block(shared_memory, &mut table, blocks[0], None)]
        } else {
            blocks
                .par_iter()
                .map_init(Vec::new, |table, &block| run.block(shared_memory, table, block, None))
                .collect()
        };
        for (at, result) in done.into_iter().enumerate() {
            let (touched, counts) = result?;
            tally += &counts;
            if let Err(address) = launched.join(memory, touched) {
                return Err(run.conflict(memory, address, &order[..start + at], blocks[at]));
            }
        }
    }
    Ok(tally.counters(kernel))
}

struct Run<'a> {
    kernel: &'a Kernel,
    launch: &'a Launch,
    params: &'a [u8],
    options: &'a Options,
    fast: bool,
    cell: usize,
}

impl Run<'_> {
    /// Runs a block. One that may race with itself runs twice: the second time with a history of every byte.
    fn block(
        &self,
        memory: &Memory,
        table: &mut Vec<u32>,
        number: u64,
        watch: Option<u64>,
    ) -> Result<(Touched, Tally), Finding> {
        let global = BlockMemory::new(memory, table, watch);
        let (global, tally) = self.once(global, number)?;
        let suspicious = global.suspicious();
        let touched = global.finish();
        if suspicious {
            let mut global = BlockMemory::new(memory, table, watch);
            global.look_for_races(narrowest(self.kernel, Space::Global), self.geometry(number).warps());
            self.once(global, number)?;
        }
        Ok((touched, tally))
    }

    fn geometry(&self, number: u64) -> Geometry {
        let [x, y, _] = self.launch.grid.map(u64::from);
        let index = [number % x, number / x % y, number / x / y].map(|n| n as u32);
        Geometry { grid: self.launch.grid, block: self.launch.block, index }
    }

    fn once<'m>(&'m self, global: BlockMemory<'m>, number: u64) -> Result<(BlockMemory<'m>, Tally), Finding> {
        let geometry = self.geometry(number);
        let bytes = self.kernel.static_shared + self.launch.dynamic_shared;
        let resources = Resources {
            kernel: self.kernel,
            options: self.options,
            params: self.params,
            global,
            shared: Shared::new(bytes as usize, self.cell, geometry.warps()),
            tally: Tally::new(self.kernel.code.len()),
            fast: self.fast,
        };
        let mut block = Block::new(resources, geometry);
        block.run(Random::new(self.options.seed, number))?;
        Ok((block.resources.global, block.resources.tally))
    }

    /// Runs the second block of a conflict again, and earlier blocks until one is the first, to name both lines.
    fn conflict(&self, memory: &Memory, address: u64, earlier: &[u64], second: u64) -> Finding {
        let mut table = Vec::new();
        let place = memory.describe(address);
        let mut watch = |block| self.block(memory, &mut table, block, Some(address)).err();
        let first = earlier.iter().find_map(|&block| watch(block).filter(|f| f.kind == Kind::BlockConflict));
        let mut finding =
            watch(second).unwrap_or_else(|| nowhere(self.kernel, Kind::BlockConflict, String::new()));
        finding.kind = Kind::BlockConflict;
        let other =
            first.map_or(String::new(), |f| format!(" (block {:?}, line {}: {})", f.block, f.line, f.what));
        finding.what = format!("{} that another block touches{other}: {place}", finding.what);
        finding
    }
}

fn nowhere(kernel: &Kernel, kind: Kind, what: String) -> Finding {
    Finding { kind, kernel: kernel.name.clone(), line: 0, block: [0; 3], warp: 0, lane: 0, what }
}

fn check(kernel: &Kernel, launch: &Launch, params: &[u8]) -> Result<(), Finding> {
    let refuse = |what: String| Err(nowhere(kernel, Kind::Launch, what));
    let threads: u64 = launch.block.iter().map(|n| u64::from(*n)).product();
    if params.len() != kernel.param_bytes() {
        return refuse(format!(
            "{} bytes of arguments, the kernel takes {}",
            params.len(),
            kernel.param_bytes()
        ));
    }
    if threads == 0 || threads > 1024 || launch.block[2] > 64 {
        return refuse(format!("a block of {:?} threads", launch.block));
    }
    let [x, y, z] = launch.grid;
    if x == 0 || y == 0 || z == 0 || x > i32::MAX as u32 || y > 65535 || z > 65535 {
        return refuse(format!("a grid of {:?} blocks", launch.grid));
    }
    match kernel.threads {
        Some(ThreadLimit::AtMost(most)) if threads > most.into() => {
            return refuse(format!("{threads} threads a block, `.maxntid` is {most}"));
        }
        Some(ThreadLimit::Exactly(n)) if threads != n.into() => {
            return refuse(format!("{threads} threads a block, `.reqntid` is {n}"));
        }
        _ => {}
    }
    if launch.dynamic_shared > 0 && !kernel.dynamic_shared {
        return refuse("dynamic shared memory, and the kernel declares none".to_owned());
    }
    let shared = kernel.static_shared + launch.dynamic_shared;
    if shared > MAX_SHARED {
        return refuse(format!("{shared} bytes of shared memory; sm_80 has {MAX_SHARED}"));
    }
    if kernel.static_shared > 48 * 1024 {
        return refuse("more than 48 KiB of static shared memory: make it dynamic".to_owned());
    }
    for param in &kernel.params {
        let Some(align) = param.pointer_align else { continue };
        let bytes = params[param.offset..param.offset + 8].try_into().expect("pointers have eight bytes");
        let address = u64::from_le_bytes(bytes);
        if address % align != 0 {
            let what = format!("argument `{}` is {address:#x}, declared as aligned to {align}", param.name);
            return Err(nowhere(kernel, Kind::Misaligned, what));
        }
    }
    Ok(())
}

/// Bytes of the narrowest access of a space: the resolution at which races must be told apart.
fn narrowest(kernel: &Kernel, space: Space) -> usize {
    let widths = kernel.code.iter().filter_map(|instr| match instr.op {
        Op::Load { address, elements, .. } | Op::Store { address, elements } if address.space == space => {
            Some(elements.bytes as usize * elements.count as usize)
        }
        Op::Atomic { address, ty, .. } if address.space == space => Some(ty.bytes()),
        // A copy may read fewer bytes than it writes.
        Op::CopyAsync { source_bytes: Some(_), .. } if space == Space::Global => Some(1),
        Op::CopyAsync { bytes, .. } => Some(bytes.into()),
        _ => None,
    });
    widths.min().unwrap_or(16)
}

impl Kernel {
    /// The parameter block of some arguments.
    ///
    /// Errors: [`Kind::Launch`] if their number or a size differs from what the entry declares.
    pub fn arguments(&self, args: &[Arg]) -> Result<Vec<u8>, Finding> {
        if args.len() != self.params.len() {
            let what = format!("{} arguments, the kernel takes {}", args.len(), self.params.len());
            return Err(nowhere(self, Kind::Launch, what));
        }
        let mut block = vec![0; self.param_bytes()];
        for (arg, param) in args.iter().zip(&self.params) {
            let (value, bytes) = match *arg {
                Arg::Ptr(x) | Arg::U64(x) => (x, 8),
                Arg::U32(x) => (x.into(), 4),
                Arg::I32(x) => (u64::from(x as u32), 4),
                Arg::F32(x) => (x.to_bits().into(), 4),
            };
            if bytes != param.bytes {
                let what =
                    format!("argument `{}` has {bytes} bytes, the kernel takes {}", param.name, param.bytes);
                return Err(nowhere(self, Kind::Launch, what));
            }
            block[param.offset..param.offset + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
        Ok(block)
    }
}

impl Memory {
    /// Demands that every byte of the buffer at an address was written.
    ///
    /// Errors: [`Kind::UnwrittenOutput`] with the first byte that was not.
    pub fn require_written(&self, kernel: &Kernel, address: u64) -> Result<(), Finding> {
        match self.unwritten(address, self.len(address)) {
            None => Ok(()),
            Some(byte) => {
                let what = format!("byte {byte} was written by no thread: {}", self.describe(address));
                Err(nowhere(kernel, Kind::UnwrittenOutput, what))
            }
        }
    }
}
