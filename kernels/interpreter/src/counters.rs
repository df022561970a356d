//! What a launch executed.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::isa::Class;
use crate::parse::Kernel;

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
        // Accesses of 8 and 16 bytes are served for half and quarter warps.
        let per_phase = (128 / n.max(4)) as usize;
        let (mut passes, mut ideal) = (0, 0);
        for first in (0..32).step_by(per_phase) {
            let (phase, ideal_phase) = phase_passes(addresses, lanes, first..(first + per_phase).min(32), n);
            passes += phase;
            ideal += ideal_phase;
        }
        self.wavefronts += passes;
        self.ideal += ideal;
        self.superfluous[pc] += passes - ideal;
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

/// Passes of some lanes: the most different words that fall on one bank; and at the least.
fn phase_passes(addresses: &[u32; 32], lanes: u32, phase: std::ops::Range<usize>, n: u32) -> (u64, u64) {
    let mut banks = [[0u32; 8]; 32];
    let mut depth = [0usize; 32];
    let mut words = 0u64;
    for lane in phase.filter(|lane| lanes >> lane & 1 == 1) {
        for word in addresses[lane] / 4..(addresses[lane] + n).div_ceil(4) {
            let bank = (word & 31) as usize;
            let known = depth[bank].min(8);
            if !banks[bank][..known].contains(&word) {
                banks[bank][known.min(7)] = word;
                depth[bank] += 1;
                words += 1;
            }
        }
    }
    let passes = depth.iter().copied().max().unwrap_or(0) as u64;
    (passes, words.div_ceil(32))
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
