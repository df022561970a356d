//! A block's shared memory with a shadow: who wrote, who read, and whether a barrier lies between.
//!
//! The shadow's cells are as wide as the narrowest access of the kernel. Every warp has a vector clock that grows at
//! barriers (and at `bar.warp.sync`); an access is ordered after an earlier one if the warp's clock has seen it.

use crate::finding::{Fault, Kind};
use crate::parse::SHARED_BASE;

/// The clock of a warp: how much of each warp's past it knows.
pub(crate) type Clock = Vec<u32>;

#[derive(Clone, Copy, Default)]
struct Write {
    /// The writing warp's own time; 0 if nothing was written.
    time: u32,
    warp: u16,
    /// The one lane.
    lane: u8,
    flags: u8,
}

const INITIALISED: u8 = 1;
const IN_FLIGHT: u8 = 2;
/// Since the last plain access only atomics touched the cell; each is recorded as a read of its warp.
const ATOMIC: u8 = 4;

#[derive(Clone, Copy, Default)]
struct Read {
    time: u32,
    /// Lanes that read at that time.
    lanes: u32,
}

/// Shared memory of one block.
pub(crate) struct Shared {
    data: Vec<u8>,
    cell_shift: u32,
    warps: usize,
    writes: Vec<Write>,
    /// [cell][warp]
    reads: Vec<Read>,
}

impl Shared {
    /// `cell`: bytes of the narrowest access, a power of two.
    pub(crate) fn new(bytes: usize, cell: usize, warps: usize) -> Shared {
        let cells = bytes.div_ceil(cell);
        Shared {
            data: vec![0xff; bytes],
            cell_shift: cell.trailing_zeros(),
            warps,
            writes: vec![Write::default(); cells],
            reads: vec![Read::default(); cells * warps],
        }
    }

    /// Offset of an aligned access within the memory.
    #[inline(always)]
    fn place(&self, lane: usize, address: u32, n: usize) -> Result<usize, Fault> {
        if address as usize & (n - 1) != 0 {
            let what = format!("access of {n} bytes at shared address {address}");
            return Err(Fault::new(Kind::Misaligned, lane, what));
        }
        let offset = address.wrapping_sub(SHARED_BASE) as usize;
        if offset + n > self.data.len() {
            let what = format!(
                "{n} bytes at byte {} of shared memory, which has {}",
                i64::from(address) - i64::from(SHARED_BASE),
                self.data.len()
            );
            return Err(Fault::new(Kind::OutOfBounds, lane, what));
        }
        Ok(offset)
    }

    /// `n` bytes read by `lanes` of a warp.
    #[inline(always)]
    pub(crate) fn load(
        &mut self,
        warp: usize,
        lane: usize,
        lanes: u32,
        clock: &Clock,
        address: u32,
        n: usize,
    ) -> Result<&[u8], Fault> {
        let offset = self.place(lane, address, n)?;
        let time = clock[warp];
        for cell in offset >> self.cell_shift..(offset + n).div_ceil(1 << self.cell_shift) {
            let write = self.writes[cell];
            if write.flags != INITIALISED {
                self.settle(warp, lane, lanes, clock, cell)?;
            }
            let same_warp = write.warp as usize == warp;
            if write.time > clock[write.warp as usize]
                || same_warp && write.time == time && lanes != 1 << write.lane
            {
                return Err(self.race(lane, cell, "read", "written", write.warp, write.lane));
            }
            let read = &mut self.reads[cell * self.warps + warp];
            read.lanes = if read.time == time { read.lanes | lanes } else { lanes };
            read.time = time;
        }
        Ok(&self.data[offset..offset + n])
    }

    /// A plain read of a cell that is not plainly initialised: of one that atomics changed, after all of them.
    #[cold]
    fn settle(
        &mut self,
        warp: usize,
        lane: usize,
        lanes: u32,
        clock: &Clock,
        cell: usize,
    ) -> Result<(), Fault> {
        if self.writes[cell].flags & INITIALISED == 0 {
            return Err(self.unreadable(lane, cell));
        }
        for (other, read) in self.reads[cell * self.warps..][..self.warps].iter().enumerate() {
            let own_time = other == warp && read.time == clock[warp] && read.lanes & !lanes != 0;
            if own_time || read.time > clock[other] {
                let by = (read.lanes & !lanes).trailing_zeros().min(31) as u8;
                return Err(self.race(lane, cell, "read", "changed by an atomic", other as u16, by));
            }
        }
        self.writes[cell].flags = INITIALISED;
        Ok(())
    }

