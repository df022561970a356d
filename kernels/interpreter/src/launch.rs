//! Launches: arguments, the order of blocks, and what comes of it.

use rayon::prelude::*;

use crate::arguments::check;
use crate::block::{Block, Resources};
use crate::counters::{Counters, Tally};
use crate::finding::{Finding, Kind};
use crate::isa::{Op, Space};
use crate::join::Launched;
use crate::lanes;
use crate::memory::Memory;
use crate::overlay::{BlockMemory, Touched};
use crate::parse::Kernel;
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

pub(crate) fn nowhere(kernel: &Kernel, kind: Kind, what: String) -> Finding {
    Finding { kind, kernel: kernel.name.clone(), line: 0, block: [0; 3], warp: 0, lane: 0, what }
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
