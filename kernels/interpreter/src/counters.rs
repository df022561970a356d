//! What a launch executed.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::class::Class;
use crate::parse::Kernel;
use crate::warp::each;

/// Counts over all blocks of a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Instructions issued, each for up to 32 lanes.
    pub warp_instructions: u64,
    /// The same by class.
    pub classes: BTreeMap<Class, u64>,
    /// Passes through shared memory that the accesses need, and that they would need without bank conflicts.
    pub shared_wavefronts: u64,
    /// See `shared_wavefronts`.
    pub shared_wavefronts_ideal: u64,
    /// The line with the most superfluous passes, and their number.
    pub worst_conflict: Option<(u32, u64)>,
    /// Sectors of 32 bytes that global accesses touch, and the bytes they use.
    pub global_sectors: u64,
    /// See `global_sectors`.
    pub global_bytes: u64,
}

/// Counts of one block, by instruction.
#[derive(Default)]
pub(crate) struct Tally {
    pub executed: Vec<u64>,
    pub superfluous: Vec<u64>,
    pub wavefronts: u64,
    pub ideal: u64,
    pub sectors: u64,
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn new(instructions: usize) -> Tally {
        Tally { executed: vec![0; instructions], superfluous: vec![0; instructions], ..Tally::default() }
    }

    pub(crate) fn counters(&self, kernel: &Kernel) -> Counters {
        let mut counters = Counters {
            warp_instructions: self.executed.iter().sum(),
            shared_wavefronts: self.wavefronts,
            shared_wavefronts_ideal: self.ideal,
            global_sectors: self.sectors,
            global_bytes: self.bytes,
            ..Counters::default()
        };
        for (instr, n) in kernel.code.iter().zip(&self.executed).filter(|(_, n)| **n > 0) {
            *counters.classes.entry(instr.op.class()).or_default() += n;
        }
        let worst = kernel.code.iter().zip(&self.superfluous).max_by_key(|(_, n)| **n);
        counters.worst_conflict = worst.filter(|(_, n)| **n > 0).map(|(instr, n)| (instr.line, *n));
        counters
    }

    /// Counts the passes of one shared access of `n` bytes a lane.
    pub(crate) fn shared_access(&mut self, pc: usize, addresses: &[u32; 32], lanes: u32, n: u32) {
        // Accesses of 8 and 16 bytes are served for half and quarter warps: 32 banks of four bytes either way.
        let per_phase = (128 / n.max(4)) as usize;
        for first in (0..32).step_by(per_phase) {
            let phase = (u64::MAX >> (64 - per_phase) << first) as u32 & lanes;
            if phase != 0 {
                let passes = phase_passes(addresses, phase, n.max(4));
                self.wavefronts += passes;
                self.ideal += 1;
                self.superfluous[pc] += passes - 1;
            }
        }
    }

    /// Counts the sectors of one global access of `n` bytes a lane.
    pub(crate) fn global_access(&mut self, addresses: &[u64; 32], lanes: u32, n: u64) {
        let (mut seen, mut found) = ([0u64; 32], 0);
        for lane in (0..32).filter(|lane| lanes >> lane & 1 == 1) {
            let sector = addresses[lane] >> 5;
            if !seen[..found].iter().rev().any(|s| *s == sector) {
                seen[found] = sector;
                found += 1;
            }
        }
        self.sectors += found as u64;
        self.bytes += n * u64::from(lanes.count_ones());
    }
}

/// Passes of the lanes of a phase: the most different units of `n` bytes that fall on the same banks.
#[inline(always)]
fn phase_passes(addresses: &[u32; 32], lanes: u32, n: u32) -> u64 {
    let (shift, groups) = (n.trailing_zeros(), 128 / n);
    let mut first = [0u32; 32];
    let mut taken = 0u32;
    for lane in each(lanes) {
        let unit = addresses[lane] >> shift;
        let group = unit & (groups - 1);
        if taken >> group & 1 == 0 {
            taken |= 1 << group;
            first[group as usize] = unit;
        } else if first[group as usize] != unit {
            return conflicting_passes(addresses, lanes, shift, groups);
        }
    }
    1
}

#[cold]
fn conflicting_passes(addresses: &[u32; 32], lanes: u32, shift: u32, groups: u32) -> u64 {
    let mut units: Vec<u32> = each(lanes).map(|lane| addresses[lane] >> shift).collect();
    units.sort_unstable();
    units.dedup();
    let depth = |group| units.iter().filter(|unit| **unit & (groups - 1) == group).count() as u64;
    (0..groups).map(depth).max().unwrap_or(0)
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (sum, n) in self.executed.iter_mut().zip(&other.executed) {
            *sum += n;
        }
        for (sum, n) in self.superfluous.iter_mut().zip(&other.superfluous) {
            *sum += n;
        }
        self.wavefronts += other.wavefronts;
        self.ideal += other.ideal;
        self.sectors += other.sectors;
        self.bytes += other.bytes;
    }
}
