//! Is the split what it claims, and does something other than biology give the label away?

use crate::cells::Cells;
use crate::factor::{Factor, MISSING};
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::UserError;
use serde::Serialize;

/// A label that the study predicts this well cannot be told from a batch effect.
pub const CONFOUNDED: f64 = 0.95;

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

/// How well a column alone predicts the label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confounding {
    /// The column.
    pub column: String,
    /// Accuracy on the held-out cells of the most frequent label of each group among the training cells.
    pub held_out: Option<f64>,
    /// Share of all labelled cells that bear the most frequent label of their own group.
    pub purity: f64,
    /// Groups with labelled cells.
    pub n_groups: usize,
}

/// The accuracy of "the most frequent label of the group"; groups without training cells get the overall most frequent.
pub fn confounding(cells: &Cells, label: &Factor, column: &str, held_out: &[usize]) -> Option<Confounding> {
    let groups = cells.column(column)?;
    let (n_groups, n_labels) = (groups.levels.len(), label.levels.len());
    // Row `n_groups` counts every cell, whatever its group.
    let mut train = vec![0u64; (n_groups + 1) * n_labels];
    let mut all = vec![0u64; n_groups * n_labels];
    for row in 0..cells.len() {
        let (group, label) = (groups.codes[row], label.codes[row]);
        if label == MISSING || group == MISSING {
            continue;
        }
        all[group as usize * n_labels + label as usize] += 1;
        if cells.split[row] == Split::Train {
            train[group as usize * n_labels + label as usize] += 1;
            train[n_groups * n_labels + label as usize] += 1;
        }
    }
    let most = |counts: &[u64]| {
        (0..n_labels).fold(0, |best, label| if counts[label] > counts[best] { label } else { best })
    };
    let of_group = |counts: &[u64], group: usize| counts[group * n_labels..(group + 1) * n_labels].to_vec();
    let overall = most(&of_group(&train, n_groups));
    let says: Vec<usize> = (0..n_groups)
        .map(|group| {
            let counts = of_group(&train, group);
            if counts.iter().sum::<u64>() == 0 { overall } else { most(&counts) }
        })
        .collect();
    let known: Vec<usize> = held_out.iter().copied().filter(|&row| groups.codes[row] != MISSING).collect();
    let right =
        known.iter().filter(|&&row| says[groups.codes[row] as usize] == label.codes[row] as usize).count();
    let has_train = train.iter().any(|&n| n > 0);
    let total: u64 = all.iter().sum();
    let pure: u64 = (0..n_groups).map(|group| of_group(&all, group).into_iter().max().unwrap_or(0)).sum();
    let used = (0..n_groups).filter(|&group| of_group(&all, group).iter().any(|&n| n > 0)).count();
    (total > 0).then(|| Confounding {
        column: column.to_owned(),
        held_out: (has_train && !known.is_empty()).then(|| right as f64 / known.len() as f64),
        purity: pure as f64 / total as f64,
        n_groups: used,
    })
}
