//! Connected processes: rank 0 gives orders, the others follow and report.

use super::rendezvous::{gather, join};
use super::wire::{Wire, wrong};
use super::world::World;
use crate::model::peers::Peers;
use crate::stage::{Interrupt, Kind};
use crate::train::Model;
use anyhow::Context as _;
use std::io;
use std::sync::{Mutex, MutexGuard};

/// Tensors of a model, at most.
const MOST_TENSORS: u64 = 1 << 16;

/// What rank 0 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Compute your lanes of this step.
    Step(u64),
    /// Compute your cells of a validation.
    Validate,
    /// The run is over; why, if it stopped early.
    End(Option<Kind>),
}

/// The processes of a run.
pub struct Team {
    world: World,
    /// In rank 0: ranks 1, 2, …; in another: rank 0.
    wires: Vec<Mutex<Wire>>,
    interrupt: Interrupt,
    /// Step whose weights the others have.
    sent: Mutex<Option<u64>>,
}

impl Team {
    /// Meets the others. `identity`: what must agree between them, the configuration and the digests of inputs.
    ///
    /// Errors: 74 if not all come within ten minutes, naming those missing; 64 if a rank runs with other flags.
    pub fn meet(world: World, identity: &str, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let identity = blake3::hash(identity.as_bytes()).to_hex().to_string();
        let wires = match world.rank {
            0 => gather(&world, &identity, interrupt)?,
            _ => vec![Mutex::new(join(&world, &identity, interrupt)?)],
        };
        tracing::info!("rank {} of {}, rank 0 at {}", world.rank, world.size, world.master);
        Ok(Self { world, wires, interrupt: interrupt.clone(), sent: Mutex::new(None) })
    }

    /// Does this process lead?
    pub fn leads(&self) -> bool {
        self.world.rank == 0
    }

    fn wire(&self, rank: usize) -> MutexGuard<'_, Wire> {
        let at = if self.leads() { rank - 1 } else { 0 };
        self.wires[at].lock().expect("no thread panics with a connection")
    }

    /// Rank 0: tells all the others, with the weights of `step` unless they have those.
    pub fn order(&self, order: Order, weights: Option<(&Model, u64)>) -> anyhow::Result<()> {
        let mut sent = self.sent.lock().expect("no thread panics with a number");
        let weights = weights.filter(|&(_, step)| *sent != Some(step));
        for rank in 1..self.world.size {
            tell(&mut self.wire(rank), order, weights.map(|(model, _)| model))
                .with_context(|| format!("rank {rank} of {} is gone", self.world.size))?;
        }
        if let Some((_, step)) = weights {
            *sent = Some(step);
        }
        Ok(())
    }

    /// Another rank: the next order, and whether `model` got new weights with it.
    pub fn follow(&self, model: &mut Model) -> anyhow::Result<(Order, bool)> {
        let mut wire = self.wire(0);
        heed(&mut wire, model).context("rank 0 is gone")
    }

    /// The same answer in every rank: that of rank 0. For questions that every rank asks at the same place.
    pub fn agree(&self, own: Option<Kind>) -> Option<Kind> {
        let exchange = |wire: &mut Wire| match self.leads() {
            true => put_kind(wire, own).and_then(|()| wire.flush()).map(|()| own),
            false => get_kind(wire),
        };
        let mut answer = own;
        for rank in 1..=self.wires.len() {
            // A connection that is broken shows again where work crosses it.
            answer = exchange(&mut self.wire(rank)).unwrap_or(Some(Kind::Io));
        }
        if self.leads() { own } else { answer }
    }
}

impl Peers for Team {
    fn rank(&self) -> usize {
        self.world.rank
    }

    fn n_ranks(&self) -> usize {
        self.world.size
    }

    fn give(&self, results: &[Vec<f64>], gradient: &[Vec<f32>]) -> io::Result<()> {
        let mut wire = self.wire(0);
        // A signal that reached this rank stops the run.
        put_kind(&mut wire, self.interrupt.reason().filter(|kind| matches!(kind, Kind::Signal(_))))?;
        wire.put_f64(results)?;
        wire.put(gradient.len() as u64)?;
        gradient.iter().try_for_each(|tensor| wire.put_f32(tensor))?;
        wire.flush()
    }

    fn take(&self, rank: usize) -> io::Result<(Vec<Vec<f64>>, Vec<Vec<f32>>)> {
        let mut wire = self.wire(rank);
        let mut receive = || {
            if let Some(Kind::Signal(signal)) = get_kind(&mut wire)? {
                self.interrupt.ask(signal);
            }
            let results = wire.get_f64()?;
            let n_tensors = wire.length(MOST_TENSORS)?;
            Ok((results, (0..n_tensors).map(|_| wire.get_f32()).collect::<io::Result<_>>()?))
        };
        receive().map_err(|error: io::Error| {
            io::Error::new(error.kind(), format!("rank {rank} of {} is gone: {error}", self.world.size))
        })
    }
}

fn tell(wire: &mut Wire, order: Order, weights: Option<&Model>) -> io::Result<()> {
    let tensors = weights.map_or_else(Vec::new, |model| model.params());
    wire.put(tensors.len() as u64)?;
    tensors.iter().try_for_each(|(_, tensor)| wire.put_f32(tensor.as_slice()))?;
    match order {
        Order::Step(step) => [0, step].iter().try_for_each(|&n| wire.put(n))?,
        Order::Validate => wire.put(1)?,
        Order::End(kind) => {
            wire.put(2)?;
            put_kind(wire, kind)?;
        }
    }
    wire.flush()
}

fn heed(wire: &mut Wire, model: &mut Model) -> io::Result<(Order, bool)> {
    let n_tensors = wire.length(MOST_TENSORS)?;
    if n_tensors > 0 {
        let mut tensors = model.params_mut();
        if tensors.len() != n_tensors {
            return Err(wrong());
        }
        for (_, tensor) in &mut tensors {
            let values = wire.get_f32()?;
            if values.len() != tensor.n_elements() {
                return Err(wrong());
            }
            tensor.as_mut_slice().copy_from_slice(&values);
        }
    }
    let order = match wire.get()? {
        0 => Order::Step(wire.get()?),
        1 => Order::Validate,
        2 => Order::End(get_kind(wire)?),
        _ => return Err(wrong()),
    };
    Ok((order, n_tensors > 0))
}

/// 0: none, 1: walltime, 2: anything that went wrong, from 1,000 on: a signal.
fn put_kind(wire: &mut Wire, kind: Option<Kind>) -> io::Result<()> {
    wire.put(match kind {
        None => 0,
        Some(Kind::Walltime) => 1,
        Some(Kind::Signal(signal)) => 1_000 + signal as u64,
        Some(_) => 2,
    })
}

fn get_kind(wire: &mut Wire) -> io::Result<Option<Kind>> {
    Ok(match wire.get()? {
        0 => None,
        1 => Some(Kind::Walltime),
        signal @ 1_000..2_000 => Some(Kind::Signal((signal - 1_000) as i32)),
        _ => Some(Kind::Io),
    })
}
