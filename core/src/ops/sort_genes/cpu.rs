use super::{Chunks, SortGenes, Sorted};
use crate::device::cpu::stale;
use crate::device::{Cpu, Device, Real, Result, Tensor};
use crate::ops::matmul::cpu::dot;

/// Tokens of one cell in sorted order: scores descending, ties (0 and -0 tie) in input order, NaN behind every
/// number, padding last.
pub(super) fn order<T: Real>(scores: &[T], genes: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..genes.len() as u32).collect();
    let key = |&token: &u32| {
        let (gene, score) = (genes[token as usize], scores[token as usize]);
        let class = if gene == 0 { 2 } else { u8::from(score.partial_cmp(&score).is_none()) };
        (class, score)
    };
    order.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        let by_score = if a.0 == 0 { b.1.partial_cmp(&a.1) } else { None };
        a.0.cmp(&b.0).then(by_score.unwrap_or(std::cmp::Ordering::Equal))
    });
    order
}

impl<T: Real> SortGenes for Cpu<T> {
    fn sort_genes(&self, states: &Tensor<Self>, genes: &Vec<u32>, chunks: Chunks) -> Result<Sorted<Self>> {
        let (n, seq_len) = (states.cols(), chunks.seq_len());
        let state = |row: usize| &states.as_slice()[row * n..][..n];
        let mut global = self.zeros(&[chunks.n_cells, n])?;
        let mut scores = stale(&[chunks.n_cells, seq_len]);
        let mut rows = vec![0; chunks.n_cells * seq_len];
        let mut places = vec![0; chunks.n_cells * seq_len];
        let share = T::ONE / T::from_f64(chunks.n_chunks as f64);
        for (cell, genes) in genes.chunks_exact(seq_len).enumerate() {
            let g = &mut global.as_mut_slice()[cell * n..][..n];
            for chunk in 0..chunks.n_chunks {
                let cls = state(chunks.cls_row(cell, chunk));
                g.iter_mut().zip(cls).for_each(|(g, &x)| *g += x);
            }
            g.iter_mut().for_each(|g| *g = *g * share);
            let scores = &mut scores.as_mut_slice()[cell * seq_len..][..seq_len];
            for (token, score) in scores.iter_mut().enumerate() {
                *score = dot(state(chunks.row(cell, token)), g);
            }
            for (place, token) in order(scores, genes).into_iter().enumerate() {
                let place = cell * seq_len + place;
                rows[place] = chunks.row(cell, token as usize) as u32;
                places[cell * seq_len + token as usize] = place as u32;
            }
        }
        Ok(Sorted { global, scores, rows, places })
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    fn check(scores: &[f32], genes: &[u32], expected: &[u32]) {
        assert_eq!(order(scores, genes), expected, "scores {scores:?}, genes {genes:?}");
    }

    #[test]
    fn order_is_descending_with_ties_in_input_order_and_padding_last() {
        check(&[1.0, 3.0, 2.0], &[5, 6, 7], &[1, 2, 0]);
        check(&[2.0, 1.0, 2.0, 1.0], &[1, 1, 1, 1], &[0, 2, 1, 3]);
        check(&[9.0, 1.0, 8.0, 2.0], &[0, 1, 0, 1], &[3, 1, 0, 2]);
        check(&[-0.0, 0.0, -0.0], &[1, 1, 1], &[0, 1, 2]);
    }

    #[test]
    fn order_puts_nan_behind_numbers_and_before_padding() {
        let nan = f32::NAN;
        check(&[nan, 1.0, nan, 9.0, f32::NEG_INFINITY], &[1, 1, 1, 0, 1], &[1, 4, 0, 2, 3]);
    }
}
