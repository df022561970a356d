//! One block's view of global memory.
//!
//! A block reads memory as it was when the launch began and writes to pages of its own. When it is done the pages
//! join memory; a byte that one block wrote and another touched is a conflict. So blocks run in parallel, results do
//! not depend on who came first, and every conflict is seen, whatever the order.

use crate::finding::{Fault, Kind};
use crate::history::{Access, Histories};
use crate::memory::{Lookup, Memory, PAGE};
use crate::shadow::{Shadow, Who};

pub(crate) const WORDS: usize = PAGE / 64;

/// What happened to each byte of a page: one bit a byte.
#[derive(Clone)]
pub(crate) struct Marks {
    pub read: [u64; WORDS],
    pub written: [u64; WORDS],
    pub atomic: [u64; WORDS],
}

impl Marks {
    pub(crate) fn new() -> Marks {
        Marks { read: [0; WORDS], written: [0; WORDS], atomic: [0; WORDS] }
    }
}

pub(crate) struct Page {
    /// The page among all pages; the address of its first byte.
    pub number: usize,
    pub address: u64,
    pub marks: Marks,
    pub data: Option<Box<[u8; PAGE]>>,
}

/// The pages a block touched.
pub(crate) struct Touched {
    pub pages: Vec<Page>,
}

/// Reads and writes of one block.
pub(crate) struct BlockMemory<'a> {
    memory: &'a Memory,
    /// Page number to index in `pages`.
    table: &'a mut Vec<u32>,
    pages: Vec<Page>,
    /// Did the block touch a byte again that it wrote, or write one that it read?
    suspicious: bool,
    /// The history of each page, where races within the block are looked for.
    histories: Option<Histories>,
    /// A byte whose first access ends the run: how a second run finds the line of a conflict.
    watch: Option<u64>,
}

const ABSENT: u32 = u32::MAX;

impl<'a> BlockMemory<'a> {
    /// `table` is scratch space that many blocks use one after the other.
    pub(crate) fn new(memory: &'a Memory, table: &'a mut Vec<u32>, watch: Option<u64>) -> Self {
        if table.len() != memory.pages() {
            table.clear();
            table.resize(memory.pages(), ABSENT);
        }
        BlockMemory { memory, table, pages: Vec::new(), suspicious: false, histories: None, watch }
    }

    /// Looks for races within the block from now on. `cell`: bytes of the narrowest access.
    pub(crate) fn look_for_races(&mut self, cell: usize, warps: usize) {
        self.histories = Some(Histories::new(cell, warps));
    }

    /// Can there be a race within the block?
    pub(crate) fn suspicious(&self) -> bool {
        self.suspicious
    }

    #[inline(always)]
    fn record(&mut self, who: Who<'_>, address: u64, n: usize, access: Access) -> Result<(), Fault> {
        match &mut self.histories {
            Some(histories) => histories.record(self.memory, who, address, n, access),
            None => Ok(()),
        }
    }

    pub(crate) fn memory(&self) -> &Memory {
        self.memory
    }

    pub(crate) fn finish(mut self) -> Touched {
        self.clear_table();
        Touched { pages: std::mem::take(&mut self.pages) }
    }

    fn clear_table(&mut self) {
        for page in &self.pages {
            self.table[page.number] = ABSENT;
        }
    }

    #[inline(always)]
    fn page(table: &mut [u32], pages: &mut Vec<Page>, number: usize, address: u64) -> usize {
        let at = table[number];
        if at != ABSENT {
            return at as usize;
        }
        table[number] = pages.len() as u32;
        pages.push(Page { number, address: address & !(PAGE as u64 - 1), marks: Marks::new(), data: None });
        pages.len() - 1
    }

