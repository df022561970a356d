//! Which cells speak for which network.

use panfoma_core::artifact::edges::ALL_CELLS;
use panfoma_core::artifact::tokens::{CellRows, Columns, Split, Tokens};
use panfoma_core::rng::{Philox, name_hash};
use panfoma_core::stage::UserError;

/// Purpose of the stream that chooses cells.
const CHOICE: u32 = u32::from_be_bytes(*b"grnc");

/// Which cells to look at.
pub struct Selection<'a> {
    /// A network for each value of this column.
    pub group_by: Option<&'a str>,
    /// Only this split.
    pub split: Option<Split>,
    /// Smaller groups are left out.
    pub min_cells: usize,
    /// No more cells of a group.
    pub max_cells: usize,
    /// Of the choice.
    pub seed: u64,
}

/// Some cells under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `all`, or the label.
    pub name: String,
    /// Cells the corpus has of it.
    pub n_cells: usize,
    /// The cells chosen, ascending.
    pub cells: Vec<usize>,
}

impl Group {
    /// Every cell.
    pub fn all(n_cells: usize) -> Self {
        Self { name: ALL_CELLS.to_owned(), n_cells, cells: (0..n_cells).collect() }
    }
}

/// Groups in the order of their names, and the names and sizes of those too small.
pub fn choose(tokens: &Tokens, selection: &Selection) -> anyhow::Result<(Vec<Group>, Vec<(String, usize)>)> {
    let wanted = |cell: &usize| selection.split.is_none_or(|split| tokens.splits()[*cell] == split);
    let mut members: Vec<(String, Vec<usize>)> = match selection.group_by {
        None => vec![(ALL_CELLS.to_owned(), (0..tokens.n_cells()).filter(wanted).collect())],
        Some(column) => {
            let categories = tokens.column(column)?;
            let mut members: Vec<_> =
                categories.levels.into_iter().map(|level| (level, Vec::new())).collect();
            for cell in (0..tokens.n_cells()).filter(wanted) {
                // A negative code is a missing label.
                if let Ok(level) = usize::try_from(categories.codes[cell]) {
                    members[level].1.push(cell);
                }
            }
            members
        }
    };
    let small = members.extract_if(.., |(_, cells)| cells.len() < selection.min_cells);
    let small: Vec<_> = small.map(|(name, cells)| (name, cells.len())).collect();
    if members.is_empty() {
        return Err(UserError::bad_data(format!("no group has {} cells", selection.min_cells))
            .hint("lower `--min-cells-per-group`, or group by a column with larger groups")
            .into());
    }
    let groups = members.into_iter().map(|(name, cells)| draw(name, cells, selection)).collect();
    Ok((groups, small))
}

fn draw(name: String, mut cells: Vec<usize>, selection: &Selection) -> Group {
    let n_cells = cells.len();
    if n_cells > selection.max_cells {
        Philox::new(selection.seed).stream(name_hash(&name), CHOICE).shuffle(&mut cells);
        cells.truncate(selection.max_cells);
        cells.sort_unstable();
    }
    Group { name, n_cells, cells }
}

/// The group's cells in order, up to `block_cells` at a time; reads only row groups that hold one of them.
pub fn blocks<'a>(
    tokens: &'a Tokens,
    group: &'a Group,
    block_cells: usize,
    columns: Columns,
) -> impl Iterator<Item = anyhow::Result<CellRows>> + 'a {
    let mut next = 0;
    let mut open: Option<(usize, CellRows)> = None;
    std::iter::from_fn(move || {
        let mut block = CellRows::new();
        while next < group.cells.len() && block.n_cells() < block_cells {
            let cell = group.cells[next];
            let index = tokens.row_groups().partition_point(|row_group| row_group.first_cell <= cell) - 1;
            if open.as_ref().is_none_or(|(held, _)| *held != index) {
                match tokens.read_row_group(index, columns) {
                    Ok(rows) => open = Some((index, rows)),
                    Err(error) => return Some(Err(error)),
                }
            }
            let (_, rows) = open.as_ref().expect("it was just read");
            block.push_from(rows, cell - tokens.row_groups()[index].first_cell);
            next += 1;
        }
        (block.n_cells() > 0).then_some(Ok(block))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_group_is_thinned_by_seed_and_a_small_one_is_whole() {
        let selection = |seed| Selection { group_by: None, split: None, min_cells: 1, max_cells: 5, seed };
        let cells: Vec<usize> = (0..100).collect();
        let a = draw("T cell".into(), cells.clone(), &selection(1));
        assert_eq!((a.n_cells, a.cells.len()), (100, 5));
        assert!(a.cells.is_sorted());
        assert_eq!(a, draw("T cell".into(), cells.clone(), &selection(1)));
        assert_ne!(a.cells, draw("T cell".into(), cells.clone(), &selection(2)).cells);
        assert_ne!(a.cells, draw("B cell".into(), cells, &selection(1)).cells);
        assert_eq!(draw("T cell".into(), vec![3, 9], &selection(1)).cells, [3, 9]);
    }
}
