//! What knows one thing that is not biology: study, batch, or how many counts a cell has.

use crate::cells::Cells;
use crate::factor::{Factor, MISSING};
use crate::method::{Method, Role, Scored};
use panfoma_core::artifact::tokens::Split;
use serde::Serialize;

/// Bins of a number, of equal numbers of training cells.
pub const N_BINS: usize = 20;

/// Goodman and Kruskal's lambda from which on a label counts as confounded with a column.
pub const CONFOUNDED: f64 = 0.75;

/// How far a column alone gives the label away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confounding {
    /// The column, or `total_counts`, `n_genes`.
    pub column: String,
    /// The predictor that knows it alone, a name of the `method` column.
    pub method: String,
    /// Groups with labelled cells.
    pub n_groups: usize,
    /// Share of all labelled cells that bear the most frequent label of their own group.
    pub purity: f64,
    /// Goodman and Kruskal's lambda over all labelled cells: by which part knowing the group lessens the errors of
    /// guessing the most frequent label; 0 it tells nothing, 1 it tells all.
    pub lambda: f64,
    /// Is every group in one split only, so that the held-out groups were never seen?
    pub unseen: bool,
}

/// Predicts each cell's label by the shares of labels among the training cells of its group; a group without any gets
/// those of all training cells. `None` if the column has one group only.
pub fn by_group(
    cells: &Cells,
    label: &Factor,
    (name, groups): (&str, &Factor),
    scored: &Scored,
) -> Option<(Method, Confounding)> {
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
    let counts = |of: &[u64], group: usize| of[group * n_labels..(group + 1) * n_labels].to_vec();
    let n_used = (0..n_groups).filter(|&group| counts(&all, group).iter().any(|&n| n > 0)).count();
    let n_train: u64 = train[n_groups * n_labels..].iter().sum();
    if n_used < 2 || n_train == 0 {
        return None;
    }
    let shares = |group: usize| -> Vec<f32> {
        let of_group = counts(&train, group);
        let of_group = if of_group.iter().any(|&n| n > 0) { of_group } else { counts(&train, n_groups) };
        let sum: u64 = of_group.iter().sum();
        of_group.iter().map(|&n| (n as f64 / sum as f64) as f32).collect()
    };
    let shares: Vec<Vec<f32>> = (0..=n_groups).map(shares).collect();
    let codes: Vec<u32> = (0..n_labels as u32).collect();
    let method_name = format!("{name}_only");
    let title = format!("Knows only {name}: the most frequent label of its group");
    let mut method = Method::new(&method_name, &title, Role::Confounder, scored);
    let mut unseen = true;
    for (at, &row) in scored.rows.iter().enumerate() {
        let group = if groups.codes[row] == MISSING { n_groups } else { groups.codes[row] as usize };
        unseen &= group == n_groups || counts(&train, group).iter().all(|&n| n == 0);
        method.set(at, &codes, &shares[group]);
    }
    let total: u64 = all.iter().sum();
    let right: u64 = (0..n_groups).map(|group| counts(&all, group).into_iter().max().unwrap_or(0)).sum();
    let of_label = |label: usize| (0..n_groups).map(|group| all[group * n_labels + label]).sum::<u64>();
    let most = (0..n_labels).map(of_label).max().unwrap_or(0);
    let lambda = if total == most { 0.0 } else { (right - most) as f64 / (total - most) as f64 };
    let purity = right as f64 / total as f64;
    let found = Confounding {
        column: name.to_owned(),
        method: method_name,
        n_groups: n_used,
        purity,
        lambda,
        unseen,
    };
    Some((method, found))
}

/// A number as one of [`N_BINS`] groups of about as many training cells each; cells equal in it share a group.
///
/// values: one a cell. Groups are named `bin 01` on, from the smallest.
pub fn binned(values: &[f64], cells: &Cells, label: &Factor) -> Factor {
    let mut of_train: Vec<f64> =
        cells.labelled(Split::Train, label).into_iter().map(|row| values[row]).collect();
    of_train.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..N_BINS)
        .filter_map(|bin| of_train.get((bin * of_train.len()).div_ceil(N_BINS).saturating_sub(1)).copied())
        .collect();
    edges.dedup();
    let levels = (1..=edges.len() + 1).map(|bin| format!("bin {bin:02}")).collect();
    let codes = values.iter().map(|value| edges.partition_point(|edge| edge < value) as u32).collect();
    Factor { levels, codes }
}
