//! The corpus in blocks of cells: mapped in parallel, handed on in order.

use anyhow::Result;
use panfoma_core::artifact::tokens::ROW_GROUP_CELLS;
use panfoma_core::stage::{Context, Progress};
use rayon::prelude::*;
use std::ops::Range;

/// Cells whose counts are read at a time: few enough to stay in the cache until they are tokens.
const READ_CELLS: usize = 128;

/// Maps each block of these cells, several at a time, and folds the results in the order of the cells.
///
/// The blocks are the same for any number of threads, so a fold of sums gives the same bits.
pub fn fold_blocks<T: Send>(
    cells: Range<usize>,
    context: &Context,
    what: &'static str,
    map: impl Fn(Range<usize>) -> Result<T> + Sync,
    mut fold: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let blocks: Vec<Range<usize>> = pieces(cells.clone(), ROW_GROUP_CELLS).collect();
    let mut progress = Progress::new(what, cells.len() as u64);
    for wave in blocks.chunks(rayon::current_num_threads()) {
        context.interrupt.check()?;
        let mapped: Vec<T> = wave.par_iter().map(|block| map(block.clone())).collect::<Result<_>>()?;
        mapped.into_iter().try_for_each(&mut fold)?;
        progress.add(wave.iter().map(|block| block.len() as u64).sum());
    }
    progress.finish();
    Ok(())
}

/// The parts of a block to read one after another.
pub fn readings(block: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    pieces(block, READ_CELLS)
}

fn pieces(cells: Range<usize>, n: usize) -> impl Iterator<Item = Range<usize>> {
    cells.clone().step_by(n).map(move |start| start..(start + n).min(cells.end))
}
