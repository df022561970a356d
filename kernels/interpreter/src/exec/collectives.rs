//! What lanes do together.

use crate::block::Resources;
use crate::finding::{Fault, Kind};
use crate::isa::{AtomicOp, Op, Row, Shuffle, Vote};
use crate::matrix;
use crate::shadow::Who;
use crate::warp::{Warp, each, put};

use super::{put_pred, read};

pub(super) fn execute(
    warp: &mut Warp,
    resources: &mut Resources<'_>,
    pc: usize,
    op: &Op,
    active: u32,
) -> Result<(), Fault> {
    match *op {
        Op::Ldmatrix { count, transposed, address, d } => {
            whole(active, "ldmatrix")?;
            let rows = &warp.narrow[address.row as usize];
            let addresses: Row = std::array::from_fn(|lane| rows[lane].wrapping_add(address.offset as u32));
            let mut out = [[0u32; 32]; 4];
            for matrix in 0..count as usize {
                let mut words = [[0u32; 4]; 8];
                for (row, words) in words.iter_mut().enumerate() {
                    let lane = 8 * matrix + row;
                    // All lanes get what one lane's address names.
                    let who = Who { warp: warp.number, lane, lanes: u32::MAX, clock: &warp.clock };
                    let bytes = resources.shared.load(who, addresses[lane], 16)?;
                    for (word, b) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                        *word = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                    }
                }
                for lane in 0..32 {
                    let (g, t) = (lane / 4, lane % 4);
                    out[matrix][lane] = if transposed {
                        let half = |row: usize| words[row][g / 2] >> (16 * (g % 2)) & 0xffff;
                        half(2 * t) | half(2 * t + 1) << 16
                    } else {
                        words[g][t]
                    };
                }
                if resources.options.count_memory {
                    resources.tally.shared_access(pc, &addresses, 0xff << (8 * matrix), 16);
                }
            }
            for matrix in 0..count as usize {
                warp.narrow[d[matrix] as usize] = out[matrix];
            }
        }
        Op::Mma { bf16, d, a, b, c } => {
            whole(active, "mma")?;
            let row = |row: u16| &warp.narrow[row as usize];
            let truncate = resources.options.truncate_mma;
            let out = matrix::multiply(resources.fast, bf16, truncate, a.map(row), b.map(row), c.map(row));
            for (row, value) in d.into_iter().zip(out) {
                warp.narrow[row as usize] = value;
            }
        }
        Op::Shuffle { mode, d, valid, a, lane, clamp, members } => {
            check_members(warp, members, active)?;
            let value = warp.narrow[a as usize];
            let (b, c) = (warp.narrow[lane as usize], warp.narrow[clamp as usize]);
            let mut out = value;
            let mut in_range = 0u32;
            for lane in each(active) {
                let (source, ok) = shuffle_source(mode, lane as u32, b[lane], c[lane]);
                if ok {
                    if active >> source & 1 == 0 {
                        let what = format!("shfl reads from lane {source}, which does not take part");
                        return Err(Fault::new(Kind::DivergentCollective, lane, what));
                    }
                    out[lane] = value[source as usize];
                    in_range |= 1 << lane;
                }
            }
            put(&mut warp.narrow[d as usize], &out, active);
            if let Some(valid) = valid {
                put_pred(warp, valid, in_range, active);
            }
        }
        Op::Vote { mode, d, p, members } => {
            check_members(warp, members, active)?;
            let votes = read(warp, p) & active;
            let answer = match mode {
                Vote::Ballot => {
                    put(&mut warp.narrow[d as usize], &[votes; 32], active);
                    return Ok(());
                }
                Vote::All => votes == active,
                Vote::Any => votes != 0,
                Vote::Uni => votes == 0 || votes == active,
            };
            put_pred(warp, d, if answer { active } else { 0 }, active);
        }
        Op::Redux { op, signed, d, a, members } => {
            check_members(warp, members, active)?;
            let values = warp.narrow[a as usize];
            let reduced = each(active).map(|lane| values[lane]).reduce(|x, y| match (op, signed) {
                (AtomicOp::Add, _) => x.wrapping_add(y),
                (AtomicOp::And, _) => x & y,
                (AtomicOp::Or, _) => x | y,
                (AtomicOp::Xor, _) => x ^ y,
                (AtomicOp::Min, false) => x.min(y),
                (AtomicOp::Max, false) => x.max(y),
                (AtomicOp::Min, true) => (x as i32).min(y as i32) as u32,
                (_, _) => (x as i32).max(y as i32) as u32,
            });
            put(&mut warp.narrow[d as usize], &[reduced.unwrap_or(0); 32], active);
        }
        Op::Activemask { d } => put(&mut warp.narrow[d as usize], &[active; 32], active),
        Op::Elect { d, p, members } => {
            check_members(warp, members, active)?;
            put(&mut warp.narrow[d as usize], &[active.trailing_zeros(); 32], active);
            put_pred(warp, p, active & active.wrapping_neg(), active);
        }
        Op::WarpBarrier { members } => {
            let wanted = check_members(warp, members, active)?;
            // Orders the lanes of the warp, if all of them are members.
            if wanted & warp.live == warp.live {
                warp.clock[warp.number] += 1;
            }
        }
        _ => unreachable!("not a collective"),
    }
    Ok(())
}

fn whole(active: u32, what: &str) -> Result<(), Fault> {
    if active == u32::MAX {
        return Ok(());
    }
    let what = format!("{what} needs 32 lanes; {active:#010x} execute it");
    Err(Fault::new(Kind::DivergentCollective, active.trailing_zeros() as usize, what))
}

/// All active lanes name one member mask, and all its lanes that live are here.
fn check_members(warp: &Warp, members: u16, active: u32) -> Result<u32, Fault> {
    let masks = &warp.narrow[members as usize];
    let lane = active.trailing_zeros() as usize;
    let mask = masks[lane];
    if let Some(other) = each(active).find(|&other| masks[other] != mask) {
        let what = format!("member mask {:#010x} here and {mask:#010x} in lane {lane}", masks[other]);
        return Err(Fault::new(Kind::DivergentCollective, other, what));
    }
    if mask & warp.live != active {
        let what = format!("the member mask is {mask:#010x}, and lanes {active:#010x} execute this");
        return Err(Fault::new(Kind::DivergentCollective, lane, what));
    }
    Ok(mask)
}

/// The lane a shuffle reads from, and whether it is in range. Source: PTX ISA, `shfl.sync`.
fn shuffle_source(mode: Shuffle, lane: u32, b: u32, c: u32) -> (u32, bool) {
    let (by, clamp, segment) = (b & 31, c & 31, c >> 8 & 31);
    let highest = lane & segment | clamp & !segment;
    match mode {
        Shuffle::Up => (lane.wrapping_sub(by) & 31, lane as i32 - by as i32 >= highest as i32),
        Shuffle::Down => ((lane + by) & 31, lane + by <= highest),
        Shuffle::Bfly => (lane ^ by, lane ^ by <= highest),
        Shuffle::Idx => {
            let source = lane & segment | by & !segment;
            (source, source <= highest)
        }
    }
}
