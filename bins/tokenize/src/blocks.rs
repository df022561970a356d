//! The corpus in blocks of cells: mapped in parallel, handed on in order.

use anyhow::Result;
use panfoma_core::artifact::cells::Cells;
use panfoma_core::artifact::tokens::ROW_GROUP_CELLS;
use panfoma_core::matrix::Rows;
use panfoma_core::stage::{Context, Progress};
use rayon::prelude::*;
use std::ops::Range;

/// Reads each block of cells and maps it, several at a time, and folds the results in the order of the cells.
///
/// The blocks are the same for any number of threads, so a fold of sums gives the same bits.
pub fn fold_blocks<T: Send>(
    cells: &Cells,
    context: &Context,
    what: &'static str,
    map: impl Fn(Range<usize>, Rows) -> Result<T> + Sync,
    mut fold: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let n_cells = cells.n_cells();
    let blocks: Vec<Range<usize>> = (0..n_cells)
        .step_by(ROW_GROUP_CELLS)
        .map(|start| start..(start + ROW_GROUP_CELLS).min(n_cells))
        .collect();
    let mut progress = Progress::new(what, n_cells as u64);
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
