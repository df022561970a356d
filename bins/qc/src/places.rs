//! Counts from an input's genes (or features) to those of the output.

use panfoma_core::matrix::Rows;
use rayon::prelude::*;

/// Cells moved as one piece.
const PIECE: usize = 64;

/// Where each gene of an input stands in the output; `None` if it is left out. Several may share a place.
pub struct Places<'a> {
    of: &'a [Option<u32>],
    /// Places of the output, as far as the input reaches.
    n: usize,
    /// Does each gene stand after the one before it?
    ascending: bool,
}

impl<'a> Places<'a> {
    /// `of[gene]` is its place.
    pub fn new(of: &'a [Option<u32>]) -> Self {
        let n = of.iter().flatten().max().map_or(0, |&most| most as usize + 1);
        Self { of, n, ascending: of.iter().flatten().is_sorted_by(|a, b| a < b) }
    }

    /// Is there a place that several genes have?
    pub fn shared(&self) -> bool {
        let mut taken = vec![false; self.n];
        !self.ascending
            && self.of.iter().flatten().any(|&place| std::mem::replace(&mut taken[place as usize], true))
    }
}

/// The counts of the `kept` cells at their places; those that share a place are added up. `rows` are cells from `start` on.
pub fn merge(rows: &Rows, start: usize, kept: &[usize], places: &Places<'_>) -> Rows {
    let merged: Vec<Rows> =
        kept.par_chunks(PIECE)
            .map_init(
                || Scatter::new(places.n),
                |scatter, cells| {
                    let mut merged = Rows::default();
                    for &cell in cells {
                        let (genes, counts) = rows.row(cell - start);
                        let at_places = genes.iter().zip(counts).filter_map(|(&gene, &count)| {
                            places.of[gene as usize].map(|place| (place, count))
                        });
                        match places.ascending {
                            true => merged.push(at_places),
                            false => scatter.push(at_places, &mut merged),
                        }
                    }
                    merged
                },
            )
            .collect();
    let mut all = Rows::default();
    merged.iter().for_each(|piece| all.extend(piece));
    all
}

/// Sorts a cell by writing it down: one sum a place, one bit a place that holds any.
struct Scatter {
    sums: Vec<f32>,
    held: Vec<u64>,
}

impl Scatter {
    fn new(n: usize) -> Self {
        Self { sums: vec![0.0; n], held: vec![0; n.div_ceil(64)] }
    }

    fn push(&mut self, entries: impl Iterator<Item = (u32, f32)>, to: &mut Rows) {
        for (place, count) in entries {
            self.sums[place as usize] += count;
            self.held[place as usize / 64] |= 1 << (place % 64);
        }
        let (sums, held) = (&mut self.sums, &mut self.held);
        to.push(
            held.iter_mut()
                .enumerate()
                .flat_map(|(word, bits)| {
                    let mut left = std::mem::take(bits);
                    std::iter::from_fn(move || {
                        let place = (left != 0).then(|| word as u32 * 64 + left.trailing_zeros())?;
                        left &= left - 1;
                        Some(place)
                    })
                })
                .map(|place| (place, std::mem::take(&mut sums[place as usize]))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[(u32, f32)]]) -> Rows {
        let mut rows = Rows::default();
        cells.iter().for_each(|cell| rows.push(cell.iter().copied()));
        rows
    }

    #[test]
    fn cells_are_sorted_by_place_and_shared_places_are_added_up() {
        let read =
            rows(&[&[(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)], &[(3, 5.0)], &[], &[(0, 3.0), (2, 1.0)]]);
        let merge = |of: &[Option<u32>], kept: &[usize]| merge(&read, 10, kept, &Places::new(of));
        let turned = [Some(200), Some(64), Some(0), Some(64)];
        let expected = rows(&[&[(0, 4.0), (64, 10.0), (200, 1.0)], &[], &[(0, 1.0), (200, 3.0)]]);
        assert_eq!(merge(&turned, &[10, 12, 13]), expected);
        assert!(Places::new(&turned).shared() && !Places::new(&[Some(3), None, Some(0)]).shared());
        let ascending = [Some(1), None, Some(5), Some(6)];
        assert_eq!(merge(&ascending, &[10, 11]), rows(&[&[(1, 1.0), (5, 4.0), (6, 8.0)], &[(6, 5.0)]]));
        assert_eq!(merge(&[None; 4], &[10, 11]), rows(&[&[], &[]]));
        assert_eq!(merge(&turned, &[]), Rows::default());
    }
}
