//! How the processes of a run find each other: rank 0 listens, the others knock until it does.

use super::wire::{Wire, wrong};
use super::world::World;
use crate::stage::{Interrupt, Kind, UserError};
use anyhow::Context as _;
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// First word of every connection.
const GREETING: u64 = u64::from_le_bytes(*b"panfoma1");
/// How long ranks wait for each other at the start: array jobs and containers begin at different times.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// What a rank says of its flags and inputs: a BLAKE3.
const IDENTITY_BYTES: u64 = 64;

/// Rank 0: waits for all the others.
pub fn gather(world: &World, identity: &str, interrupt: &Interrupt) -> anyhow::Result<Vec<Mutex<Wire>>> {
    let listener = TcpListener::bind(&world.master).map_err(|error| {
        UserError::new(Kind::Io, format!("rank 0 cannot listen at {}: {error}", world.master))
            .hint("pass another `--master HOST:PORT` to every rank, or set MASTER_ADDR and MASTER_PORT")
    })?;
    listener.set_nonblocking(true)?;
    let mut wires: Vec<Option<Wire>> = (1..world.size).map(|_| None).collect();
    let deadline = Instant::now() + PATIENCE;
    while wires.iter().any(Option::is_none) {
        interrupt.check()?;
        match listener.accept() {
            Ok((stream, from)) => {
                stream.set_nonblocking(false)?;
                match welcome(stream, world, identity) {
                    Ok((rank, wire)) if wires[rank - 1].is_none() => wires[rank - 1] = Some(wire),
                    Ok((rank, _)) => tracing::warn!("a second rank {rank} at {from} was turned away"),
                    Err(Refused::Other) => tracing::warn!("{from} is no rank of this run"),
                    Err(Refused::Flags(rank)) => return Err(differs(rank, world).into()),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
        if Instant::now() > deadline {
            let missing = wires.iter().zip(1..).filter(|(wire, _)| wire.is_none());
            let missing: Vec<String> = missing.map(|(_, rank)| rank.to_string()).collect();
            let what = format!("rank {} of {} did not come", missing.join(", "), world.size);
            return Err(UserError::new(Kind::Io, what)
                .hint(format!("can every node reach {}?", world.master))
                .into());
        }
    }
    Ok(wires.into_iter().flatten().map(Mutex::new).collect())
}

/// Why a connection is not taken.
enum Refused {
    /// A rank of another size or with another configuration.
    Flags(usize),
    /// Something else speaks here.
    Other,
}

fn welcome(stream: TcpStream, world: &World, identity: &str) -> Result<(usize, Wire), Refused> {
    let greet = || -> io::Result<(usize, Wire, bool)> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut wire = Wire::new(stream.try_clone()?)?;
        if wire.get()? != GREETING {
            return Err(wrong());
        }
        let (rank, size) = (wire.get()? as usize, wire.get()? as usize);
        let same = wire.get_text(IDENTITY_BYTES)? == identity && size == world.size;
        wire.put(u64::from(same))?;
        wire.flush()?;
        stream.set_read_timeout(None)?;
        if rank == 0 || rank >= world.size.max(size) {
            return Err(wrong());
        }
        Ok((rank, wire, same))
    };
    match greet() {
        Ok((rank, wire, true)) => Ok((rank, wire)),
        Ok((rank, _, false)) => Err(Refused::Flags(rank)),
        Err(_) => Err(Refused::Other),
    }
}

/// Another rank: finds rank 0, which may begin later.
pub fn join(world: &World, identity: &str, interrupt: &Interrupt) -> anyhow::Result<Wire> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        interrupt.check()?;
        let addresses = world.master.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        match addresses.and_then(|addresses| TcpStream::connect(&addresses[..])) {
            Ok(stream) => {
                let greet = || {
                    let mut wire = Wire::new(stream.try_clone()?)?;
                    [GREETING, world.rank as u64, world.size as u64].iter().try_for_each(|&n| wire.put(n))?;
                    wire.put_text(identity)?;
                    wire.flush()?;
                    Ok((wire.get()? == 1, wire))
                };
                return match greet() {
                    Ok((true, wire)) => Ok(wire),
                    Ok((false, _)) => Err(differs(world.rank, world).into()),
                    Err(error) => {
                        let error: io::Error = error;
                        Err(error).with_context(|| format!("rank 0 at {} did not answer", world.master))
                    }
                };
            }
            Err(error) if Instant::now() > deadline => {
                return Err(UserError::new(
                    Kind::Io,
                    format!("rank {} cannot reach rank 0 at {}: {error}", world.rank, world.master),
                )
                .hint(
                    "does rank 0 run, and can this node reach it? `--master HOST:PORT` names another address",
                )
                .into());
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

fn differs(rank: usize, world: &World) -> UserError {
    UserError::usage(format!(
        "rank {rank} of {} runs with other flags, inputs or version than rank 0",
        world.size
    ))
    .hint("start every rank with the same command")
}
