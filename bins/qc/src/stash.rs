//! Counts set aside in a temporary file: inputs are decompressed and checked once, whatever is read of them afterwards.
//!
//! A piece of cells is its lengths, then one byte a gene (the distance to the gene before), then one byte a count; what
//! does not fit a byte is marked and follows at the end. Real counts take little more than two bytes an entry.

use anyhow::{Context as _, Result};
use panfoma_core::matrix::Rows;
use panfoma_core::vectors::widest;
use rayon::prelude::*;
use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Cells encoded as one piece.
const PIECE: usize = 128;
/// Room for what is written at once, a few values of which may not count.
const BEYOND: usize = 64;
/// A distance of so much or more stands at the end.
const FAR: u8 = u8::MAX;
/// Instead of a count that stands at the end.
const LARGE: u8 = 0;

/// A temporary file that several matrices share; the system frees it when the program ends, however it ends.
#[derive(Clone)]
pub struct StashFile {
    file: Arc<File>,
    end: Arc<Mutex<u64>>,
}

impl StashFile {
    /// An unnamed file in `directory`.
    pub fn create(directory: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(directory)
            .with_context(|| format!("making a temporary file in `{}`", directory.display()))?;
        Ok(Self { file: Arc::new(file), end: Arc::new(Mutex::new(0)) })
    }

    /// Returns where the bytes begin.
    fn append(&self, bytes: &[u8]) -> Result<u64> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        (&*self.file).write_all(bytes).context("writing the temporary file of counts: is the disk full?")?;
        let begin = *end;
        *end += bytes.len() as u64;
        Ok(begin)
    }
}

/// The rows of one matrix.
pub struct Stash {
    to: StashFile,
    pieces: Vec<Piece>,
    n_cells: usize,
}

/// At most [`PIECE`] cells.
struct Piece {
    cells: Range<usize>,
    at: u64,
    n_values: usize,
    n_far: usize,
    n_large: usize,
}

impl Stash {
    /// No rows yet.
    pub fn new(to: &StashFile) -> Self {
        Self { to: to.clone(), pieces: Vec::new(), n_cells: 0 }
    }

    /// Number of cells so far.
    pub fn len(&self) -> usize {
        self.n_cells
    }

    /// Adds a block of cells.
    pub fn push(&mut self, rows: &Rows) -> Result<()> {
        let starts: Vec<usize> = (0..rows.len()).step_by(PIECE).collect();
        let encode = |&start: &usize| Encoded::new(rows, start..rows.len().min(start + PIECE));
        let encoded: Vec<Encoded> = starts.par_iter().map(encode).collect();
        for (start, Encoded { bytes, n_values, n_far, n_large }) in starts.into_iter().zip(encoded) {
            let at = self.to.append(&bytes)?;
            let cells = self.n_cells + start..self.n_cells + rows.len().min(start + PIECE);
            self.pieces.push(Piece { cells, at, n_values, n_far, n_large });
        }
        self.n_cells += rows.len();
        Ok(())
    }

    /// What `each` adds for these cells, which ascend: one block of rows a piece. `each` gets a state that `init` made for
    /// its thread, a cell and the block.
    pub fn map<S>(
        &self,
        cells: &[usize],
        init: impl Fn() -> S + Sync + Send,
        each: impl Fn(&mut S, &Cell<'_>, &mut Rows) + Sync + Send,
    ) -> Result<Vec<Rows>> {
        thread_local! { static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) }; }
        let (Some(&first), Some(&last)) = (cells.first(), cells.last()) else { return Ok(Vec::new()) };
        let begin = self.pieces.partition_point(|piece| piece.cells.end <= first);
        let end = self.pieces.partition_point(|piece| piece.cells.start <= last);
        let wanted = |piece: &Piece| {
            let begin = cells.partition_point(|&cell| cell < piece.cells.start);
            &cells[begin..cells.partition_point(|&cell| cell < piece.cells.end)]
        };
        let rows = self.pieces[begin..end].par_iter().map_init(init, |state, piece| {
            let (wanted, mut rows) = (wanted(piece), Rows::default());
            if wanted.is_empty() {
                return Ok(rows);
            }
            let n_values = piece.n_values;
            rows.indices.reserve(n_values + BEYOND);
            rows.data.reserve(n_values + BEYOND);
            BYTES.with_borrow_mut(|bytes| {
                bytes.resize(piece.n_bytes(), 0);
                let read = self.to.file.read_exact_at(bytes, piece.at);
                read.context("reading the temporary file of counts")?;
                piece.each(bytes, wanted, |cell| each(state, cell, &mut rows));
                Ok(rows)
            })
        });
        rows.collect()
    }

    /// The rows of these cells.
    pub fn read(&self, cells: Range<usize>) -> Result<Rows> {
        let cells: Vec<usize> = cells.collect();
        let pieces = self.map(&cells, || (), |(), cell, rows| cell.push_to(rows))?;
        let mut rows = Rows::default();
        pieces.iter().for_each(|piece| rows.extend(piece));
        Ok(rows)
    }
}

