//! A control: the labels themselves as an embedding, the most that a method can keep of them and nothing else.

use crate::cells::Cells;
use panfoma_core::rng::Philox;

/// Half the width of the noise that keeps cells of one label apart, as Open Problems in Single-Cell Analysis has it.
const JITTER: f64 = 0.01;
/// Names this use of the seed.
const PURPOSE: u32 = 0x6A69_7474;

/// 1 in the dimension of a cell's label, 0 elsewhere, and uniform noise within ±0.01, drawn by the cell's name.
///
/// labels: one a row, codes below `n_labels`   returns [rows × labels].
pub fn embedded_labels(
    cells: &Cells,
    rows: &[usize],
    labels: &[u32],
    n_labels: usize,
    seed: u64,
) -> Vec<f32> {
    let philox = Philox::new(seed);
    let mut points = Vec::with_capacity(rows.len() * n_labels);
    for (&row, &label) in rows.iter().zip(labels) {
        let mut stream = philox.stream(cells.hash(row), PURPOSE);
        points.extend((0..n_labels).map(|dimension| {
            let own = if dimension == label as usize { 1.0 } else { 0.0 };
            (own + JITTER * (2.0 * stream.uniform() - 1.0)) as f32
        }));
    }
    points
}
