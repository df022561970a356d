//! Percentile intervals from 1,000 resamples, the same resamples for every method, so that differences are paired.

use super::classification::Confusion;
use panfoma_core::rng::Philox;
use rayon::prelude::*;

/// Resamples drawn.
pub const N_DRAWS: u64 = 1_000;
/// With fewer patients, resampling them says little; cells are drawn instead, and the report says so.
pub const MIN_PATIENTS: usize = 5;

/// Names this use of the seed.
const PURPOSE: u32 = 0x626F_6F74;

/// What the methods said of the same cells.
pub struct Predictions<'a> {
    /// [n] codes below `n_classes`.
    pub truth: &'a [u32],
    /// [methods][n]; `None` is unassigned.
    pub predicted: Vec<&'a [Option<u32>]>,
    /// Number of classes.
    pub n_classes: usize,
}

/// Scores of the methods on resampled cells.
pub struct Draws {
    /// `patients` or `cells`.
    pub over: &'static str,
    /// [draws][methods].
    pub accuracy: Vec<Vec<f64>>,
    /// [draws][methods].
    pub macro_f1: Vec<Vec<f64>>,
}

/// Draws patients (codes, one a cell) with replacement where there are at least [`MIN_PATIENTS`], else cells.
pub fn draw(predictions: &Predictions, patients: Option<&[u32]>, seed: u64) -> Draws {
    let by_patient = patients.map(|patients| per_patient(predictions, patients));
    let by_patient = by_patient.filter(|units| units.len() >= MIN_PATIENTS);
    let scores: Vec<Vec<(f64, f64)>> = (0..N_DRAWS)
        .into_par_iter()
        .map(|draw| {
            let mut stream = Philox::new(seed).stream(draw, PURPOSE);
            let mut sums = vec![Confusion::new(predictions.n_classes); predictions.predicted.len()];
            match &by_patient {
                Some(units) => {
                    for _ in 0..units.len() {
                        let unit = &units[stream.below(units.len() as u32) as usize];
                        sums.iter_mut().zip(unit).for_each(|(sum, confusion)| sum.merge(confusion));
                    }
                }
                None => {
                    for _ in 0..predictions.truth.len() {
                        let cell = stream.below(predictions.truth.len() as u32) as usize;
                        for (sum, predicted) in sums.iter_mut().zip(&predictions.predicted) {
                            sum.add(predictions.truth[cell], predicted[cell], 1);
                        }
                    }
                }
            }
            let score = |sum: &Confusion| (sum.accuracy().unwrap_or(0.0), sum.macro_f1().unwrap_or(0.0));
            sums.iter().map(score).collect()
        })
        .collect();
    let pick = |of: fn(&(f64, f64)) -> f64| scores.iter().map(|draw| draw.iter().map(of).collect()).collect();
    let over = if by_patient.is_some() { "patients" } else { "cells" };
    Draws { over, accuracy: pick(|score| score.0), macro_f1: pick(|score| score.1) }
}

/// [patients][methods]; patients without cells are left out.
fn per_patient(predictions: &Predictions, patients: &[u32]) -> Vec<Vec<Confusion>> {
    let n_patients = patients.iter().max().map_or(0, |&max| max as usize + 1);
    let none = vec![Confusion::new(predictions.n_classes); predictions.predicted.len()];
    let mut units = vec![none; n_patients];
    for (cell, &patient) in patients.iter().enumerate() {
        for (confusion, predicted) in units[patient as usize].iter_mut().zip(&predictions.predicted) {
            confusion.add(predictions.truth[cell], predicted[cell], 1);
        }
    }
    units.retain(|unit| unit.first().is_some_and(|confusion| confusion.n_cells() > 0));
    units
}

/// The 2.5th and 97.5th percentiles, linearly interpolated.
pub fn interval(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let quantile = |q: f64| {
        let at = q * (values.len() - 1) as f64;
        let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
        low + (high - low) * at.fract()
    };
    (quantile(0.025), quantile(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy.percentile([0 .. 10], [2.5, 97.5])
        let (low, high) = interval((0..=10).rev().map(f64::from).collect());
        assert!((low - 0.25).abs() < 1e-12 && (high - 9.75).abs() < 1e-12);
    }

    /// A binomial proportion of 0.8 over 400 cells has a standard error of 0.02.
    #[test]
    fn the_interval_over_cells_is_as_wide_as_the_binomial_one() {
        let truth = vec![0; 400];
        let predicted: Vec<_> = (0..400).map(|i| Some(u32::from(i % 5 == 0))).collect();
        let predictions = Predictions { truth: &truth, predicted: vec![&predicted], n_classes: 2 };
        let draws = draw(&predictions, None, 0);
        assert_eq!(draws.over, "cells");
        let (low, high) = interval(draws.accuracy.iter().map(|draw| draw[0]).collect());
        assert!((low - 0.7608).abs() < 0.008 && (high - 0.8392).abs() < 0.008, "{low} {high}");
    }

    /// Ten patients, one of them all wrong: patients vary, so the interval must be wider than over cells.
    #[test]
    fn patients_are_drawn_whole() {
        let truth = vec![0; 400];
        let predicted: Vec<_> = (0..400).map(|i| Some(u32::from(i < 40))).collect();
        let patients: Vec<u32> = (0..400).map(|i| i / 40).collect();
        let predictions =
            Predictions { truth: &truth, predicted: vec![&predicted, &predicted], n_classes: 2 };
        let draws = draw(&predictions, Some(&patients), 0);
        assert_eq!(draws.over, "patients");
        let in_tenths = |accuracy: f64| (accuracy * 10.0 - (accuracy * 10.0).round()).abs() < 1e-9;
        assert!(draws.accuracy.iter().all(|draw| draw[0] == draw[1] && in_tenths(draw[0])));
        let (low, high) = interval(draws.accuracy.iter().map(|draw| draw[0]).collect());
        assert!(low <= 0.7 + 1e-12 && high >= 1.0 - 1e-12, "{low} {high}");
    }
}