struct Encoded {
    bytes: Vec<u8>,
    n_values: usize,
    n_far: usize,
    n_large: usize,
}

impl Encoded {
    fn new(rows: &Rows, cells: Range<usize>) -> Self {
        let begin = rows.indptr[cells.start];
        let n_values = rows.indptr[cells.end] - begin;
        let n_lengths = 4 * cells.len();
        let mut bytes = Vec::with_capacity(n_lengths + n_values * 9 / 4);
        for cell in cells.clone() {
            bytes.extend((rows.row(cell).0.len() as u32).to_le_bytes());
        }
        let (mut far, mut large) = (Vec::new(), Vec::new());
        for cell in cells {
            let genes = rows.row(cell).0;
            let Some(&first) = genes.first() else { continue };
            let from = bytes.len();
            let near = |step: u32| step.min(FAR.into()) as u8;
            bytes.push(near(first));
            let pairs = genes.iter().zip(&genes[1..]);
            widest(|| bytes.extend(pairs.map(|(before, gene)| near(gene - before))));
            if bytes[from..].contains(&FAR) {
                for i in (0..genes.len()).filter(|&i| bytes[from + i] == FAR) {
                    let before = i.checked_sub(1).map_or(0, |before| genes[before]);
                    far.extend((genes[i] - before).to_le_bytes());
                }
            }
        }
        let counts = &rows.data[begin..begin + n_values];
        let from = bytes.len();
        // Added to an integer below 2^23, leaves it in the lowest bits.
        let low_byte = |count: f32| (count + 8_388_608.0).to_bits() as u8;
        let near = |count: f32| if count < 255.0 { low_byte(count) } else { LARGE };
        widest(|| bytes.extend(counts.iter().map(|&count| near(count))));
        if bytes[from..].contains(&LARGE) {
            for (_, count) in bytes[from..].iter().zip(counts).filter(|(byte, _)| **byte == LARGE) {
                large.extend(count.to_le_bytes());
            }
        }
        let (n_far, n_large) = (far.len() / 4, large.len() / 4);
        bytes.extend(far);
        bytes.extend(large);
        Self { bytes, n_values, n_far, n_large }
    }
}

impl Piece {
    fn n_bytes(&self) -> usize {
        4 * (self.cells.len() + self.n_far + self.n_large) + 2 * self.n_values
    }

    /// Calls `each` with the `wanted` cells of the piece.
    fn each(&self, bytes: &[u8], wanted: &[usize], mut each: impl FnMut(&Cell<'_>)) {
        let (lengths, bytes) = bytes.split_at(4 * self.cells.len());
        let (steps, bytes) = bytes.split_at(self.n_values);
        let (counts, bytes) = bytes.split_at(self.n_values);
        let (far, large) = bytes.split_at(4 * self.n_far);
        let (mut far, mut large) = (far.as_chunks().0, large.as_chunks().0);
        let mut wanted = wanted.iter().copied().peekable();
        let mut at = 0;
        for (cell, &length) in self.cells.clone().zip(lengths.as_chunks().0) {
            let end = at + u32::from_le_bytes(length) as usize;
            let (steps, counts) = (&steps[at..end], &counts[at..end]);
            let marked = |bytes: &[u8], mark: u8| {
                widest(|| bytes.iter().map(|&byte| u32::from(byte == mark)).sum::<u32>())
            };
            let (far_here, large_here);
            (far_here, far) = far.split_at(marked(steps, FAR) as usize);
            (large_here, large) = large.split_at(marked(counts, LARGE) as usize);
            if wanted.next_if_eq(&cell).is_some() {
                each(&Cell { steps, counts, far: far_here, large: large_here });
            }
            at = end;
        }
    }
}

/// A count as it is set aside.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// 1 to 254.
    Small(u8),
    /// 255 or more.
    Large(f32),
}

