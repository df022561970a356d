//! Rows added to the rows they came from, many to one, in a fixed order and without atomics.
//!
//! The rows are sorted by destination; each destination's list is cut in pieces, pieces are summed in parallel, and every
//! destination adds its pieces in order.

use super::pool::Block;
use super::{Cuda, Driver, Dtype, Pointer, kernels, number, pointer};
use crate::device::{Result, Tensor};

/// Most rows of a piece: long lists (padding, frequent bins) are shared out, and a piece still outweighs its overhead.
const PIECE: usize = 64;
/// Threads of a block; a thread has eight columns of a row.
const THREADS: usize = 256;

/// What is added where.
pub(crate) struct Segments<D: Driver> {
    /// Rows by destination.
    order: Block<D>,
    /// [n_pieces + 1] where pieces begin in `order`.
    pieces: Block<D>,
    n_pieces: usize,
    /// [n_destinations + 1] where destinations begin among the pieces.
    starts: Block<D>,
    /// [n_destinations]
    destinations: Block<D>,
    n_destinations: usize,
}

impl<D: Driver> Segments<D> {
    /// `rows`: (destination, row), in the order in which a destination adds its rows.
    pub fn new(b: &Cuda<D>, rows: impl Iterator<Item = (u32, u32)> + Clone) -> Result<Self> {
        let n = rows.clone().map(|(to, _)| to as usize + 1).max().unwrap_or(0);
        let mut ends = vec![0u32; n];
        rows.clone().for_each(|(to, _)| ends[to as usize] += 1);
        let (mut pieces, mut starts, mut destinations) = (vec![0], vec![0], Vec::new());
        let mut from = 0;
        for (to, end) in ends.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            let next = from + *end;
            pieces.extend((from..next).step_by(PIECE).map(|piece| (piece + PIECE as u32).min(next)));
            starts.push(pieces.len() as u32 - 1);
            destinations.push(to as u32);
            *end = from;
            from = next;
        }
        let mut order = vec![0; from as usize];
        for (to, row) in rows {
            let place = &mut ends[to as usize];
            order[*place as usize] = row;
            *place += 1;
        }
        Ok(Self {
            order: b.numbers(&order)?,
            n_pieces: pieces.len() - 1,
            pieces: b.numbers(&pieces)?,
            starts: b.numbers(&starts)?,
            n_destinations: destinations.len(),
            destinations: b.numbers(&destinations)?,
        })
    }

    /// x[destination] += its rows of y, summed in f32.
    pub fn add(&self, b: &Cuda<D>, y: &Tensor<Cuda<D>>, x: &mut Tensor<Cuda<D>>) -> Result<()> {
        let cols = y.cols();
        assert_eq!((y.dtype(), cols, cols % 8), (Dtype::Bf16, x.cols(), 0));
        let mut sums = b.unwritten(&[self.n_pieces, cols], Dtype::F32)?;
        let grid = |rows: usize| [(rows * cols / 8).div_ceil(THREADS), 1, 1];
        let arguments = kernels::SegmentSums {
            y: y.read(),
            order: self.at(&self.order),
            starts: self.at(&self.pieces),
            parts: sums.write(),
            n_rows: number(self.n_pieces),
            cols: number(cols),
        };
        // SAFETY: who made the segments named rows of y, and destinations of x.
        unsafe { b.launch(&arguments, grid(self.n_pieces))? };
        let (parts, starts, rows) = (sums.read(), self.at(&self.starts), self.at(&self.destinations));
        let (n_rows, cols, dtype) = (number(self.n_destinations), number(cols), x.dtype());
        let (x, grid) = (x.write(), grid(self.n_destinations));
        // SAFETY: as above.
        unsafe {
            match dtype {
                Dtype::Bf16 => {
                    b.launch(&kernels::SegmentAddBf16 { parts, starts, rows, x, n_rows, cols }, grid)
                }
                Dtype::F32 => {
                    b.launch(&kernels::SegmentAddF32 { parts, starts, rows, x, n_rows, cols }, grid)
                }
            }
        }
    }

    fn at(&self, block: &Block<D>) -> Pointer {
        pointer(block.at)
    }
}
