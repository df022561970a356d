//! Which matrix of a file holds raw counts: the first whose values are integers.

use super::{Matrix, Rows, Source, corrected};
use crate::stage::UserError;
use anyhow::Result;
use std::ops::Range;
use std::path::Path;

/// Names of layers that promise raw counts, best first.
const LAYERS: [&str; 6] = ["counts", "raw_counts", "raw_count", "count", "raw", "umi"];
/// Cells at either end that are looked at before a matrix is taken; while streaming every value is checked.
const SAMPLE: usize = 256;

/// Promising names first, then the alphabet.
pub(super) fn layer_rank(name: &str) -> (usize, String) {
    let lower = name.to_lowercase();
    (LAYERS.iter().position(|layer| *layer == lower).unwrap_or(LAYERS.len()), lower)
}

/// `X`, `layers/counts`, … for messages.
pub(super) fn list(sources: &[Source]) -> String {
    match sources {
        [] => "none".to_owned(),
        sources => sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", "),
    }
}

/// The first candidate that holds integers, or in the inner `Err` the first value that is none; only layers that promise
/// raw counts are considered.
pub(super) fn find(
    candidates: &[Source],
    open: impl Fn(&Source) -> Result<Matrix>,
) -> Result<Result<Matrix, Option<String>>> {
    let mut refused: Option<String> = None;
    let mut empty: Option<Matrix> = None;
    for source in candidates.iter().filter(|source| promising(source)) {
        let mut matrix = open(source)?;
        match sample(matrix.n_cells(), |cells| matrix.try_read(cells))? {
            Sample::Counts => {
                matrix.why = refused;
                return Ok(Ok(matrix));
            }
            Sample::Empty => _ = empty.get_or_insert(matrix),
            Sample::Not(reason) => _ = refused.get_or_insert(reason),
        }
    }
    Ok(empty.ok_or(refused))
}

fn promising(source: &Source) -> bool {
    match source {
        Source::Layer(name) => layer_rank(name).0 < LAYERS.len(),
        Source::X | Source::Raw => true,
    }
}

/// The candidate that `wanted` means.
///
/// Errors: 65 naming the candidates, if it is none of them.
pub(super) fn resolve(path: &Path, wanted: &Source, candidates: &[Source]) -> Result<Source> {
    // `--layer raw` means raw/X, but a layer may bear that name.
    let layer = matches!(wanted, Source::Raw).then(|| Source::Layer("raw".to_owned()));
    for source in [Some(wanted), layer.as_ref()].into_iter().flatten() {
        if candidates.contains(source) {
            return Ok(source.clone());
        }
    }
    Err(UserError::bad_data(format!("`{}` has no `{wanted}`", path.display()))
        .hint(format!("its matrices are {}", list(candidates)))
        .into())
}

/// As [`find`].
///
/// Errors: 65 naming the first value that is not an integer, with the layers there are.
pub(super) fn choose(
    path: &Path,
    candidates: &[Source],
    open: impl Fn(&Source) -> Result<Matrix>,
) -> Result<Matrix> {
    let refused = match find(candidates, &open)? {
        Ok(matrix) => return Ok(matrix),
        Err(refused) => refused,
    };
    // Whether corrected counts are rounded or refused is for `Matrix::open` to say.
    let mut instead = None;
    for source in candidates.iter().filter(|source| promising(source)) {
        let mut matrix = open(source)?;
        match corrected::examine(&mut matrix)? {
            Ok(_) => {
                matrix.refused = refused;
                return Ok(matrix);
            }
            Err(why) => _ = instead.get_or_insert(why),
        }
    }
    if candidates.is_empty() {
        return Err(UserError::bad_data(format!("`{}` holds no matrix", path.display()))
            .hint("counts are looked for in `X`, in `layers` and in `raw/X`: write them there")
            .into());
    }
    let Some(reason) = refused else {
        return Err(UserError::bad_data(format!(
            "`{}` holds no matrix that may be raw counts",
            path.display()
        ))
        .hint(format!("its matrices are {}; to read one of them, pass `--layer NAME`", list(candidates)))
        .into());
    };
    let others: Vec<Source> = candidates.iter().filter(|source| !promising(source)).cloned().collect();
    let hint = if others.is_empty() {
        format!(
            "raw counts are needed; its matrices are {}, none of them integers: get the file with raw counts",
            list(candidates)
        )
    } else {
        format!("to read another layer, pass `--layer NAME`; the others are {}", list(&others))
    };
    // What the values look like, if that says more than the first that is no count.
    let instead = instead.filter(|why| *why != reason).map_or_else(String::new, |why| format!("; {why}"));
    let message = format!("`{}` holds no raw counts: {reason}{instead}", path.display());
    Err(UserError::bad_data(message).hint(hint).into())
}

/// What the cells that are looked at hold.
pub(super) enum Sample {
    /// Counts only.
    Counts,
    /// Nothing.
    Empty,
    /// A value that is no count.
    Not(String),
}

/// The first and the last of `n` cells.
pub(super) fn ends(n: usize) -> [Range<usize>; 2] {
    let head = n.min(SAMPLE);
    [0..head, n.saturating_sub(SAMPLE).max(head)..n]
}

/// Looks at the first and the last of `n` cells; the inner `Err` of `read` says which value is no count.
pub(super) fn sample(
    n: usize,
    mut read: impl FnMut(Range<usize>) -> Result<Result<Rows, String>>,
) -> Result<Sample> {
    let mut n_values = 0;
    for cells in ends(n) {
        match read(cells)? {
            Ok(rows) => n_values += rows.data.len(),
            Err(reason) => return Ok(Sample::Not(reason)),
        }
    }
    Ok(if n_values == 0 { Sample::Empty } else { Sample::Counts })
}
