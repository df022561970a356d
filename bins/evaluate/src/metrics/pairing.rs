//! Two embeddings of the same cells in one space, say of RNA and of proteins: does each cell find itself?

use panfoma_core::dense::{squared_distances, squared_norms};
use rayon::prelude::*;

/// Cells whose distances are held at once, a thread.
const BLOCK: usize = 64;

/// How well cells of one embedding find themselves in another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pairing {
    /// Fraction of cells that lie closer than the true match, mean over cells and both directions; 0 is best, 0.5 chance.
    pub foscttm: f64,
    /// Share of cells whose nearest in the other embedding is the same cell.
    pub recall_1: f64,
    /// Share of cells that are among their ten nearest in the other embedding.
    pub recall_10: f64,
    /// Share of cells whose nearest in the other embedding has their label.
    pub label_transfer: f64,
}

/// From `a` to `b`; only `foscttm` looks both ways. Source of FOSCTTM: Singh et al. 2020, as in scGLUE.
///
/// a, b: [n × dim], n > 0   labels: [n].
pub fn pairing(a: &[f64], b: &[f64], dim: usize, labels: &[u32]) -> Pairing {
    let found = one_way(a, b, dim, labels);
    let back = one_way(b, a, dim, labels);
    Pairing { foscttm: (found.foscttm + back.foscttm) / 2.0, ..found }
}

fn one_way(a: &[f64], b: &[f64], dim: usize, labels: &[u32]) -> Pairing {
    let n = labels.len();
    let norms = squared_norms(b, dim);
    // Whole numbers, so that no order of blocks changes the sums: closer cells, hits at 1, hits at 10, labels.
    let counts = a
        .par_chunks(BLOCK * dim)
        .enumerate()
        .map(|(block, points)| {
            let distances = squared_distances(points, b, &norms, dim);
            let mut counts = [0u64; 4];
            for (i, row) in distances.chunks_exact(n).enumerate() {
                let cell = block * BLOCK + i;
                let own = row[cell];
                let closer = row.iter().filter(|&&distance| distance < own).count();
                // Of equal distances the first is the nearer.
                let rank = closer + row[..cell].iter().filter(|&&distance| distance == own).count();
                let nearest = (1..n).fold(0, |best, other| if row[other] < row[best] { other } else { best });
                let hits = [rank < 1, rank < 10, labels[nearest] == labels[cell]];
                counts[0] += closer as u64;
                counts[1..].iter_mut().zip(hits).for_each(|(count, hit)| *count += u64::from(hit));
            }
            counts
        })
        .reduce(|| [0; 4], |a, b| std::array::from_fn(|i| a[i] + b[i]));
    let [closer, first, tenth, labelled] = counts.map(|count| count as f64 / n as f64);
    Pairing { foscttm: closer / n as f64, recall_1: first, recall_10: tenth, label_transfer: labelled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, path, pbmc};

    /// numpy's definition as in scGLUE, on 700 cells of 10 dimensions; a row of the file holds both embeddings.
    #[test]
    fn pairing_is_that_of_scglue() {
        let bytes = std::fs::read(path("multiomic.f64")).unwrap();
        let numbers: Vec<f64> =
            bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        let half = |from: usize| -> Vec<f64> {
            numbers.chunks_exact(20).flat_map(|row| &row[from..from + 10]).copied().collect()
        };
        let (a, b, labels) = (half(0), half(10), pbmc().1);
        let expected = &json("cls.json")["multiomic"];
        let found = pairing(&a, &b, 10, &labels);
        close(found.foscttm, &expected["foscttm"], 1e-12);
        close(found.recall_1, &expected["recall@1"], 1e-12);
        close(found.recall_10, &expected["recall@10"], 1e-12);
        close(found.label_transfer, &expected["label_transfer_1nn_acc"], 1e-12);
        close(one_way(&a, &b, 10, &labels).foscttm, &expected["foscttm_x"], 1e-12);
        close(one_way(&b, &a, 10, &labels).foscttm, &expected["foscttm_y"], 1e-12);
    }

    #[test]
    fn a_perfect_pairing_has_no_cell_closer_and_ties_do_no_harm() {
        let points = [0.0, 1.0, 2.0, 2.0];
        let found = pairing(&points, &points, 1, &[0, 1, 2, 2]);
        assert_eq!((found.foscttm, found.recall_1, found.label_transfer), (0.0, 0.75, 1.0));
    }
}
