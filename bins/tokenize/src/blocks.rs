//! The corpus in blocks of cells: mapped in parallel, handed on in order.

use anyhow::Result;
use panfoma_core::artifact::cells::Cells;
use panfoma_core::matrix::Rows;
use panfoma_core::stage::{Context, Progress};
use rayon::prelude::*;
use std::ops::Range;

/// Cells a block: their counts stay in the cache on the way from the file to the tokens.
const BLOCK_CELLS: usize = 512;

/// Reads each block of these cells and maps it, several at a time, and folds the results in the order of the cells.
///
/// The blocks are the same for any number of threads, so a fold of sums gives the same bits.
pub fn fold_blocks<T: Send>(
    cells: &Cells,
    of: Range<usize>,
    context: &Context,
    what: &'static str,
    map: impl Fn(Range<usize>, Rows) -> Result<T> + Sync,
    mut fold: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let blocks: Vec<Range<usize>> =
        of.clone().step_by(BLOCK_CELLS).map(|start| start..(start + BLOCK_CELLS).min(of.end)).collect();
    let mut progress = Progress::new(what, of.len() as u64);
    for wave in blocks.chunks(rayon::current_num_threads()) {
        context.interrupt.check()?;
        let mapped: Vec<T> = wave
            .par_iter()
            .map(|block| map(block.clone(), cells.read_rows(block.clone())?))
            .collect::<Result<_>>()?;
        mapped.into_iter().try_for_each(&mut fold)?;
        progress.add(wave.iter().map(|block| block.len() as u64).sum());
    }
    progress.finish();
    Ok(())
}
