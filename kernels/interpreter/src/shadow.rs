//! The history of some memory of a block: who wrote, who read, and whether a barrier lies between.
//!
//! Cells are as wide as the narrowest access. Every warp has a vector clock that grows at barriers (and at
//! `bar.warp.sync`); an access is ordered after an earlier one if the warp's clock has seen it. Lanes of a warp are
//! ordered by `bar.warp.sync` only, not by standing at one instruction.

use std::ops::Range;

/// The clock of a warp: how much of each warp's past it knows.
pub(crate) type Clock = Vec<u32>;

/// Who accesses: lanes of a warp, one of them named in findings, at the warp's time.
#[derive(Clone, Copy)]
pub(crate) struct Who<'a> {
    pub warp: usize,
    pub lane: usize,
    pub lanes: u32,
    pub clock: &'a Clock,
}

impl<'a> Who<'a> {
    #[inline(always)]
    pub(crate) fn one(warp: usize, lane: usize, clock: &'a Clock) -> Who<'a> {
        Who { warp, lane, lanes: 1 << lane, clock }
    }
}

/// Why an access is refused, and at which byte.
pub(crate) enum Trouble {
    Unwritten(usize),
    InFlight(usize),
    Race(Race),
}

pub(crate) struct Race {
    pub byte: usize,
    /// What happens, and what happened before without a barrier between: "read", "written", "changed by an atomic".
    pub now: &'static str,
    pub before: &'static str,
    pub warp: usize,
    pub lane: u32,
}

impl std::fmt::Display for Race {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Race { now, before, warp, lane, .. } = self;
        write!(f, "is {now} and was {before} by lane {lane} of warp {warp}, with no barrier between")
    }
}

#[derive(Clone, Copy)]
struct Write {
    /// The writing warp's own time; 0 if nothing was written.
    time: u32,
    warp: u16,
    lane: u8,
    state: u8,
}

/// The cell has a value.
const WRITTEN: u8 = 1;
/// A `cp.async` writes the cell.
const IN_FLIGHT: u8 = 2;
/// Since the last plain access only atomics touched the cell; each is recorded as a read of its warp.
const ATOMIC: u8 = 4;

#[derive(Clone, Copy, Default)]
struct Read {
    time: u32,
    /// Lanes that read at that time.
    lanes: u32,
}

pub(crate) struct Shadow {
    cell_shift: u32,
    warps: usize,
    writes: Vec<Write>,
    /// [cell][warp]
    reads: Vec<Read>,
}

impl Shadow {
    /// `cell`: bytes of the narrowest access, a power of two. `written`: does the memory have values to begin with?
    pub(crate) fn new(bytes: usize, cell: usize, warps: usize, written: bool) -> Shadow {
        let cells = bytes.div_ceil(cell);
        let state = if written { WRITTEN } else { 0 };
        Shadow {
            cell_shift: cell.trailing_zeros(),
            warps,
            writes: vec![Write { time: 0, warp: 0, lane: 0, state }; cells],
            reads: vec![Read::default(); cells * warps],
        }
    }

    #[inline(always)]
    fn cells(&self, offset: usize, n: usize) -> Range<usize> {
        offset >> self.cell_shift..(offset + n).div_ceil(1 << self.cell_shift)
    }

    /// Some lanes read `n` bytes.
    #[inline(always)]
    pub(crate) fn read(&mut self, who: Who<'_>, offset: usize, n: usize) -> Result<(), Trouble> {
        let time = who.clock[who.warp];
        for cell in self.cells(offset, n) {
            let write = self.writes[cell];
            if write.state != WRITTEN {
                self.settle(who, cell)?;
            }
            let (warp, own) = (usize::from(write.warp), 1 << write.lane);
            if write.time > who.clock[warp] || warp == who.warp && write.time == time && who.lanes != own {
                return Err(self.race(cell, "read", "written", warp, own));
            }
            let read = &mut self.reads[cell * self.warps + who.warp];
            read.lanes = if read.time == time { read.lanes | who.lanes } else { who.lanes };
            read.time = time;
        }
        Ok(())
    }

