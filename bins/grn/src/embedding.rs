//! Edges from gene embeddings: which genes does the model place beside a regulator, whatever the cell?

/// Cosine of every regulator's embedding with every other gene's, where it is positive: row of the regulator, gene id
/// of the target, cosine.
///
/// embeddings: [V + 1, D], row 0 = padding   regulators: gene ids
///
/// Cosine has no direction: the list of regulators gives it one. Genes that point away are no edges.
pub fn scores(embeddings: &[f32], d_model: usize, regulators: &[u32]) -> Vec<(u32, u32, f32)> {
    let n_rows = embeddings.len() / d_model;
    let row = |gene: usize| &embeddings[gene * d_model..(gene + 1) * d_model];
    let norms: Vec<f64> = (0..n_rows).map(|gene| dot(row(gene), row(gene)).sqrt()).collect();
    let mut scores = Vec::new();
    for (at, &regulator) in regulators.iter().enumerate() {
        let regulator = regulator as usize;
        for target in (1..n_rows).filter(|&target| target != regulator) {
            let scale = norms[regulator] * norms[target];
            let cosine = if scale > 0.0 { dot(row(regulator), row(target)) / scale } else { 0.0 };
            if cosine > 0.0 {
                scores.push((at as u32, target as u32, cosine as f32));
            }
        }
    }
    scores
}

/// Eight running sums, so that the compiler may use vector units; always added in the same order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(a) * f64::from(b);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_ignores_length_and_leaves_out_what_points_away() {
        // Padding, then gene 1 along x, gene 2 along x but longer, gene 3 against it, gene 4 at 60 degrees.
        let embeddings = [9.0, 9.0, 1.0, 0.0, 5.0, 0.0, -1.0, 0.0, 0.5, 0.75f32.sqrt()];
        let found = scores(&embeddings, 2, &[1]);
        assert_eq!(found.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>(), [(0, 2), (0, 4)]);
        assert!((found[0].2 - 1.0).abs() < 1e-7 && (found[1].2 - 0.5).abs() < 1e-7, "{found:?}");
    }
}
