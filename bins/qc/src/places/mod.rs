//! Counts from an input's genes (or features) to those of the output.

mod take;

use crate::stash::{Cell, Count, Stash};
use anyhow::Result;
use panfoma_core::matrix::Rows;
use take::{WORD, take};

/// Where each gene of an input stands in the output. Several may share a place.
pub struct Places {
    /// `n` for a gene that is left out.
    of: Vec<u32>,
    /// Places of the output, as far as the input reaches.
    n: usize,
    /// Does each gene stand after the one before it?
    ascending: bool,
    /// Is there a place that several genes have?
    shared: bool,
}

impl Places {
    /// `of[gene]` is its place; `None` if it is left out.
    pub fn new(of: &[Option<u32>]) -> Self {
        let n = of.iter().flatten().max().map_or(0, |&most| most as usize + 1);
        let ascending = of.iter().flatten().is_sorted_by(|a, b| a < b);
        let mut taken = vec![false; n];
        let shared = !ascending
            && of.iter().flatten().any(|&place| std::mem::replace(&mut taken[place as usize], true));
        let of = of.iter().map(|place| place.unwrap_or(n as u32)).collect();
        Self { of, n, ascending, shared }
    }

    /// Is there a place that several genes have?
    pub fn shared(&self) -> bool {
        self.shared
    }
}

/// The counts of the `kept` cells, which ascend, at their places, in blocks one after another; those that share a place are
/// added up.
pub fn merge(stash: &Stash, kept: &[usize], places: &Places) -> Result<Vec<Rows>> {
    if places.ascending {
        return stash.map(kept, || (), |(), cell, to| push_ascending(cell, places, to));
    }
    stash.map(kept, || Scatter::new(places.n), |scatter, cell, to| scatter.push(cell, places, to))
}

fn push_ascending(cell: &Cell<'_>, places: &Places, to: &mut Rows) {
    let left_out = places.n as u32;
    let Rows { indptr, indices, data } = to;
    let (begin, most) = (indices.len(), cell.len());
    indices.resize(begin + most + 1, 0);
    data.resize(begin + most + 1, 0.0);
    let mut at = begin;
    // Written in any case, and again if the gene is left out.
    cell.each(|gene, count| {
        let place = places.of[gene as usize];
        (indices[at], data[at]) = (place, count.number());
        at += usize::from(place != left_out);
    });
    indices.truncate(at);
    data.truncate(at);
    indptr.push(at);
}

/// A count that stands among the large ones.
const LARGE: u8 = u8::MAX;

/// Sorts a cell by writing it down: a byte a place, which the first cache holds.
struct Scatter {
    /// One more for the genes that are left out, and up to whole words.
    small: Vec<u8>,
    large: Vec<f32>,
}

impl Scatter {
    fn new(n: usize) -> Self {
        let n = (n + 1).next_multiple_of(WORD);
        Self { small: vec![0; n], large: vec![0.0; n] }
    }

    fn push(&mut self, cell: &Cell<'_>, places: &Places, to: &mut Rows) {
        let Self { small, large } = self;
        cell.each(|gene, count| {
            let place = places.of[gene as usize] as usize;
            match count {
                Count::Small(count) if !places.shared => small[place] = count,
                count => {
                    let held = match small[place] {
                        LARGE => large[place],
                        held => f32::from(held),
                    };
                    let sum = held + count.number();
                    small[place] = if sum < LARGE.into() { sum as u8 } else { LARGE };
                    large[place] = sum;
                }
            }
        });
        small[places.n] = 0;
        take(small, large, cell.len(), &mut to.indices, &mut to.data);
        to.indptr.push(to.indices.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stash::StashFile;

    fn rows(cells: &[&[(u32, f32)]]) -> Rows {
        let mut rows = Rows::default();
        cells.iter().for_each(|cell| rows.push(cell.iter().copied()));
        rows
    }

    fn merge(rows: &Rows, of: &[Option<u32>], kept: &[usize]) -> Rows {
        let directory = tempfile::tempdir().unwrap();
        let mut stash = Stash::new(&StashFile::create(directory.path()).unwrap());
        stash.push(rows).unwrap();
        let mut all = Rows::default();
        super::merge(&stash, kept, &Places::new(of)).unwrap().iter().for_each(|block| all.extend(block));
        all
    }

    #[test]
    fn cells_are_sorted_by_place_and_shared_places_are_added_up() {
        let read =
            rows(&[&[(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)], &[(3, 5.0)], &[], &[(0, 3.0), (2, 1.0)]]);
        let turned = [Some(200), Some(64), Some(0), Some(64)];
        let expected = rows(&[&[(0, 4.0), (64, 10.0), (200, 1.0)], &[], &[(0, 1.0), (200, 3.0)]]);
        assert_eq!(merge(&read, &turned, &[0, 2, 3]), expected);
        assert!(Places::new(&turned).shared() && !Places::new(&[Some(3), None, Some(0)]).shared());
        let ascending = [Some(1), None, Some(5), Some(6)];
        let expected = rows(&[&[(1, 1.0), (5, 4.0), (6, 8.0)], &[(6, 5.0)]]);
        assert_eq!(merge(&read, &ascending, &[0, 1]), expected);
        assert_eq!(
            merge(&read, &[Some(9), None, Some(8), None], &[0, 1]),
            rows(&[&[(8, 4.0), (9, 1.0)], &[]])
        );
        assert_eq!(merge(&read, &[None; 4], &[0, 1]), rows(&[&[], &[]]));
        assert_eq!(merge(&read, &turned, &[]), Rows::default());
    }

    #[test]
    fn sums_around_the_largest_byte_are_exact() {
        let counts = [253.0, 254.0, 255.0, 256.0, 16_777_216.0, 1.0, 3e30];
        let pairs = counts.iter().flat_map(|&a| counts.map(|b| (a, b)));
        for (a, b) in pairs {
            let read = rows(&[&[(0, a), (1, b), (2, 254.0)]]);
            let turned = [Some(3), Some(3), Some(1)];
            assert_eq!(merge(&read, &turned, &[0]), rows(&[&[(1, 254.0), (3, a + b)]]), "{a} + {b}");
            let apart = [Some(3), Some(0), None];
            assert_eq!(merge(&read, &apart, &[0]), rows(&[&[(0, b), (3, a)]]), "{a}, {b}");
        }
    }
}
