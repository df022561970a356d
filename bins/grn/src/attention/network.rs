//! Sums over the cells of a group.

use super::{Channels, PRIOR_MEETINGS};
use crate::differential::Estimates;

/// What one cell says: pairs of genes that met, with a value for each channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meetings {
    /// Row among the regulators and gene id of the target; a pair may meet in several chunks.
    pub pairs: Vec<(u32, u32)>,
    /// [pairs x channels]
    pub values: Vec<f32>,
}

/// Sums over the cells of one group.
pub struct Network {
    n_columns: usize,
    /// What a pair scores that the model is indifferent to. [channels]
    indifferent: Vec<f64>,
    /// [regulators x (V + 1) x channels]
    sum: Vec<f64>,
    /// Of squares, where groups are to be compared; else empty. [regulators x (V + 1) x channels]
    squares: Vec<f64>,
    /// [regulators x (V + 1)]
    meetings: Vec<u32>,
}

impl Network {
    /// Bytes of the sums over so many regulators and genes.
    pub fn bytes(n_regulators: usize, n_genes: usize, channels: &Channels, squares: bool) -> u64 {
        let sums = if squares { 16 } else { 8 };
        (n_regulators * (n_genes + 1)) as u64 * (4 + sums * channels.n_channels() as u64)
    }

    /// No meetings yet; `squares`: for [`Network::estimates`].
    pub fn new(n_regulators: usize, n_genes: usize, channels: &Channels, squares: bool) -> Self {
        let n = n_regulators * (n_genes + 1);
        Self {
            n_columns: n_genes + 1,
            indifferent: channels.indifferent(),
            sum: vec![0.0; n * channels.n_channels()],
            squares: vec![0.0; if squares { n * channels.n_channels() } else { 0 }],
            meetings: vec![0; n],
        }
    }

    /// Adds what one cell says. The order of cells is part of the arithmetic: keep it fixed.
    pub fn add(&mut self, meetings: &Meetings) {
        let n = self.indifferent.len();
        for (&(regulator, target), values) in meetings.pairs.iter().zip(meetings.values.chunks_exact(n)) {
            let at = regulator as usize * self.n_columns + target as usize;
            self.meetings[at] += 1;
            let sums = &mut self.sum[at * n..(at + 1) * n];
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            if let Some(squares) = self.squares.get_mut(at * n..(at + 1) * n) {
                squares.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value).powi(2));
            }
        }
    }

    /// What one channel says of every pair and how sure that is; each cell was drawn `draws` times.
    pub fn estimates(&self, channel: usize, draws: u32) -> Estimates {
        let channels = self.indifferent.len();
        let sums = self.sum.iter().skip(channel).step_by(channels).copied();
        let squares = self.squares.iter().skip(channel).step_by(channels).copied();
        Estimates::of_means(sums, squares, &self.meetings, draws)
    }

    /// Every pair that met, by one channel: row of the regulator, gene id of the target, score.
    pub fn scores(&self, channel: usize) -> impl Iterator<Item = (u32, u32, f32)> + '_ {
        let n = self.indifferent.len();
        let met = self.meetings.iter().enumerate().filter(|&(_, &n)| n > 0);
        met.map(move |(at, &meetings)| {
            let prior = PRIOR_MEETINGS * self.indifferent[channel];
            let score = (self.sum[at * n + channel] + prior) / (f64::from(meetings) + PRIOR_MEETINGS);
            ((at / self.n_columns) as u32, (at % self.n_columns) as u32, score as f32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Form;

    #[test]
    fn pairs_that_met_once_are_drawn_towards_indifference() {
        let channels = Channels {
            layers: vec![0],
            heads: vec![0],
            forms: vec![Form::Lift, Form::Rank],
            per_head: false,
        };
        let mut network = Network::new(1, 3, &channels, false);
        let once = Meetings { pairs: vec![(0, 3)], values: vec![12.0, 0.75] };
        network.add(&once);
        // (12 + 10 * 1) / (1 + 10), and (0.75 + 10 * 0.5) / (1 + 10)
        assert_eq!(network.scores(0).collect::<Vec<_>>(), [(0, 3, 2.0)]);
        assert_eq!(network.scores(1).collect::<Vec<_>>(), [(0, 3, 5.75 / 11.0)]);
        for _ in 0..89 {
            network.add(&once);
        }
        // (90 * 12 + 10) / 100
        assert_eq!(network.scores(0).next(), Some((0, 3, 10.9)));
    }
}