    /// A plain read of a cell in no plain state; of one that atomics changed it must come after all of them.
    #[cold]
    fn settle(&mut self, who: Who<'_>, cell: usize) -> Result<(), Trouble> {
        let byte = cell << self.cell_shift;
        let state = self.writes[cell].state;
        if state & IN_FLIGHT != 0 {
            return Err(Trouble::InFlight(byte));
        }
        if state & WRITTEN == 0 {
            return Err(Trouble::Unwritten(byte));
        }
        self.after_reads(who, cell, who.lanes, "read", "changed by an atomic")?;
        self.writes[cell].state = WRITTEN;
        Ok(())
    }

    /// Demands that all recorded reads of a cell, except by some lanes of the warp, are in the warp's past.
    #[inline(always)]
    fn after_reads(
        &self,
        who: Who<'_>,
        cell: usize,
        except: u32,
        now: &'static str,
        before: &'static str,
    ) -> Result<(), Trouble> {
        let time = who.clock[who.warp];
        for (warp, read) in self.reads[cell * self.warps..][..self.warps].iter().enumerate() {
            let own = warp == who.warp && read.time == time && read.lanes & !except != 0;
            if own || read.time > who.clock[warp] {
                let lanes = if own { read.lanes & !except } else { read.lanes };
                return Err(self.race(cell, now, before, warp, lanes));
            }
        }
        Ok(())
    }

    #[cold]
    fn race(&self, cell: usize, now: &'static str, before: &'static str, warp: usize, lanes: u32) -> Trouble {
        Trouble::Race(Race { byte: cell << self.cell_shift, now, before, warp, lane: lanes.trailing_zeros() })
    }

    /// One lane writes `n` bytes.
    #[inline(always)]
    pub(crate) fn write(&mut self, who: Who<'_>, offset: usize, n: usize) -> Result<(), Trouble> {
        self.claim(who, offset, n, WRITTEN)
    }

    /// A copy to `n` bytes begins: nobody may touch them until [`Self::land`].
    pub(crate) fn begin_copy(&mut self, who: Who<'_>, offset: usize, n: usize) -> Result<(), Trouble> {
        self.claim(who, offset, n, IN_FLIGHT)
    }

    /// A copy has landed, as a write of the lane that waited.
    pub(crate) fn land(&mut self, who: Who<'_>, offset: usize, n: usize) {
        let (time, warp, lane) = (who.clock[who.warp], who.warp as u16, who.lane as u8);
        for cell in self.cells(offset, n) {
            self.writes[cell] = Write { time, warp, lane, state: WRITTEN };
        }
    }

    #[inline(always)]
    fn claim(&mut self, who: Who<'_>, offset: usize, n: usize, state: u8) -> Result<(), Trouble> {
        let time = who.clock[who.warp];
        for cell in self.cells(offset, n) {
            let write = self.writes[cell];
            if write.state & IN_FLIGHT != 0 {
                return Err(Trouble::InFlight(cell << self.cell_shift));
            }
            let (warp, own) = (usize::from(write.warp), 1 << write.lane);
            if write.time > who.clock[warp] || warp == who.warp && write.time == time && who.lanes != own {
                return Err(self.race(cell, "written", "written", warp, own));
            }
            self.after_reads(who, cell, who.lanes, "written", "read")?;
            self.writes[cell] = Write { time, warp: who.warp as u16, lane: who.lane as u8, state };
        }
        Ok(())
    }

    /// One lane changes `n` bytes atomically: atomics do not race with each other, but with plain accesses.
    pub(crate) fn update(&mut self, who: Who<'_>, offset: usize, n: usize) -> Result<(), Trouble> {
        for cell in self.cells(offset, n) {
            let state = self.writes[cell].state;
            if state & WRITTEN == 0 {
                let byte = cell << self.cell_shift;
                return Err(if state & IN_FLIGHT == 0 {
                    Trouble::Unwritten(byte)
                } else {
                    Trouble::InFlight(byte)
                });
            }
            if state & ATOMIC == 0 {
                self.claim(who, cell << self.cell_shift, 1, WRITTEN | ATOMIC)?;
            }
            let time = who.clock[who.warp];
            let read = &mut self.reads[cell * self.warps + who.warp];
            read.lanes = if read.time == time { read.lanes | who.lanes } else { who.lanes };
            read.time = time;
        }
        Ok(())
    }
}
