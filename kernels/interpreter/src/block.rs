//! Runs one block: warps in random order and for random numbers of instructions, barriers between them.

use crate::barrier::{Arrival, Barriers};
use crate::counters::Tally;
use crate::exec;
use crate::finding::{Fault, Finding, Kind};
use crate::isa::{Collective, Op};
use crate::launch::Options;
use crate::overlay::BlockMemory;
use crate::parse::Kernel;
use crate::random::Random;
use crate::shared::Shared;
use crate::warp::{Geometry, Group, Warp};

/// What the warps of a block share.
pub(crate) struct Resources<'a> {
    pub kernel: &'a Kernel,
    pub options: &'a Options,
    pub params: &'a [u8],
    pub global: BlockMemory<'a>,
    pub shared: Shared,
    pub tally: Tally,
    pub fast: bool,
}

pub(crate) struct Block<'a> {
    pub resources: Resources<'a>,
    geometry: Geometry,
    warps: Vec<Warp>,
    barriers: Barriers,
    left: u64,
}

/// What became of a warp's turn.
enum Turn {
    Ran,
    Blocked,
}

impl<'a> Block<'a> {
    pub(crate) fn new(resources: Resources<'a>, geometry: Geometry) -> Block<'a> {
        let warps = (0..geometry.warps()).map(|w| Warp::new(resources.kernel, &geometry, w)).collect();
        let left = resources.options.max_instructions_per_block;
        Block { resources, geometry, warps, barriers: Barriers::default(), left }
    }

    /// Runs until every thread has exited.
    pub(crate) fn run(&mut self, mut random: Random) -> Result<(), Finding> {
        let mut order: Vec<usize> = (0..self.warps.len()).collect();
        loop {
            for i in (1..order.len()).rev() {
                order.swap(i, random.below(i as u64 + 1) as usize);
            }
            let mut progress = false;
            for &w in &order {
                // Short turns let warps meet within a few instructions, long ones let one run far ahead.
                let longest = 2 << random.below(8);
                let slice = 1 + random.below(longest);
                for _ in 0..slice {
                    match self.step(w)? {
                        Turn::Ran => progress = true,
                        Turn::Blocked => break,
                    }
                }
            }
            if self.warps.iter().all(Warp::done) {
                break;
            }
            if !progress {
                return Err(self.stuck());
            }
        }
        for warp in &self.warps {
            if let Some(copy) = warp.copies.first() {
                let what = "a cp.async was issued and never waited for".to_owned();
                let fault = Fault::new(Kind::AsyncCopy, copy.lane.into(), what);
                return Err(self.finding(warp.number, self.resources.kernel.code.len() - 1, fault));
            }
        }
        Ok(())
    }

    fn finding(&self, warp: usize, pc: usize, fault: Fault) -> Finding {
        let info = *fault.0;
        Finding {
            kind: info.kind,
            kernel: self.resources.kernel.name.clone(),
            line: self.resources.kernel.code[pc].line,
            block: self.geometry.index,
            warp: warp as u32,
            lane: info.lane,
            what: info.what,
        }
    }

    fn line(&self, pc: u32) -> u32 {
        self.resources.kernel.code[pc as usize].line
    }

    /// Nothing can run: why.
    fn stuck(&self) -> Finding {
        let exited: u32 = self.warps.iter().map(|w| (w.lanes & !w.live).count_ones()).sum();
        let mut waits: Vec<String> = Vec::new();
        let mut first = None;
        for warp in self.warps.iter().filter(|w| !w.done()) {
            if let Some((id, pc)) = warp.barrier {
                first.get_or_insert((warp.number, pc));
                waits.push(format!("warp {} at barrier {id} (line {})", warp.number, self.line(pc)));
            }
        }
        let (warp, pc) = first.unwrap_or((0, 0));
        waits.truncate(4);
        let (kind, why) = match exited {
            0 => (Kind::Deadlock, String::new()),
            n => (Kind::ExitWithoutBarrier, format!("{n} threads exited without arriving: ")),
        };
        self.finding(warp, pc as usize, Fault::new(kind, 0, format!("{why}{}", waits.join(", "))))
    }

    /// One instruction of one warp.
    #[inline]
    fn step(&mut self, w: usize) -> Result<Turn, Finding> {
        let warp = &mut self.warps[w];
        if warp.barrier.is_some() || warp.done() {
            return Ok(Turn::Blocked);
        }
        let chosen =
            if warp.groups.len() == 1 && warp.groups[0].lanes == u32::MAX { 0 } else { self.choose(w)? };
        let warp = &mut self.warps[w];
        let Group { pc, lanes } = warp.groups[chosen];
        let instr = &self.resources.kernel.code[pc as usize];
        let mut active = lanes;
        if let Some(guard) = instr.guard {
            let undefined = lanes & !warp.defined[instr.reads[0] as usize];
            if undefined != 0 {
                let fault = uninitialised(self.resources.kernel, instr.reads[0], undefined);
                return Err(self.finding(w, pc as usize, fault));
            }
            let set = warp.pred[guard.row as usize];
            active &= if guard.negate { !set } else { set };
        }
        self.resources.tally.executed[pc as usize] += 1;
        self.left -= 1;
        if self.left == 0 {
            let fault =
                Fault::new(Kind::EndlessLoop, 0, "the limit of instructions is reached here".to_owned());
            return Err(self.finding(w, pc as usize, fault));
        }
        for &slot in &instr.reads {
            let undefined = active & !warp.defined[slot as usize];
            if undefined != 0 {
                let fault = uninitialised(self.resources.kernel, slot, undefined);
                return Err(self.finding(w, pc as usize, fault));
            }
        }
        match instr.op {
            Op::Branch { target } => {
                if active == lanes {
                    warp.groups[chosen].pc = target;
                } else if active == 0 {
                    warp.groups[chosen].pc = pc + 1;
                } else {
                    warp.groups[chosen] = Group { pc: pc + 1, lanes: lanes & !active };
                    warp.groups.push(Group { pc: target, lanes: active });
                }
            }
            Op::Exit => {
                warp.live &= !active;
                warp.groups[chosen] = Group { pc: pc + 1, lanes: lanes & !active };
                if lanes == active {
                    warp.groups.swap_remove(chosen);
                }
            }
            Op::Barrier { id, threads, arrive } => {
                warp.groups[chosen].pc = pc + 1;
                if active != 0 {
                    let lane = active.trailing_zeros() as usize;
                    let value = |row: u16| warp.narrow[row as usize][lane];
                    let all = self.geometry.threads();
                    let (id, expected) = (value(id), threads.map_or(all, value));
                    if threads.is_some() && (expected % 32 != 0 || expected == 0) {
                        let what = format!("barrier for {expected} threads: no multiple of 32");
                        return Err(self.finding(w, pc as usize, Fault::new(Kind::Launch, lane, what)));
                    }
                    let arrival = Arrival { warp: w, lanes: active, pc, id, expected, passes: arrive };
                    self.barriers
                        .arrive(&mut self.warps, &arrival)
                        .map_err(|fault| self.finding(w, pc as usize, fault))?;
                }
            }
            _ => {
                warp.groups[chosen].pc = pc + 1;
                if active != 0 {
                    if let Err(fault) =
                        exec::execute(warp, &mut self.resources, pc as usize, &instr.op, active)
                    {
                        return Err(self.finding(w, pc as usize, fault));
                    }
                    let warp = &mut self.warps[w];
                    for &slot in &instr.writes {
                        warp.defined[slot as usize] |= active;
                    }
                }
            }
        }
        Ok(Turn::Ran)
    }

    /// The group whose turn it is: the lowest that does not have to wait for other lanes of the warp.
    #[cold]
    fn choose(&mut self, w: usize) -> Result<usize, Finding> {
        self.warps[w].regroup();
        let warp = &self.warps[w];
        for (at, group) in warp.groups.iter().enumerate() {
            let instr = &self.resources.kernel.code[group.pc as usize];
            let wanted = match instr.op.collective() {
                Collective::No => return Ok(at),
                Collective::Aligned => warp.live,
                Collective::Members(row) => {
                    let masks = warp.narrow[row as usize];
                    masks[group.lanes.trailing_zeros() as usize] & warp.live
                }
            };
            let set = instr.guard.map_or(u32::MAX, |guard| {
                let set = warp.pred[guard.row as usize];
                if guard.negate { !set } else { set }
            });
            if group.lanes & set == 0 || wanted & !group.lanes == 0 {
                return Ok(at);
            }
        }
        let group = warp.groups[0];
        let lane = group.lanes.trailing_zeros() as usize;
        let others: Vec<String> =
            warp.groups[1..].iter().map(|g| format!("line {}", self.line(g.pc))).collect();
        let exited = warp.lanes & !warp.live;
        let mut what = format!("lanes {:#010x} wait here", group.lanes);
        if !others.is_empty() {
            what += &format!(" for lanes that wait at {}", others.join(", "));
        }
        if exited != 0 {
            what += &format!("; lanes {exited:#010x} have exited");
        }
        Err(self.finding(w, group.pc as usize, Fault::new(Kind::DivergentCollective, lane, what)))
    }
}

#[cold]
fn uninitialised(kernel: &Kernel, slot: u16, lanes: u32) -> Fault {
    let what = format!("register {} is read before it was written", kernel.register_names[slot as usize]);
    Fault::new(Kind::UninitialisedRegister, lanes.trailing_zeros() as usize, what)
}
