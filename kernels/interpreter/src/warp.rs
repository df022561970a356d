//! A warp: its register file, and which of its lanes are where.

use crate::isa::{Fixed, Row, WideRow};
use crate::parse::Kernel;
use crate::shadow::Clock;

/// Lanes that stand at one instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub pc: u32,
    pub lanes: u32,
}

/// A `cp.async` that nobody has waited for.
pub(crate) struct Copy {
    pub lane: u8,
    pub bytes: u8,
    /// Groups that its lane had committed before: the copy's own group when committed.
    pub group: u32,
    pub shared: u32,
    pub data: [u8; 16],
}

pub(crate) struct Warp {
    pub number: usize,
    /// Registers, then constants and special registers.
    pub narrow: Vec<Row>,
    pub wide: Vec<WideRow>,
    pub pred: Vec<u32>,
    /// Lanes that have written a register, by slot.
    pub defined: Vec<u32>,
    /// Lanes that run, by where they stand, lowest first.
    pub groups: Vec<Group>,
    /// Lanes that exist, and those of them that have not exited.
    pub lanes: u32,
    pub live: u32,
    /// The barrier the whole warp waits at, and where.
    pub barrier: Option<(u32, u32)>,
    pub clock: Clock,
    pub copies: Vec<Copy>,
    pub committed: [u32; 32],
}

/// Where a block stands in its launch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub index: [u32; 3],
}

impl Geometry {
    pub(crate) fn threads(&self) -> u32 {
        self.block.iter().product()
    }

    pub(crate) fn warps(&self) -> usize {
        self.threads().div_ceil(32) as usize
    }
}

impl Warp {
    pub(crate) fn new(kernel: &Kernel, geometry: &Geometry, number: usize) -> Warp {
        let lanes = match geometry.threads() - 32 * number as u32 {
            n @ 0..32 => (1 << n) - 1,
            _ => u32::MAX,
        };
        let mut narrow = vec![[0; 32]; kernel.narrow_registers];
        narrow.extend(kernel.fixed.iter().map(|fixed| {
            std::array::from_fn(|lane| {
                let thread = (32 * number + lane) as u32;
                let [x, y, _] = geometry.block;
                match *fixed {
                    Fixed::Const(value) => value,
                    Fixed::Tid(axis) => [thread % x, thread / x % y, thread / x / y][axis as usize],
                    Fixed::Ntid(axis) => geometry.block[axis as usize],
                    Fixed::Ctaid(axis) => geometry.index[axis as usize],
                    Fixed::Nctaid(axis) => geometry.grid[axis as usize],
                    Fixed::Laneid => lane as u32,
                    Fixed::Warpid => number as u32,
                    Fixed::LanemaskLt => (1 << lane) - 1,
                    Fixed::Sink => 0,
                    Fixed::DynamicShared(_) => unreachable!("resolved when the entry was parsed"),
                }
            })
        }));
        let mut wide = vec![[0; 32]; kernel.wide_registers];
        wide.extend(kernel.wide_constants.iter().map(|value| [*value; 32]));
        let mut pred = vec![0; kernel.pred_registers];
        pred.extend(kernel.pred_constants.iter().map(|value| if *value { u32::MAX } else { 0 }));
        let mut clock = vec![0; geometry.warps()];
        clock[number] = 1;
        Warp {
            number,
            narrow,
            wide,
            pred,
            defined: vec![0; kernel.register_names.len()],
            groups: vec![Group { pc: 0, lanes }],
            lanes,
            live: lanes,
            barrier: None,
            clock,
            copies: Vec::new(),
            committed: [0; 32],
        }
    }

    pub(crate) fn done(&self) -> bool {
        self.live == 0
    }

    /// Joins groups that stand at one instruction, and puts the lowest first.
    pub(crate) fn regroup(&mut self) {
        self.groups.sort_by_key(|group| group.pc);
        self.groups.dedup_by(|next, group| {
            let same = next.pc == group.pc;
            if same {
                group.lanes |= next.lanes;
            }
            same
        });
    }
}

/// Writes the lanes of `lanes` only.
#[inline(always)]
pub(crate) fn put<T: std::marker::Copy>(row: &mut [T; 32], value: &[T; 32], lanes: u32) {
    if lanes == u32::MAX {
        *row = *value;
        return;
    }
    for lane in 0..32 {
        if lanes >> lane & 1 == 1 {
            row[lane] = value[lane];
        }
    }
}

/// The lanes of a mask, in order.
#[inline(always)]
pub(crate) fn each(lanes: u32) -> impl Iterator<Item = usize> {
    let mut left = lanes;
    std::iter::from_fn(move || {
        let lane = left.trailing_zeros() as usize;
        if lane == 32 {
            return None;
        }
        left &= left - 1;
        Some(lane)
    })
}
