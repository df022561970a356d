//! Counts set aside in a temporary file: inputs are decompressed and checked once, whatever is read of them afterwards.
//!
//! A cell is `n, then n pairs (step, count)`, all LEB128: the step is the distance to the gene before, the count an
//! integer, or 0 and the four bytes of a float where an integer would take more than 56 bits. Real counts take two bytes
//! an entry.

use anyhow::{Context as _, Result};
use panfoma_core::matrix::Rows;
use rayon::prelude::*;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Cells encoded as one piece.
const PIECE: usize = 128;

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
    first: usize,
    at: u64,
    n_bytes: u32,
    n_values: u32,
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
        let encode = |&start: &usize| {
            let cells = start..rows.len().min(start + PIECE);
            let n_values = rows.indptr[cells.end] - rows.indptr[start];
            let mut bytes = Vec::with_capacity(cells.len() * 3 + n_values * 5 / 2);
            cells.for_each(|cell| encode_cell(rows.row(cell), &mut bytes));
            (bytes, n_values as u32)
        };
        let encoded: Vec<(Vec<u8>, u32)> = starts.par_iter().map(encode).collect();
        for (start, (bytes, n_values)) in starts.into_iter().zip(encoded) {
            let at = self.to.append(&bytes)?;
            let n_bytes = u32::try_from(bytes.len()).context("a block of more than 4 GiB")?;
            self.pieces.push(Piece { first: self.n_cells + start, at, n_bytes, n_values });
        }
        self.n_cells += rows.len();
        Ok(())
    }

    /// The rows of these cells.
    pub fn read(&self, cells: Range<usize>) -> Result<Rows> {
        let first = self.pieces.partition_point(|piece| piece.first <= cells.start).saturating_sub(1);
        let end = self.pieces.partition_point(|piece| piece.first < cells.end).max(first);
        let decoded: Vec<Rows> = self.pieces[first..end]
            .par_iter()
            .map(|piece| {
                let mut bytes = vec![0; piece.n_bytes as usize];
                self.to
                    .file
                    .read_exact_at(&mut bytes, piece.at)
                    .context("reading the temporary file of counts")?;
                Ok(decode(&bytes, piece.n_values as usize))
            })
            .collect::<Result<_>>()?;
        let mut rows = Rows::default();
        for (piece, decoded) in self.pieces[first..end].iter().zip(decoded) {
            if piece.first >= cells.start && piece.first + decoded.len() <= cells.end {
                rows.extend(&decoded);
                continue;
            }
            for row in 0..decoded.len() {
                if cells.contains(&(piece.first + row)) {
                    let (genes, counts) = decoded.row(row);
                    rows.push(genes.iter().copied().zip(counts.iter().copied()));
                }
            }
        }
        Ok(rows)
    }
}

fn encode_cell((genes, counts): (&[u32], &[f32]), bytes: &mut Vec<u8>) {
    put(bytes, genes.len() as u64);
    let mut before = 0;
    for (&gene, &count) in genes.iter().zip(counts) {
        put(bytes, u64::from(gene - before));
        before = gene;
        if count < (1_u64 << 56) as f32 {
            put(bytes, count as u64);
        } else {
            bytes.push(0);
            bytes.extend_from_slice(&count.to_le_bytes());
        }
    }
}

fn decode(bytes: &[u8], n_values: usize) -> Rows {
    let (mut indptr, mut indices, mut data) = (vec![0], vec![0; n_values], vec![0.0; n_values]);
    let (mut at, mut end) = (0, 0);
    while at < bytes.len() {
        let begin = end;
        end += take(bytes, &mut at) as usize;
        let mut gene = 0;
        for (index, value) in indices[begin..end].iter_mut().zip(&mut data[begin..end]) {
            // Nearly always a step and a count of a byte each.
            let (step, mut count) = match bytes[at..] {
                [step @ ..0x80, count @ ..0x80, ..] => {
                    at += 2;
                    (u32::from(step), f32::from(count))
                }
                _ => (take(bytes, &mut at) as u32, take(bytes, &mut at) as f32),
            };
            if count == 0.0 {
                count = f32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
                at += 4;
            }
            gene += step;
            (*index, *value) = (gene, count);
        }
        indptr.push(end);
    }
    Rows { indptr, indices, data }
}

#[inline]
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[inline]
fn take(bytes: &[u8], at: &mut usize) -> u64 {
    let first = bytes[*at];
    *at += 1;
    if first < 0x80 {
        return u64::from(first);
    }
    let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
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
