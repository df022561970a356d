//! `cp.async`: bytes that land when they are waited for, as late as PTX allows.

use super::memory::{aligned, global_addresses, shared_addresses};
use crate::block::Resources;
use crate::finding::{Fault, Kind};
use crate::isa::Address;
use crate::shadow::Who;
use crate::warp::{Copy, Warp, each};

pub(super) fn copy_async(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    pc: usize,
    shared: &Address,
    global: &Address,
    bytes: u8,
    source_bytes: Option<u16>,
    active: u32,
) -> Result<(), Fault> {
    let n = bytes as usize;
    let (from, to) = (global_addresses(warp, global), shared_addresses(warp, shared));
    for lane in each(active) {
        let who = Who::one(warp.number, lane, &warp.clock);
        let used = source_bytes.map_or(n, |row| warp.narrow[row as usize][lane] as usize);
        if used > n {
            let what = format!("cp.async reads {used} bytes for a copy of {n}");
            return Err(Fault::new(Kind::OutOfBounds, lane, what));
        }
        aligned(resources, lane, from[lane], n)?;
        let mut data = [0; 16];
        if used == n {
            data[..n].copy_from_slice(resources.global.load(who, from[lane], n, false)?);
        } else if used == 0 {
            // Nothing is read, but the address should still be a legal one.
            resources.global.touch(lane, from[lane])?;
        } else {
            for byte in 0..used {
                data[byte] = resources.global.load(who, from[lane] + byte as u64, 1, false)?[0];
            }
        }
        resources.shared.begin_copy(who, to[lane], n)?;
        let group = warp.committed[lane];
        warp.copies.push(Copy { lane: lane as u8, bytes, group, shared: to[lane], data });
    }
    if resources.options.count_memory {
        resources.tally.shared_access(pc, &to, active, n as u32);
        resources.tally.global_access(&from, active, n as u64);
    }
    Ok(())
}

/// `cp.async.wait_group`: all but the last `pending` committed groups land; without a number, everything.
pub(super) fn wait(warp: &mut Warp, resources: &mut Resources<'_>, pending: Option<u32>, active: u32) {
    let (number, clock, committed) = (warp.number, &warp.clock, &warp.committed);
    warp.copies.retain(|copy| {
        let lane = copy.lane as usize;
        let lands = pending.is_none_or(|pending| copy.group + pending < committed[lane]);
        if active >> lane & 1 == 0 || !lands {
            return true;
        }
        let who = Who::one(number, lane, clock);
        resources.shared.end_copy(who, copy.shared, &copy.data[..copy.bytes as usize]);
        false
    });
}
