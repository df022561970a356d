//! Percentile intervals from 1,000 resamples, the same resamples for every method, so that differences are paired.

use panfoma_core::rng::Philox;

/// Resamples drawn.
pub const N_DRAWS: u64 = 1_000;
/// With fewer patients, resampling them says little; cells are drawn instead, and the report says so.
pub const MIN_PATIENTS: usize = 5;

/// Names this use of the seed.
const PURPOSE: u32 = 0x626F_6F74;

/// What is drawn with replacement: patients where there are at least [`MIN_PATIENTS`], else cells.
pub struct Resamples {
    /// `patients` or `cells`.
    pub over: &'static str,
    /// The unit of each cell.
    unit_of: Vec<u32>,
    n_units: usize,
    seed: u64,
}

impl Resamples {
    /// Of `n_cells` cells; patients: codes, one a cell.
    pub fn new(n_cells: usize, patients: Option<&[u32]>, seed: u64) -> Self {
        if let Some(patients) = patients {
            let mut used = patients.to_vec();
            used.sort_unstable();
            used.dedup();
            if used.len() >= MIN_PATIENTS {
                let unit = |code: &u32| used.binary_search(code).expect("every code was collected") as u32;
                let unit_of = patients.iter().map(unit).collect();
                return Self { over: "patients", unit_of, n_units: used.len(), seed };
            }
        }
        Self { over: "cells", unit_of: (0..n_cells as u32).collect(), n_units: n_cells, seed }
    }

    /// How often each cell occurs in one resample: as many units as there are, drawn with replacement.
    pub fn weights(&self, draw: u64) -> Vec<u32> {
        let mut stream = Philox::new(self.seed).stream(draw, PURPOSE);
        let mut times = vec![0; self.n_units];
        (0..self.n_units).for_each(|_| times[stream.below(self.n_units as u32) as usize] += 1);
        self.unit_of.iter().map(|&unit| times[unit as usize]).collect()
    }
}

/// The 2.5th and 97.5th percentiles, linearly interpolated, of the draws in which the number is defined (not NaN);
/// `None` if it is undefined in more than half of them.
pub fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    let n_draws = values.len();
    values.retain(|value| !value.is_nan());
    if 2 * values.len() <= n_draws {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let quantile = |q: f64| {
        let at = q * (values.len() - 1) as f64;
        let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
        low + (high - low) * at.fract()
    };
    Some((quantile(0.025), quantile(0.975)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy_and_undefined_draws_are_left_out() {
        // numpy.percentile([0 .. 10], [2.5, 97.5])
        let mut values: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        values.push(f64::NAN);
        let (low, high) = interval(values).unwrap();
        assert!((low - 0.25).abs() < 1e-12 && (high - 9.75).abs() < 1e-12);
        assert_eq!(interval(vec![1.0, f64::NAN]), None);
    }

    fn accuracies(right: impl Fn(usize) -> bool, resamples: &Resamples) -> Vec<f64> {
        let accuracy = |draw| {
            let weights = resamples.weights(draw);
            let sum: u32 = weights.iter().enumerate().filter(|(cell, _)| right(*cell)).map(|(_, w)| w).sum();
            f64::from(sum) / f64::from(weights.iter().sum::<u32>())
        };
        (0..N_DRAWS).map(accuracy).collect()
    }

    /// A binomial proportion of 0.8 over 400 cells has a standard error of 0.02.
    #[test]
    fn the_interval_over_cells_is_as_wide_as_the_binomial_one() {
        let resamples = Resamples::new(400, Some(&[0; 400]), 0);
        assert_eq!(resamples.over, "cells");
        let (low, high) = interval(accuracies(|cell| cell % 5 != 0, &resamples)).unwrap();
        assert!((low - 0.7608).abs() < 0.008 && (high - 0.8392).abs() < 0.008, "{low} {high}");
    }

    /// Ten patients, one of them all wrong: patients vary, so the interval must be wider than over cells.
    #[test]
    fn patients_are_drawn_whole() {
        let patients: Vec<u32> = (0..400).map(|i| i / 40 * 3).collect();
        let resamples = Resamples::new(400, Some(&patients), 0);
        assert_eq!(resamples.over, "patients");
        let found = accuracies(|cell| cell >= 40, &resamples);
        let in_tenths = |accuracy: f64| (accuracy * 10.0 - (accuracy * 10.0).round()).abs() < 1e-9;
        assert!(found.iter().all(|&accuracy| in_tenths(accuracy)));
        let (low, high) = interval(found).unwrap();
        assert!(low <= 0.7 + 1e-12 && high >= 1.0 - 1e-12, "{low} {high}");
    }
}
