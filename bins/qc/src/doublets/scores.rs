//! The doublet score: how likely a cell is a doublet, by the simulated ones among its nearest neighbours.

use panfoma_core::neighbors::map_nearest;

/// Scores of a sample.
pub struct Scores {
    /// Of its cells.
    pub observed: Vec<f64>,
    /// Of its simulated doublets.
    pub simulated: Vec<f64>,
}

/// Scores by the exact nearest neighbours, Euclidean, among cells and simulated doublets together.
///
/// As in scanpy each is its own first neighbour, but counts as no doublet even if it is one: otherwise simulated
/// doublets would score higher than the cells they are compared with. (scanpy counts it unless the pairs hold a cell
/// paired with itself, whose doublet takes its place; with two pairs a cell they nearly always do.)
/// observed: [cells × dim]   simulated: [doublets × dim]
pub fn by_neighbours(observed: &[f32], simulated: &[f32], dim: usize, expected_rate: f64) -> Scores {
    let (n, n_simulated) = (observed.len() / dim, simulated.len() / dim);
    let ratio = n_simulated as f64 / n as f64;
    let neighbours = ((0.5 * (n as f64).sqrt()).round_ties_even() * (1.0 + ratio)).round_ties_even() as usize;
    let all: Vec<f32> = observed.iter().chain(simulated).copied().collect();
    let mut scores = map_nearest(&all, &all, dim, neighbours, |own, found| {
        let is_other_doublet = |at: u32| at as usize >= n && at as usize != own;
        let n_doublets = found.iter().filter(|(_, at)| is_other_doublet(*at)).count();
        score(n_doublets, neighbours, ratio, expected_rate)
    });
    let simulated = scores.split_off(n);
    Scores { observed: scores, simulated }
}

/// The posterior of Wolock et al. (2019), equation in STAR Methods, with one more neighbour of either kind.
/// `ratio`: simulated doublets a cell.
fn score(n_doublets: usize, neighbours: usize, ratio: f64, expected_rate: f64) -> f64 {
    let (q, rho) = ((n_doublets as f64 + 1.0) / (neighbours as f64 + 2.0), expected_rate);
    q * rho / ratio / (1.0 - rho - q * (1.0 - rho - rho / ratio))
}
