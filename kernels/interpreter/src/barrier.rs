//! `bar.sync` and `bar.arrive`: who waits, and what those who go on know of each other.

use crate::finding::{Fault, Kind};
use crate::shadow::Clock;
use crate::warp::Warp;

/// The barriers of a block that somebody has come to.
#[derive(Default)]
pub(crate) struct Barriers {
    open: Vec<Barrier>,
}

struct Barrier {
    id: u32,
    expected: u32,
    arrived: u32,
    /// What the arrived warps know.
    clock: Clock,
}

/// Lanes of a warp that come to a barrier.
pub(crate) struct Arrival {
    pub warp: usize,
    pub lanes: u32,
    pub pc: u32,
    pub id: u32,
    /// Threads the barrier is for.
    pub expected: u32,
    /// Goes on at once (`bar.arrive`).
    pub passes: bool,
}

impl Barriers {
    /// A warp comes to a barrier; the last one lets all go.
    pub(crate) fn arrive(&mut self, warps: &mut [Warp], arrival: &Arrival) -> Result<(), Fault> {
        let &Arrival { warp, lanes, pc, id, expected, passes } = arrival;
        let live = warps[warp].live;
        if lanes != live {
            let what = format!("lanes {lanes:#010x} of {live:#010x} come to the barrier");
            return Err(Fault::new(Kind::DivergentCollective, lanes.trailing_zeros() as usize, what));
        }
        if id > 15 {
            return Err(Fault::new(Kind::Launch, 0, format!("barrier {id}: there are 16")));
        }
        let at = self.open.iter().position(|barrier| barrier.id == id).unwrap_or_else(|| {
            self.open.push(Barrier { id, expected, arrived: 0, clock: vec![0; warps.len()] });
            self.open.len() - 1
        });
        let barrier = &mut self.open[at];
        barrier.arrived += lanes.count_ones();
        if barrier.expected != expected || barrier.arrived > expected {
            let Barrier { arrived, expected: before, .. } = *barrier;
            let what = format!("{arrived} threads at barrier {id}, awaited for {before} and for {expected}");
            return Err(Fault::new(Kind::Deadlock, 0, what));
        }
        for (joint, own) in barrier.clock.iter_mut().zip(&warps[warp].clock) {
            *joint = (*joint).max(*own);
        }
        if passes {
            warps[warp].clock[warp] += 1;
        } else {
            warps[warp].barrier = Some((id, pc));
        }
        if barrier.arrived == expected {
            let barrier = self.open.swap_remove(at);
            for warp in warps.iter_mut().filter(|warp| warp.barrier.is_some_and(|(waits, _)| waits == id)) {
                warp.barrier = None;
                warp.clock.clone_from(&barrier.clock);
                warp.clock[warp.number] += 1;
            }
        }
        Ok(())
    }
}
