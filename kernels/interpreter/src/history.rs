//! Races through global memory between the threads of one block.
//!
//! Looked for in a second run of those blocks that touch a byte again: most write where they have not read.

use std::collections::BTreeMap;

use crate::finding::{Fault, Kind};
use crate::memory::{Memory, PAGE};
use crate::shadow::{Shadow, Trouble, Who};

/// The history of every page that a block touches.
pub(crate) struct Histories {
    cell: usize,
    warps: usize,
    pages: BTreeMap<usize, Shadow>,
}

/// How an access changes a history: [`Shadow::read`], [`Shadow::write`] or [`Shadow::update`].
pub(crate) type Access = fn(&mut Shadow, Who<'_>, usize, usize) -> Result<(), Trouble>;

impl Histories {
    /// `cell`: bytes of the narrowest access.
    pub(crate) fn new(cell: usize, warps: usize) -> Histories {
        Histories { cell, warps, pages: BTreeMap::new() }
    }

    /// Records an access, which must be ordered after those it meets.
    pub(crate) fn record(
        &mut self,
        memory: &Memory,
        who: Who<'_>,
        address: u64,
        n: usize,
        access: Access,
    ) -> Result<(), Fault> {
        let (page, offset) = (address as usize / PAGE, address as usize % PAGE);
        let new = || Shadow::new(PAGE, self.cell, self.warps, true);
        match access(self.pages.entry(page).or_insert_with(new), who, offset, n) {
            Err(Trouble::Race(race)) => {
                let place = memory.describe(address - offset as u64 + race.byte as u64);
                Err(Fault::new(Kind::GlobalRace, who.lane, format!("a byte {race}: {place}")))
            }
            _ => Ok(()),
        }
    }
}