impl Count {
    /// The count.
    #[inline(always)]
    pub fn number(self) -> f32 {
        match self {
            Self::Small(count) => count.into(),
            Self::Large(count) => count,
        }
    }
}

/// The counts of one cell as they are set aside.
pub struct Cell<'a> {
    steps: &'a [u8],
    counts: &'a [u8],
    far: &'a [[u8; 4]],
    large: &'a [[u8; 4]],
}

impl Cell<'_> {
    /// Number of genes with a count.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Calls `each(gene, count)`, genes ascending.
    #[inline(always)]
    pub fn each(&self, mut each: impl FnMut(u32, Count)) {
        let (mut far, mut large) = (self.far.iter(), self.large.iter());
        let mut gene = 0;
        for (&step, &count) in self.steps.iter().zip(self.counts) {
            gene += match step {
                FAR => far.next().map_or(0, |&step| u32::from_le_bytes(step)),
                step => u32::from(step),
            };
            let count = match count {
                LARGE => Count::Large(large.next().map_or(0.0, |&count| f32::from_le_bytes(count))),
                count => Count::Small(count),
            };
            each(gene, count);
        }
    }

    fn push_to(&self, rows: &mut Rows) {
        let Rows { indptr, indices, data } = rows;
        indices.reserve(self.len());
        data.reserve(self.len());
        self.each(|gene, count| {
            indices.push(gene);
            data.push(count.number());
        });
        indptr.push(indices.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    fn random(n_cells: usize, seed: u64) -> Rows {
        let mut stream = Philox::new(seed).stream(0, 0);
        let mut rows = Rows::default();
        for _ in 0..n_cells {
            let density = stream.uniform() * 0.2;
            let genes = (0..3_000).filter(|_| stream.uniform() < density).collect::<Vec<u32>>();
            let counts: Vec<f32> =
                genes.iter().map(|_| (1.0 + (12.0 * stream.uniform()).exp()).floor() as f32).collect();
            rows.push(genes.into_iter().zip(counts));
        }
        rows
    }

    #[test]
    fn any_range_of_cells_comes_back_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let file = StashFile::create(directory.path()).unwrap();
        let (mut one, mut other) = (Stash::new(&file), Stash::new(&file));
        let mut all = Rows::default();
        for (block, n_cells) in [300, 1, 0, 128, 129].into_iter().enumerate() {
            let rows = random(n_cells, block as u64);
            one.push(&rows).unwrap();
            other.push(&random(77, 50 + block as u64)).unwrap();
            all.extend(&rows);
        }
        assert_eq!((one.len(), other.len()), (558, 385));
        assert_eq!(one.read(0..558).unwrap(), all);
        for cells in [0..1, 127..129, 128..256, 299..302, 430..558, 5..5] {
            let mut expected = Rows::default();
            cells.clone().for_each(|cell| {
                let (genes, counts) = all.row(cell);
                expected.push(genes.iter().copied().zip(counts.iter().copied()));
            });
            assert_eq!(one.read(cells.clone()).unwrap(), expected, "{cells:?}");
        }
    }

    #[test]
    fn counts_of_any_size_are_kept_exactly() {
        let directory = tempfile::tempdir().unwrap();
        let mut stash = Stash::new(&StashFile::create(directory.path()).unwrap());
        let counts = [1.0, 127.0, 128.0, 16_777_216.0, 3.0e9, 7.2e16, 7.3e16, f32::MAX];
        let mut rows = Rows::default();
        rows.push((0u64..).step_by(1 << 28).zip(counts).map(|(gene, count)| (gene as u32, count)));
        rows.push([(u32::MAX, 5.0)]);
        stash.push(&rows).unwrap();
        assert_eq!(stash.read(0..2).unwrap(), rows);
    }

    #[test]
    fn real_looking_counts_take_little_more_than_two_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let file = StashFile::create(directory.path()).unwrap();
        let mut rows = Rows::default();
        (0..200).for_each(|cell| {
            rows.push((0..2_000).map(|gene| (gene * 15 + cell % 7, 1.0 + (gene % 5) as f32)))
        });
        Stash::new(&file).push(&rows).unwrap();
        assert!(*file.end.lock().unwrap() < 21 * rows.data.len() as u64 / 10);
    }
}