    #[cold]
    fn unreadable(&self, lane: usize, cell: usize) -> Fault {
        let byte = cell << self.cell_shift;
        if self.writes[cell].flags & IN_FLIGHT != 0 {
            let what = format!("shared byte {byte} is read while a cp.async writes it");
            return Fault::new(Kind::AsyncCopy, lane, what);
        }
        Fault::new(
            Kind::UninitialisedShared,
            lane,
            format!("shared byte {byte} is read before it was written"),
        )
    }

    #[cold]
    fn race(&self, lane: usize, cell: usize, what: &str, earlier: &str, warp: u16, other: u8) -> Fault {
        let byte = cell << self.cell_shift;
        let what = format!(
            "shared byte {byte} is {what} and was {earlier} by lane {other} of warp {warp}, with no barrier between"
        );
        Fault::new(Kind::SharedRace, lane, what)
    }

    /// Checks that a lane may write, and marks the cells as written by it.
    #[inline(always)]
    fn claim(
        &mut self,
        warp: usize,
        lane: usize,
        clock: &Clock,
        offset: usize,
        n: usize,
        flags: u8,
    ) -> Result<(), Fault> {
        let time = clock[warp];
        for cell in offset >> self.cell_shift..(offset + n).div_ceil(1 << self.cell_shift) {
            let write = self.writes[cell];
            if write.flags & IN_FLIGHT != 0 {
                let what =
                    format!("shared byte {} is written while a cp.async writes it", cell << self.cell_shift);
                return Err(Fault::new(Kind::AsyncCopy, lane, what));
            }
            let same_warp = write.warp as usize == warp;
            if write.time > clock[write.warp as usize]
                || same_warp && write.time == time && time > 0 && usize::from(write.lane) != lane
            {
                return Err(self.race(lane, cell, "written", "written", write.warp, write.lane));
            }
            for (reader, read) in self.reads[cell * self.warps..][..self.warps].iter().enumerate() {
                let unordered = if reader == warp {
                    read.time == time && read.lanes & !(1 << lane) != 0
                } else {
                    read.time > clock[reader]
                };
                if unordered {
                    let other = (read.lanes & !(1 << lane)).trailing_zeros().min(31) as u8;
                    return Err(self.race(lane, cell, "written", "read", reader as u16, other));
                }
            }
            self.writes[cell] = Write { time, warp: warp as u16, lane: lane as u8, flags };
        }
        Ok(())
    }

    /// Bytes written by a lane.
    #[inline(always)]
    pub(crate) fn store(
        &mut self,
        warp: usize,
        lane: usize,
        clock: &Clock,
        address: u32,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let offset = self.place(lane, address, bytes.len())?;
        self.claim(warp, lane, clock, offset, bytes.len(), INITIALISED)?;
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// A `cp.async` to these bytes begins: nobody may touch them until it is waited for.
    pub(crate) fn begin_copy(
        &mut self,
        warp: usize,
        lane: usize,
        clock: &Clock,
        address: u32,
        n: usize,
    ) -> Result<(), Fault> {
        let offset = self.place(lane, address, n)?;
        self.claim(warp, lane, clock, offset, n, IN_FLIGHT)
    }

    /// The copy's bytes land, as a write of the lane that waited.
    pub(crate) fn end_copy(&mut self, warp: usize, lane: usize, clock: &Clock, address: u32, bytes: &[u8]) {
        let offset = (address - SHARED_BASE) as usize;
        for cell in offset >> self.cell_shift..(offset + bytes.len()).div_ceil(1 << self.cell_shift) {
            self.writes[cell] =
                Write { time: clock[warp], warp: warp as u16, lane: lane as u8, flags: INITIALISED };
        }
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Atomic update: atomics of any lanes do not race with each other, but with plain accesses.
    pub(crate) fn update(
        &mut self,
        warp: usize,
        lane: usize,
        clock: &Clock,
        address: u32,
        n: usize,
        f: impl FnOnce(u64) -> u64,
    ) -> Result<u64, Fault> {
        let offset = self.place(lane, address, n)?;
        for cell in offset >> self.cell_shift..(offset + n).div_ceil(1 << self.cell_shift) {
            if self.writes[cell].flags & INITIALISED == 0 {
                return Err(self.unreadable(lane, cell));
            }
            if self.writes[cell].flags & ATOMIC == 0 {
                self.claim(warp, lane, clock, cell << self.cell_shift, 1, INITIALISED | ATOMIC)?;
            }
            let read = &mut self.reads[cell * self.warps + warp];
            read.lanes = if read.time == clock[warp] { read.lanes | 1 << lane } else { 1 << lane };
            read.time = clock[warp];
        }
        let mut old = [0; 8];
        old[..n].copy_from_slice(&self.data[offset..offset + n]);
        let old = u64::from_le_bytes(old);
        self.data[offset..offset + n].copy_from_slice(&f(old).to_le_bytes()[..n]);
        Ok(old)
    }
}
