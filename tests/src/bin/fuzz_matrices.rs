//! Damages good count matrices at random and reads them: a reader must refuse with exit code 65, in time and memory.

use clap::{Parser, ValueHint};
use panfoma_core::matrix::Matrix;
use panfoma_core::rng::{Philox, Stream};
use panfoma_core::stage::error::classify;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Damage count matrices at random and read them; what panics, hangs or asks for too much memory is kept
#[derive(Parser)]
#[command(name = "panfoma-fuzz-matrices", version, max_term_width = 110)]
struct CommandLine {
    /// Good inputs: files, or directories (10x, Zarr), of which one file at a time is damaged
    #[arg(short, long, num_args = 1.., required = true, value_hint = ValueHint::AnyPath)]
    input: Vec<PathBuf>,
    /// Directory for the findings
    #[arg(short, long, value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Seconds to go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of the damage
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Seconds that one reading may take
    #[arg(long, default_value_t = 30)]
    max_seconds: u64,
    /// MiB that one reading may hold at once
    #[arg(long, default_value_t = 512)]
    max_mib: usize,
}

/// Marks of HDF5's structures: damage near them does the most.
const MARKS: [&[u8]; 9] =
    [b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"BTHD", b"\x01\0\0\0"];

/// Counts the bytes that are held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    PEAK.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An input with the files it consists of, one of them to be damaged.
struct Seed {
    path: PathBuf,
    parts: Vec<(PathBuf, Vec<u8>)>,
}

fn main() -> anyhow::Result<()> {
    let line = CommandLine::parse();
    let seeds = line.input.iter().map(|path| load(path)).collect::<anyhow::Result<Vec<Seed>>>()?;
    fs::create_dir_all(&line.out)?;
    let scratch = line.out.join("case");
    let started = Instant::now();
    let (mut n_read, mut findings) = (0, BTreeMap::<String, usize>::new());
    for case in 0.. {
        if started.elapsed() > Duration::from_secs(line.seconds) {
            println!("{case} cases, {n_read} read, the others refused; findings: {findings:?}");
            break;
        }
        let mut draw = Philox::new(line.seed).stream(case, 0);
        let seed = &seeds[draw.below(seeds.len() as u32) as usize];
        let path = write_damaged(seed, &scratch, &mut draw)?;
        PEAK.store(HELD.load(Relaxed), Relaxed);
        let (before, began) = (HELD.load(Relaxed), Instant::now());
        let outcome = std::panic::catch_unwind(|| read(&path));
        let held = PEAK.load(Relaxed).saturating_sub(before) >> 20;
        let finding = match outcome {
            Err(_) => Some("panic".to_owned()),
            Ok(_) if began.elapsed() > Duration::from_secs(line.max_seconds) => Some("slow".to_owned()),
            Ok(_) if held > line.max_mib => Some("memory".to_owned()),
            Ok(Err(error)) if error.to_string().contains("cannot be decoded") => {
                Some("caught panic".to_owned())
            }
            Ok(Err(error)) if !matches!(classify(&error).0, 65 | 66) => Some(format!("{error:#}")),
            Ok(Err(_)) => None,
            Ok(Ok(())) => {
                n_read += 1;
                None
            }
        };
        if let Some(finding) = finding {
            let kept = line.out.join(format!("{}-{case}", line.seed));
            println!("{finding}: {} ({held} MiB, {:.1?})", kept.display(), began.elapsed());
            fs::rename(&scratch, &kept)?;
            *findings.entry(finding).or_default() += 1;
        }
    }
    Ok(())
}

fn load(path: &Path) -> anyhow::Result<Seed> {
    let mut parts = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(next) = open.pop() {
        if next.is_dir() {
            open.extend(
                fs::read_dir(&next)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?,
            );
        } else {
            parts.push((next.strip_prefix(path)?.to_owned(), fs::read(&next)?));
        }
    }
    parts.sort();
    Ok(Seed { path: path.to_owned(), parts })
}

/// Writes the input with one damaged file; returns its path.
fn write_damaged(seed: &Seed, scratch: &Path, draw: &mut Stream) -> anyhow::Result<PathBuf> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    let root = scratch.join(seed.path.file_name().unwrap_or("input".as_ref()));
    let spoilt = draw.below(seed.parts.len() as u32) as usize;
    for (i, (name, bytes)) in seed.parts.iter().enumerate() {
        let path = if name.as_os_str().is_empty() { root.clone() } else { root.join(name) };
        fs::create_dir_all(path.parent().unwrap_or(scratch))?;
        fs::write(path, if i == spoilt { damaged(bytes, draw) } else { bytes.clone() })?;
    }
    Ok(root)
}

/// One to six places changed; now and then the end is cut off.
fn damaged(bytes: &[u8], draw: &mut Stream) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let n = bytes.len() as u32;
    if n == 0 {
        return bytes;
    }
    for _ in 0..=draw.below(6) {
        let mut at = draw.below(n) as usize;
        if draw.below(3) > 0 {
            let mark = MARKS[draw.below(MARKS.len() as u32) as usize];
            if let Some(found) = bytes[at..].windows(mark.len()).position(|window| window == mark) {
                at = (at + found + draw.below(128) as usize).min(bytes.len() - 1);
            }
        }
        let word = (u64::from(draw.next_u32()) << 32 | u64::from(draw.next_u32())) >> draw.below(64);
        let word = word.to_le_bytes();
        let new: &[u8] = match draw.below(5) {
            0 => &[bytes[at] ^ 1 << draw.below(8)],
            1 => &[0xff],
            2 => &[0],
            3 => &[0xff; 8],
            _ => &word,
        };
        let end = (at + new.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&new[..end - at]);
    }
    if draw.below(50) == 0 {
        bytes.truncate(draw.below(n) as usize);
    }
    bytes
}

/// Reads everything.
fn read(path: &Path) -> anyhow::Result<()> {
    let mut matrix = Matrix::open(path, None)?;
    let (n, step) = (matrix.n_cells(), matrix.block_len());
    for start in (0..n).step_by(step) {
        let cells = start..(start + step).min(n);
        matrix.read_block(cells.clone())?;
        for modality in 0..matrix.modalities.len() {
            matrix.read_modality(modality, cells.clone())?;
        }
    }
    Ok(())
}
