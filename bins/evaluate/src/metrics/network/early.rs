//! Early precision: how many of the best-scored edges are true?

use std::collections::BTreeMap;

/// An edge of the ranking with the magnitude of its score; entries that differ in the score's bits only are two.
pub type Candidates<'a> = BTreeMap<(&'a str, &'a str, u64), f64>;

/// The edges whose score is at least that of rank k, and larger than 0; ties at rank k are all in.
pub fn selected<'a>(candidates: &Candidates<'a>, k: usize) -> Vec<(&'a str, &'a str)> {
    let scores = candidates.values().copied().collect();
    let Some(threshold) = threshold(scores, k) else { return Vec::new() };
    let chosen = candidates.iter().filter(|&(_, &score)| score >= threshold);
    chosen.map(|(&(regulator, target, _), _)| (regulator, target)).collect()
}

/// The score of rank `k`, or of the last if there are fewer, but at least the smallest that is not 0.
pub fn threshold(mut scores: Vec<f64>, k: usize) -> Option<f64> {
    scores.retain(|&score| score > 0.0);
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.get(k.min(scores.len()).wrapping_sub(1)).copied()
}
