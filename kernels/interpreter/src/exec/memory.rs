//! Loads, stores and atomics.

use crate::block::Resources;
use crate::finding::{Fault, Kind};
use crate::isa::{Address, AtomicOp, Elements, Row, Space, Type, WideRow};
use crate::shadow::Who;
use crate::warp::{Warp, each};

/// Puts one access's bytes into the lane's registers.
#[inline(always)]
fn scatter(warp: &mut Warp, elements: &Elements, lane: usize, bytes: &[u8]) {
    let rows = &elements.rows[..elements.count as usize];
    match elements.bytes {
        4 => {
            for (row, b) in rows.iter().zip(bytes.chunks_exact(4)) {
                warp.narrow[*row as usize][lane] = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
        }
        8 => {
            for (row, b) in rows.iter().zip(bytes.chunks_exact(8)) {
                warp.wide[*row as usize][lane] = u64::from_le_bytes(b.try_into().expect("eight bytes"));
            }
        }
        2 => {
            for (row, b) in rows.iter().zip(bytes.chunks_exact(2)) {
                let value = u16::from_le_bytes([b[0], b[1]]);
                let value = if elements.signed { value as i16 as u32 } else { value.into() };
                warp.narrow[*row as usize][lane] = value;
            }
        }
        _ => {
            for (row, b) in rows.iter().zip(bytes) {
                let value = if elements.signed { *b as i8 as u32 } else { (*b).into() };
                warp.narrow[*row as usize][lane] = value;
            }
        }
    }
}

#[inline(always)]
fn gather(warp: &Warp, elements: &Elements, lane: usize, bytes: &mut [u8; 16]) {
    let size = elements.bytes as usize;
    for (at, row) in elements.rows[..elements.count as usize].iter().enumerate() {
        if elements.wide {
            bytes[8 * at..8 * at + 8].copy_from_slice(&warp.wide[*row as usize][lane].to_le_bytes());
        } else {
            let value = warp.narrow[*row as usize][lane].to_le_bytes();
            bytes[size * at..size * at + size].copy_from_slice(&value[..size]);
        }
    }
}

pub(super) fn load_param(
    warp: &mut Warp,
    resources: &Resources<'_>,
    offset: u32,
    elements: &Elements,
    active: u32,
) {
    let bytes = &resources.params[offset as usize..][..elements.bytes as usize];
    for lane in each(active) {
        scatter(warp, elements, lane, bytes);
    }
}

#[inline(always)]
pub(super) fn global_addresses(warp: &Warp, address: &Address) -> WideRow {
    let base = &warp.wide[address.row as usize];
    std::array::from_fn(|lane| base[lane].wrapping_add(address.offset as u64))
}

#[inline(always)]
pub(super) fn shared_addresses(warp: &Warp, address: &Address) -> Row {
    let base = &warp.narrow[address.row as usize];
    std::array::from_fn(|lane| base[lane].wrapping_add(address.offset as u32))
}

#[inline(always)]
pub(super) fn aligned(resources: &Resources<'_>, lane: usize, address: u64, n: usize) -> Result<(), Fault> {
    if address & (n as u64 - 1) == 0 {
        return Ok(());
    }
    let what = format!("access of {n} bytes: {}", resources.global.memory().describe(address));
    Err(Fault::new(Kind::Misaligned, lane, what))
}

pub(super) fn load(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    pc: usize,
    address: &Address,
    elements: &Elements,
    read_only: bool,
    active: u32,
) -> Result<(), Fault> {
    let n = elements.bytes as usize * elements.count as usize;
    match address.space {
        Space::Global => {
            let addresses = global_addresses(warp, address);
            for lane in each(active) {
                aligned(resources, lane, addresses[lane], n)?;
                let who = Who::one(warp.number, lane, &warp.clock);
                let bytes = resources.global.load(who, addresses[lane], n, read_only)?;
                scatter(warp, elements, lane, bytes);
            }
            if resources.options.count_memory {
                resources.tally.global_access(&addresses, active, n as u64);
            }
        }
        Space::Shared => {
            let addresses = shared_addresses(warp, address);
            let (number, lowest) = (warp.number, active.trailing_zeros() as usize);
            let uniform = each(active).all(|lane| addresses[lane] == addresses[lowest]);
            let mut bytes = [0; 16];
            if uniform {
                let who = Who { warp: number, lane: lowest, lanes: active, clock: &warp.clock };
                bytes[..n].copy_from_slice(resources.shared.load(who, addresses[lowest], n)?);
            }
            for lane in each(active) {
                if !uniform {
                    let who = Who::one(number, lane, &warp.clock);
                    bytes[..n].copy_from_slice(resources.shared.load(who, addresses[lane], n)?);
                }
                scatter(warp, elements, lane, &bytes[..n]);
            }
            if resources.options.count_memory {
                resources.tally.shared_access(pc, &addresses, active, n as u32);
            }
        }
    }
    Ok(())
}

pub(super) fn store(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    pc: usize,
    address: &Address,
    elements: &Elements,
    active: u32,
) -> Result<(), Fault> {
    let n = elements.bytes as usize * elements.count as usize;
    let mut bytes = [0; 16];
    match address.space {
        Space::Global => {
            let addresses = global_addresses(warp, address);
            for lane in each(active) {
                aligned(resources, lane, addresses[lane], n)?;
                gather(warp, elements, lane, &mut bytes);
                let who = Who::one(warp.number, lane, &warp.clock);
                resources.global.store(who, addresses[lane], &bytes[..n])?;
            }
            if resources.options.count_memory {
                resources.tally.global_access(&addresses, active, n as u64);
            }
        }
        Space::Shared => {
            let addresses = shared_addresses(warp, address);
            for lane in each(active) {
                gather(warp, elements, lane, &mut bytes);
                let who = Who::one(warp.number, lane, &warp.clock);
                resources.shared.store(who, addresses[lane], &bytes[..n])?;
            }
            if resources.options.count_memory {
                resources.tally.shared_access(pc, &addresses, active, n as u32);
            }
        }
    }
    Ok(())
}

pub(super) fn atomic(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    op: AtomicOp,
    ty: Type,
    address: &Address,
    (d, a, b): (Option<u16>, u16, u16),
    active: u32,
) -> Result<(), Fault> {
    let n = ty.bytes();
    let wide = n == 8;
    for lane in each(active) {
        let operand = |warp: &Warp, row: u16| {
            if wide { warp.wide[row as usize][lane] } else { warp.narrow[row as usize][lane].into() }
        };
        let (x, y) = (operand(warp, a), operand(warp, b));
        let change = |old| combine(op, ty, old, x, y);
        let who = Who::one(warp.number, lane, &warp.clock);
        let old = match address.space {
            Space::Global => {
                let at = global_addresses(warp, address)[lane];
                aligned(resources, lane, at, n)?;
                resources.global.update(who, at, n, change)?
            }
            Space::Shared => {
                let at = shared_addresses(warp, address)[lane];
                resources.shared.update(who, at, n, change)?
            }
        };
        match d {
            Some(row) if wide => warp.wide[row as usize][lane] = old,
            Some(row) => warp.narrow[row as usize][lane] = old as u32,
            None => {}
        }
    }
    Ok(())
}

/// The new value of an atomic; for `cas`, `a` is compared and `b` put.
fn combine(op: AtomicOp, ty: Type, old: u64, a: u64, b: u64) -> u64 {
    let signed = |x: u64| if ty.bits() == 64 { x as i64 } else { i64::from(x as u32 as i32) };
    match op {
        AtomicOp::Add => old.wrapping_add(a),
        AtomicOp::And => old & a,
        AtomicOp::Or => old | a,
        AtomicOp::Xor => old ^ a,
        AtomicOp::Exch => a,
        AtomicOp::Cas => {
            if old == a {
                b
            } else {
                old
            }
        }
        AtomicOp::Inc => {
            if old >= a {
                0
            } else {
                old + 1
            }
        }
        AtomicOp::Dec => {
            if old == 0 || old > a {
                a
            } else {
                old - 1
            }
        }
        AtomicOp::Min if ty.signed() => signed(old).min(signed(a)) as u64,
        AtomicOp::Max if ty.signed() => signed(old).max(signed(a)) as u64,
        AtomicOp::Min => old.min(a),
        AtomicOp::Max => old.max(a),
    }
}
