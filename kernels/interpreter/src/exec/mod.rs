//! Executes one instruction for the active lanes of a warp.

mod collectives;
mod copies;
mod memory;

use crate::block::Resources;
use crate::finding::{Fault, Kind};
use crate::isa::{Alu, Logic, Mufu, Op, Predicate, Row, WideAlu};
use crate::warp::{Warp, each, put};
use crate::{lanes, mufu};

#[inline]
pub(crate) fn execute(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    pc: usize,
    op: &Op,
    active: u32,
) -> Result<(), Fault> {
    let fast = resources.fast;
    match *op {
        Op::Alu { f, ftz, sat, d, s } => {
            let [a, b, c] = s.map(|row| &warp.narrow[row as usize]);
            if matches!(f, Alu::DivU | Alu::DivS | Alu::RemU | Alu::RemS) {
                refuse_zero(b, active)?;
            }
            let mut value = lanes::alu(fast, f, ftz, sat, a, b, c);
            let ulps = resources.options.mufu_ulps;
            match f {
                Alu::Approx(unit) if ulps > 0 => mufu::perturb(unit, a, &mut value, ulps),
                Alu::DivApprox if ulps > 0 => {
                    let operands = std::array::from_fn(|i| a[i] ^ b[i].rotate_left(9));
                    mufu::perturb(Mufu::Rcp, &operands, &mut value, ulps);
                }
                _ => {}
            }
            put(&mut warp.narrow[d as usize], &value, active);
        }
        Op::Alu16 { f, signed, d, s } => {
            let s = s.map(|row| warp.narrow[row as usize].map(|x| lanes::extend(x, 16, signed)));
            let shift = matches!(f, Alu::Shl | Alu::ShrU | Alu::ShrS);
            let amount = if shift { warp.narrow[op_source(op, 1)] } else { s[1] };
            if matches!(f, Alu::DivU | Alu::DivS | Alu::RemU | Alu::RemS) {
                refuse_zero(&amount, active)?;
            }
            let value = lanes::alu(fast, f, false, false, &s[0], &amount, &s[2]).map(|x| x & 0xffff);
            put(&mut warp.narrow[d as usize], &value, active);
        }
        Op::Wide { f, d, s } => {
            let [a, b, c] = s.map(|row| &warp.wide[row as usize]);
            let divides = matches!(f, WideAlu::DivU | WideAlu::DivS | WideAlu::RemU | WideAlu::RemS);
            if divides && let Some(lane) = each(active).find(|&lane| b[lane] == 0) {
                return Err(division(lane));
            }
            let value = lanes::wide(fast, f, a, b, c);
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::WideShift { left, signed, d, a, amount } => {
            let (a, n) = (warp.wide[a as usize], warp.narrow[amount as usize]);
            let value = std::array::from_fn(|i| match (left, signed) {
                (true, _) => a[i].checked_shl(n[i]).unwrap_or(0),
                (false, false) => a[i].checked_shr(n[i]).unwrap_or(0),
                (false, true) => (a[i] as i64 >> n[i].min(63)) as u64,
            });
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::MulWide { signed, d, a, b } => {
            let (a, b) = (&warp.narrow[a as usize], &warp.narrow[b as usize]);
            let value = std::array::from_fn(|i| product(signed, a[i], b[i]));
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::MadWide { signed, d, a, b, c } => {
            let (a, b, c) = (&warp.narrow[a as usize], &warp.narrow[b as usize], &warp.wide[c as usize]);
            let value = std::array::from_fn(|i| product(signed, a[i], b[i]).wrapping_add(c[i]));
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::MulWide16 { signed, d, a, b, add } => {
            let (a, b) = (warp.narrow[a as usize], warp.narrow[b as usize]);
            let c = add.map_or([0; 32], |row| warp.narrow[row as usize]);
            let value = std::array::from_fn(|i| {
                lanes::extend(a[i], 16, signed)
                    .wrapping_mul(lanes::extend(b[i], 16, signed))
                    .wrapping_add(c[i])
            });
            put(&mut warp.narrow[d as usize], &value, active);
        }
        Op::Widen { f, d, a } => {
            let value = lanes::widen(f, &warp.narrow[a as usize]);
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::Narrow { f, d, a } => {
            let value = lanes::narrow(f, &warp.wide[a as usize]);
            put(&mut warp.narrow[d as usize], &value, active);
        }
        Op::PackWide { d, low, high } => {
            let (low, high) = (&warp.narrow[low as usize], &warp.narrow[high as usize]);
            let value = std::array::from_fn(|i| u64::from(high[i]) << 32 | u64::from(low[i]));
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::UnpackWide { low, high, a } => {
            let a = warp.wide[a as usize];
            put(&mut warp.narrow[low as usize], &a.map(|x| x as u32), active);
            put(&mut warp.narrow[high as usize], &a.map(|x| (x >> 32) as u32), active);
        }
        Op::UnpackHalves { low, high, a } => {
            let a = warp.narrow[a as usize];
            put(&mut warp.narrow[low as usize], &a.map(|x| x & 0xffff), active);
            put(&mut warp.narrow[high as usize], &a.map(|x| x >> 16), active);
        }
        Op::Setp { compare, ty, ftz, d, complement, a, b, combine } => {
            let holds = if ty.bits() == 64 {
                lanes::compare_wide(compare, ty, &warp.wide[a as usize], &warp.wide[b as usize])
            } else {
                lanes::compare(fast, compare, ty, ftz, &warp.narrow[a as usize], &warp.narrow[b as usize])
            };
            let with = |holds: u32| combine.map_or(holds, |(f, p)| logic(f, holds, read(warp, p)));
            let (value, other) = (with(holds), with(!holds));
            put_pred(warp, d, value, active);
            if let Some(complement) = complement {
                put_pred(warp, complement, other, active);
            }
        }
        Op::PredLogic { f, d, a, b } => {
            let value = logic(f, read(warp, a), read(warp, b));
            put_pred(warp, d, value, active);
        }
        Op::Selp { d, a, b, p } => {
            let p = read(warp, p);
            let (a, b) = (&warp.narrow[a as usize], &warp.narrow[b as usize]);
            let value: Row = std::array::from_fn(|i| if p >> i & 1 == 1 { a[i] } else { b[i] });
            put(&mut warp.narrow[d as usize], &value, active);
        }
        Op::SelpWide { d, a, b, p } => {
            let p = read(warp, p);
            let (a, b) = (&warp.wide[a as usize], &warp.wide[b as usize]);
            let value = std::array::from_fn(|i| if p >> i & 1 == 1 { a[i] } else { b[i] });
            put(&mut warp.wide[d as usize], &value, active);
        }
        Op::Fence => {}
        Op::Branch { .. } | Op::Exit | Op::Barrier { .. } => unreachable!("the block runs these"),
        Op::LoadParam { offset, elements } => memory::load_param(warp, resources, offset, &elements, active),
        Op::Load { address, elements, read_only } => {
            memory::load(warp, resources, pc, &address, &elements, read_only, active)?;
        }
        Op::Store { address, elements } => memory::store(warp, resources, pc, &address, &elements, active)?,
        Op::Atomic { op, ty, address, d, a, b } => {
            memory::atomic(warp, resources, op, ty, &address, (d, a, b), active)?;
        }
        Op::CopyAsync { shared, global, bytes, source_bytes } => {
            copies::copy_async(warp, resources, pc, &shared, &global, bytes, source_bytes, active)?;
        }
        Op::CopyCommit => {
            for lane in each(active) {
                warp.committed[lane] += 1;
            }
        }
        Op::CopyWait { pending } => copies::wait(warp, resources, Some(pending), active),
        Op::CopyWaitAll => copies::wait(warp, resources, None, active),
        Op::Ldmatrix { .. } | Op::Mma { .. } | Op::Shuffle { .. } | Op::Vote { .. } | Op::Redux { .. } => {
            collectives::execute(warp, resources, pc, op, active)?;
        }
        Op::Activemask { .. } | Op::Elect { .. } | Op::WarpBarrier { .. } => {
            collectives::execute(warp, resources, pc, op, active)?;
        }
    }
    Ok(())
}

fn op_source(op: &Op, at: usize) -> usize {
    match op {
        Op::Alu16 { s, .. } => s[at] as usize,
        _ => unreachable!("asked of 16-bit arithmetic only"),
    }
}

#[inline(always)]
fn product(signed: bool, a: u32, b: u32) -> u64 {
    if signed { (i64::from(a as i32) * i64::from(b as i32)) as u64 } else { u64::from(a) * u64::from(b) }
}

fn refuse_zero(divisors: &Row, active: u32) -> Result<(), Fault> {
    match each(active).find(|&lane| divisors[lane] == 0) {
        Some(lane) => Err(division(lane)),
        None => Ok(()),
    }
}

#[cold]
fn division(lane: usize) -> Fault {
    Fault::new(Kind::DivisionByZero, lane, "integer division by zero".to_owned())
}

#[inline(always)]
fn read(warp: &Warp, p: Predicate) -> u32 {
    let set = warp.pred[p.row as usize];
    if p.negate { !set } else { set }
}

#[inline(always)]
fn put_pred(warp: &mut Warp, row: u16, value: u32, active: u32) {
    let place = &mut warp.pred[row as usize];
    *place = *place & !active | value & active;
}

#[inline(always)]
fn logic(f: Logic, a: u32, b: u32) -> u32 {
    match f {
        Logic::And => a & b,
        Logic::Or => a | b,
        Logic::Xor => a ^ b,
    }
}