    #[inline(always)]
    fn look_out(&self, lane: usize, address: u64, n: usize, what: &str) -> Result<(), Fault> {
        match self.watch {
            Some(byte) if (address..address + n as u64).contains(&byte) => {
                Err(Fault::new(Kind::BlockConflict, lane, format!("{what} of {n} bytes")))
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn outside(&self, lookup: Lookup, lane: usize, address: u64, n: usize, what: &str) -> Fault {
        let kind = match lookup {
            Lookup::Freed => Kind::UseAfterFree,
            Lookup::Outside => Kind::OutOfBounds,
        };
        Fault::new(kind, lane, format!("{what} of {n} bytes: {}", self.memory.describe(address)))
    }

    /// `n` bytes, a power of two up to 16, at an address that is a multiple of it.
    #[inline(always)]
    pub(crate) fn load(
        &mut self,
        who: Who<'_>,
        address: u64,
        n: usize,
        read_only: bool,
    ) -> Result<&[u8], Fault> {
        let (buffer, offset) = match self.memory.find(address, n) {
            Ok(found) => found,
            Err(lookup) => return Err(self.outside(lookup, who.lane, address, n, "read")),
        };
        self.look_out(who.lane, address, n, "read")?;
        self.record(who, address, n, Shadow::read)?;
        let at = Self::page(self.table, &mut self.pages, buffer.first_page + offset / PAGE, address);
        let page = &mut self.pages[at];
        let (word, bits) = (offset / 64 % WORDS, ((1u64 << n) - 1) << (offset % 64));
        let own = bits & (page.marks.written[word] | page.marks.atomic[word]);
        if own != 0 {
            self.suspicious = true;
            if read_only {
                let what =
                    format!("ld.global.nc of what this launch wrote: {}", self.memory.describe(address));
                return Err(Fault::new(Kind::StaleRead, who.lane, what));
            }
        }
        let foreign = bits & !page.marks.written[word];
        if foreign != 0 {
            if foreign & !(buffer.written[offset / 64] | page.marks.atomic[word]) != 0 {
                let what = format!("{n} bytes that nobody wrote: {}", self.memory.describe(address));
                return Err(Fault::new(Kind::UninitialisedGlobal, who.lane, what));
            }
            page.marks.read[word] |= foreign;
        }
        Ok(match &page.data {
            Some(data) => &data[offset % PAGE..offset % PAGE + n],
            None => &buffer.data[offset..offset + n],
        })
    }

    /// Demands that an address is in a buffer.
    pub(crate) fn touch(&self, lane: usize, address: u64) -> Result<(), Fault> {
        match self.memory.find(address, 1) {
            Ok(_) => Ok(()),
            Err(lookup) => Err(self.outside(lookup, lane, address, 0, "read")),
        }
    }

    /// Writes 1 to 16 bytes; alignment as for [`Self::load`].
    #[inline(always)]
    pub(crate) fn store(&mut self, who: Who<'_>, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.record(who, address, bytes.len(), Shadow::write)?;
        let (page, offset, word, bits) = self.owned(who.lane, address, bytes.len(), "write")?;
        let again = bits & (page.marks.written[word] | page.marks.read[word] | page.marks.atomic[word]) != 0;
        page.marks.written[word] |= bits;
        let data = page.data.as_mut().expect("made by `owned`");
        data[offset % PAGE..offset % PAGE + bytes.len()].copy_from_slice(bytes);
        self.suspicious |= again;
        Ok(())
    }

    /// Replaces a value by a function of it; returns the old value.
    pub(crate) fn update(
        &mut self,
        who: Who<'_>,
        address: u64,
        n: usize,
        f: impl FnOnce(u64) -> u64,
    ) -> Result<u64, Fault> {
        let lane = who.lane;
        self.record(who, address, n, Shadow::update)?;
        let (buffer, offset) = self
            .memory
            .find(address, n)
            .map_err(|lookup| self.outside(lookup, lane, address, n, "atomic"))?;
        let initial = buffer.written[offset / 64];
        let (page, offset, word, bits) = self.owned(lane, address, n, "atomic")?;
        if bits & !(initial | page.marks.written[word] | page.marks.atomic[word]) != 0 {
            let what = format!("atomic on {n} bytes that nobody wrote");
            return Err(Fault::new(Kind::UninitialisedGlobal, lane, what));
        }
        let again = bits & (page.marks.written[word] | page.marks.read[word]) != 0;
        page.marks.atomic[word] |= bits;
        let data = page.data.as_mut().expect("made by `owned`");
        let place = &mut data[offset % PAGE..offset % PAGE + n];
        let mut old = [0; 8];
        old[..n].copy_from_slice(place);
        let old = u64::from_le_bytes(old);
        place.copy_from_slice(&f(old).to_le_bytes()[..n]);
        self.suspicious |= again;
        Ok(old)
    }

    /// The page of an address, with data of its own.
    #[inline(always)]
    fn owned(
        &mut self,
        lane: usize,
        address: u64,
        n: usize,
        what: &str,
    ) -> Result<(&mut Page, usize, usize, u64), Fault> {
        let (buffer, offset) = match self.memory.find(address, n) {
            Ok(found) => found,
            Err(lookup) => return Err(self.outside(lookup, lane, address, n, what)),
        };
        self.look_out(lane, address, n, what)?;
        let at = Self::page(self.table, &mut self.pages, buffer.first_page + offset / PAGE, address);
        let page = &mut self.pages[at];
        if page.data.is_none() {
            let start = offset / PAGE * PAGE;
            let end = (start + PAGE).min(buffer.data.len());
            let mut data = Box::new([0; PAGE]);
            data[..end - start].copy_from_slice(&buffer.data[start..end]);
            page.data = Some(data);
        }
        let (word, bits) = (offset / 64 % WORDS, ((1u64 << n) - 1) << (offset % 64));
        Ok((page, offset, word, bits))
    }
}

impl Drop for BlockMemory<'_> {
    fn drop(&mut self) {
        self.clear_table();
    }
}
