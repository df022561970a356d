//! What no integration at all gives: principal components of the log counts of the same cells.

use crate::baselines::counts::Counts;
use crate::baselines::features::Features;
use crate::cells::Cells;
use crate::pca::Pca;
use panfoma_core::artifact::tokens::Tokens;
use panfoma_core::stage::Context;
use std::collections::HashMap;

/// Components, as scanpy's default.
const COMPONENTS: usize = 50;
/// Cells that genes and components are chosen by at most.
const MAX_FIT_CELLS: usize = 10_000;
/// Cells projected at once.
const BLOCK: usize = 1_024;

/// Scores of these rows, [rows × components] and the number of components; none if no gene varies.
pub fn principal_components(
    tokens: &Tokens,
    cells: &Cells,
    rows: &[usize],
    context: &Context,
) -> anyhow::Result<Option<(Vec<f32>, usize)>> {
    let counts = Counts::new(tokens, cells)?;
    let fitted = counts.read(&cells.sample(rows.to_vec(), MAX_FIT_CELLS, context.seed), context)?;
    let features = Features::fit(&fitted, counts.n_genes());
    if features.is_empty() {
        return Ok(None);
    }
    let x = features.matrix(&fitted, 0..fitted.n_cells());
    let pca = Pca::fit(&x, features.len(), COMPONENTS, context.seed);
    drop((x, fitted));
    let dim = pca.n_components;
    let position: HashMap<usize, usize> = rows.iter().copied().zip(0..).collect();
    let mut scores = vec![0.0; rows.len() * dim];
    counts.each_row_group(context, |found, group| {
        for start in (0..found.len()).step_by(BLOCK) {
            let range = start..(start + BLOCK).min(found.len());
            if found[range.clone()].iter().all(|row| !position.contains_key(row)) {
                continue;
            }
            let of_block = pca.scores(&features.matrix(group, range.clone()));
            for (row, score) in found[range].iter().zip(of_block.chunks_exact(dim)) {
                if let Some(&at) = position.get(row) {
                    scores[at * dim..(at + 1) * dim]
                        .iter_mut()
                        .zip(score)
                        .for_each(|(to, x)| *to = *x as f32);
                }
            }
        }
    })?;
    Ok(Some((scores, dim)))
}
