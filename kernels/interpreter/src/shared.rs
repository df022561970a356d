//! A block's shared memory.

use crate::finding::{Fault, Kind};
use crate::shadow::{Shadow, Trouble, Who};

/// Shared addresses start here: a forgotten base (address 0) is out of bounds. Aligned as the largest swizzle needs.
pub(crate) const SHARED_BASE: u32 = 1024;

/// Bytes and their history.
pub(crate) struct Shared {
    data: Vec<u8>,
    shadow: Shadow,
}

impl Shared {
    /// `cell`: bytes of the narrowest access, a power of two.
    pub(crate) fn new(bytes: usize, cell: usize, warps: usize) -> Shared {
        Shared { data: vec![0xff; bytes], shadow: Shadow::new(bytes, cell, warps, false) }
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
            let byte = i64::from(address) - i64::from(SHARED_BASE);
            let what = format!("{n} bytes at byte {byte} of shared memory, which has {}", self.data.len());
            return Err(Fault::new(Kind::OutOfBounds, lane, what));
        }
        Ok(offset)
    }

    /// `n` bytes that some lanes read.
    #[inline(always)]
    pub(crate) fn load(&mut self, who: Who<'_>, address: u32, n: usize) -> Result<&[u8], Fault> {
        let offset = self.place(who.lane, address, n)?;
        self.shadow.read(who, offset, n).map_err(|trouble| fault(trouble, who, "read"))?;
        Ok(&self.data[offset..offset + n])
    }

    /// Bytes that a lane writes.
    #[inline(always)]
    pub(crate) fn store(&mut self, who: Who<'_>, address: u32, bytes: &[u8]) -> Result<(), Fault> {
        let offset = self.place(who.lane, address, bytes.len())?;
        self.shadow.write(who, offset, bytes.len()).map_err(|trouble| fault(trouble, who, "written"))?;
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// A `cp.async` to these bytes begins.
    pub(crate) fn begin_copy(&mut self, who: Who<'_>, address: u32, n: usize) -> Result<(), Fault> {
        let offset = self.place(who.lane, address, n)?;
        self.shadow.begin_copy(who, offset, n).map_err(|trouble| fault(trouble, who, "written"))
    }

    /// The copy's bytes land.
    pub(crate) fn end_copy(&mut self, who: Who<'_>, address: u32, bytes: &[u8]) {
        let offset = (address - SHARED_BASE) as usize;
        self.shadow.land(who, offset, bytes.len());
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Replaces a value by a function of it; returns the old value.
    pub(crate) fn update(
        &mut self,
        who: Who<'_>,
        address: u32,
        n: usize,
        f: impl FnOnce(u64) -> u64,
    ) -> Result<u64, Fault> {
        let offset = self.place(who.lane, address, n)?;
        self.shadow.update(who, offset, n).map_err(|trouble| fault(trouble, who, "changed"))?;
        let place = &mut self.data[offset..offset + n];
        let mut old = [0; 8];
        old[..n].copy_from_slice(place);
        let old = u64::from_le_bytes(old);
        place.copy_from_slice(&f(old).to_le_bytes()[..n]);
        Ok(old)
    }
}

#[cold]
fn fault(trouble: Trouble, who: Who<'_>, now: &str) -> Fault {
    let (kind, what) = match trouble {
        Trouble::Unwritten(byte) => {
            (Kind::UninitialisedShared, format!("shared byte {byte} is {now} before it was written"))
        }
        Trouble::InFlight(byte) => {
            (Kind::AsyncCopy, format!("shared byte {byte} is {now} while a cp.async writes it"))
        }
        Trouble::Race(race) => (Kind::SharedRace, format!("shared byte {} {race}", race.byte)),
    };
    Fault::new(kind, who.lane, what)
}
