//! Does a method know how sure it is? Reliability curve, expected calibration error, accuracy against coverage.

/// Bins of equal width between 0 and 1, as in Guo et al. 2017.
pub const N_BINS: usize = 15;
/// Points of a coverage curve at most.
const MAX_POINTS: usize = 60;

/// The bin of a confidence: bins are (low, high], the first also holds 0.
pub fn bin_of(confidence: f64) -> usize {
    // By comparison with the very edges that are reported: a product would put some edges a bin too high.
    let above = (1..N_BINS).take_while(|&bin| confidence > edge(bin)).count();
    above.min(N_BINS - 1)
}

fn edge(bin: usize) -> f64 {
    bin as f64 / N_BINS as f64
}

/// Cells whose likeliest class has a probability in (low, high].
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Above this.
    pub low: f64,
    /// At most this.
    pub high: f64,
    /// Cells.
    pub n: u64,
    /// Mean probability of their likeliest class; 0 without cells.
    pub confidence: f64,
    /// Share of them that is right; 0 without cells.
    pub accuracy: f64,
}

/// The reliability curve. confidence, right: [n]   returns [`N_BINS`] bins, empty ones too.
pub fn reliability(confidence: &[f64], right: &[bool]) -> Vec<Bin> {
    assert_eq!(confidence.len(), right.len(), "cells");
    let empty = |bin| Bin { low: edge(bin), high: edge(bin + 1), ..Bin::default() };
    let mut bins: Vec<Bin> = (0..N_BINS).map(empty).collect();
    for (&confidence, &right) in confidence.iter().zip(right) {
        let bin = &mut bins[bin_of(confidence)];
        bin.n += 1;
        bin.confidence += confidence;
        bin.accuracy += f64::from(u8::from(right));
    }
    for bin in bins.iter_mut().filter(|bin| bin.n > 0) {
        bin.confidence /= bin.n as f64;
        bin.accuracy /= bin.n as f64;
    }
    bins
}

/// Accuracy over the cells a method is surest of.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Point {
    /// Share of cells that is assigned.
    pub coverage: f64,
    /// Probability below which a cell is left unassigned.
    pub threshold: f64,
    /// Accuracy over the assigned cells.
    pub accuracy: f64,
}

/// Accuracy against coverage as the threshold falls, surest cells first; equal confidences are assigned together.
///
/// At most 60 points, evenly spread over coverage; the last assigns every cell.
pub fn coverage(confidence: &[f64], right: &[bool]) -> Vec<Point> {
    let mut order: Vec<usize> = (0..confidence.len()).collect();
    order.sort_unstable_by(|&a, &b| confidence[b].total_cmp(&confidence[a]).then(a.cmp(&b)));
    let n = order.len();
    let (mut points, mut n_right, mut due) = (Vec::new(), 0usize, 0);
    for (at, &cell) in order.iter().enumerate() {
        n_right += usize::from(right[cell]);
        let last_of_score = order.get(at + 1).is_none_or(|&next| confidence[next] < confidence[cell]);
        if last_of_score && ((at + 1) * MAX_POINTS >= due * n || at + 1 == n) {
            points.push(Point {
                coverage: (at + 1) as f64 / n as f64,
                threshold: confidence[cell],
                accuracy: n_right as f64 / (at + 1) as f64,
            });
            due = (at + 1) * MAX_POINTS / n + 1;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, codes, json, matrix};

    fn golden() -> (Vec<f64>, Vec<bool>) {
        let inputs = json("cls_inputs.json");
        let best = |row: &Vec<f64>| {
            (1..row.len()).fold((0, row[0]), |best, i| if row[i] > best.1 { (i, row[i]) } else { best })
        };
        let best: Vec<(usize, f64)> = matrix(&inputs["P"]).iter().map(best).collect();
        let right = best.iter().zip(codes(&inputs["y"])).map(|(best, y)| best.0 == y as usize).collect();
        (best.iter().map(|best| best.1).collect(), right)
    }

    #[test]
    fn the_reliability_curve_is_that_of_scikit_learn() {
        let ((confidence, right), expected) = (golden(), &json("cls_more.json")["reliability"]);
        let bins = reliability(&confidence, &right);
        let filled: Vec<&Bin> = bins.iter().filter(|bin| bin.n > 0).collect();
        assert_eq!(filled.len(), expected["n"].as_array().unwrap().len());
        for (at, bin) in filled.iter().enumerate() {
            assert_eq!(expected["n"][at], bin.n);
            close(bin.accuracy, &expected["accuracy"][at], 1e-12);
            close(bin.confidence, &expected["confidence"][at], 1e-12);
        }
    }

    #[test]
    fn a_confidence_on_an_edge_belongs_below_it() {
        for bin in 1..=N_BINS {
            assert_eq!(bin_of(edge(bin)), bin - 1);
        }
        assert_eq!((bin_of(0.0), bin_of(f64::from(0.6f32))), (0, 9));
    }

    /// By hand: 0.9 right, 0.8 twice (one right), 0.1 wrong.
    #[test]
    fn equal_confidences_are_assigned_together() {
        let points = coverage(&[0.1, 0.8, 0.9, 0.8], &[false, true, true, false]);
        let seen: Vec<_> = points.iter().map(|p| (p.coverage, p.threshold, p.accuracy)).collect();
        assert_eq!(seen, [(0.25, 0.9, 1.0), (0.75, 0.8, 2.0 / 3.0), (1.0, 0.1, 0.5)]);
    }

    #[test]
    fn a_long_curve_is_thinned_and_ends_with_every_cell() {
        let confidence: Vec<f64> = (0..5_000).map(|i| f64::from(i) / 5e3).collect();
        let points = coverage(&confidence, &vec![true; 5_000]);
        assert!((50..=MAX_POINTS + 1).contains(&points.len()), "{}", points.len());
        assert_eq!(points.last().map(|p| p.coverage), Some(1.0));
    }
}
