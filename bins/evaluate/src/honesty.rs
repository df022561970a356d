//! Is the split what it claims?

use crate::cells::Cells;
use crate::factor::MISSING;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::UserError;
use serde::Serialize;

/// What kind of split the scores are on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitKind {
    /// `by patient`, or `random cells (optimistic)`.
    pub name: String,
    /// Do cells of one group fall on both sides?
    pub optimistic: bool,
}

/// Refuses a group that has cells in two splits. `by` is the column, or `cell` for a random split.
pub fn check_split(cells: &Cells, by: Option<&str>) -> Result<SplitKind, UserError> {
    let random = SplitKind { name: "random cells (optimistic)".to_owned(), optimistic: true };
    let Some(by) = by else {
        return Ok(SplitKind { name: "unknown: no group column was given".to_owned(), optimistic: true });
    };
    if by == "cell" {
        return Ok(random);
    }
    let Some(groups) = cells.column(by) else {
        return Err(UserError::usage(format!("the embeddings have no column `{by}` to check the split by"))
            .hint("pass `--split-by COLUMN`, or `--split-by cell` if cells were split at random"));
    };
    let mut first: Vec<Option<Split>> = vec![None; groups.levels.len()];
    for (row, &group) in groups.codes.iter().enumerate().filter(|(_, group)| **group != MISSING) {
        let split = cells.split[row];
        match first[group as usize] {
            None => first[group as usize] = Some(split),
            Some(other) if other == split => {}
            Some(other) => {
                let name = &groups.levels[group as usize];
                let message =
                    format!("{by} `{name}` has cells in both `{}` and `{}`", other.name(), split.name());
                return Err(UserError::bad_data(message)
                    .hint("tokenize again with a split by group; if cells were split at random on purpose, pass `--split-by cell`"));
            }
        }
    }
    Ok(SplitKind { name: format!("by {by}"), optimistic: false })
}
