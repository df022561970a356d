//! Edges that differ between two groups of cells.
//!
//! Each method with an error of its own is compared: z = (a − b) / √(error²(a) + error²(b)), two-sided by the normal
//! distribution, and q by Benjamini & Hochberg (1995) over all pairs of genes of a method and contrast.
//!
//! | method | a, b | error² |
//! |---|---|---|
//! | attention, any form and head | mean over the times a pair met | variance / cells in which it met, 10 of them at least |
//! | `pearson` | atanh r (Fisher; DiffCorr, Fukushima 2013) | 1 / (cells − 3) |
//! | `spearman` | atanh ρ | 1.06 / (cells − 3) (Fieller, Hartley & Pearson 1957) |
//!
//! Boosted trees and gene embeddings have no such error and are not compared. Cells of one patient are alike, which no error
//! here knows: beside every contrast stands what the same test finds between two random halves of the same cells, and it
//! cannot show differences between patients that have nothing to do with the groups. Read both as upper bounds.

mod contrasts;
mod report;
#[cfg(test)]
mod tests;

pub use contrasts::{Contrast, halves};
pub use report::{Finding, write};

/// Cells in which a pair must have met, in either group.
const MIN_CELLS: f32 = 10.0;
/// False finds among those counted as different.
pub const MAX_Q: f64 = 0.05;

/// What a method says of every pair in one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimates {
    /// [regulators × (V + 1)], NaN where nothing is known.
    pub values: Vec<f32>,
    /// How sure that is.
    pub errors: Errors,
}

/// Squared standard errors.
#[derive(Clone, Debug, PartialEq)]
pub enum Errors {
    /// Of every value. [regulators × (V + 1)]
    Each(Vec<f32>),
    /// Of a correlation's atanh, the same for every pair.
    OfAtanh(f64),
}

/// A pair that was tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Place among [regulators × (V + 1)].
    pub at: usize,
    /// In the first group, in the second.
    pub values: [f32; 2],
    /// Positive: larger in the first.
    pub z: f64,
    /// Two-sided.
    pub p: f64,
    /// Share of false finds up to this one.
    pub q: f64,
}

impl Estimates {
    /// Of means over meetings. sums, squares: [n] over `meetings` [n], of which each cell has `draws`.
    pub fn of_means(
        sums: impl Iterator<Item = f64>,
        squares: impl Iterator<Item = f64>,
        meetings: &[u32],
        draws: u32,
    ) -> Self {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for ((sum, squares), &n) in sums.zip(squares).zip(meetings) {
            let (n, cells) = (f64::from(n), f64::from(n) / f64::from(draws));
            if cells < f64::from(MIN_CELLS) {
                values.push(f32::NAN);
                errors.push(f32::NAN);
                continue;
            }
            let mean = sum / n;
            let variance = (squares / n - mean * mean).max(0.0) * n / (n - 1.0);
            values.push(mean as f32);
            errors.push((variance / cells) as f32);
        }
        Self { values, errors: Errors::Each(errors) }
    }

    fn on_scale(&self, at: usize) -> (f64, f64) {
        let value = f64::from(self.values[at]);
        match &self.errors {
            Errors::Each(errors) => (value, f64::from(errors[at])),
            Errors::OfAtanh(error) => (libm::atanh(value.clamp(-1.0 + 1e-7, 1.0 - 1e-7)), *error),
        }
    }
}

/// Every pair that both groups know, the surest difference first; ties in the order of pairs.
pub fn differences(a: &Estimates, b: &Estimates) -> Vec<Difference> {
    let mut found = Vec::new();
    for at in 0..a.values.len() {
        let ((x, x_error), (y, y_error)) = (a.on_scale(at), b.on_scale(at));
        let error = (x_error + y_error).sqrt();
        // Not a number where a pair is unknown; without spread nothing can be said.
        if error > 0.0 && (x - y).is_finite() {
            let z = (x - y) / error;
            let p = libm::erfc(z.abs() / std::f64::consts::SQRT_2);
            found.push(Difference { at, values: [a.values[at], b.values[at]], z, p, q: 1.0 });
        }
    }
    found.sort_by(|a, b| a.p.total_cmp(&b.p).then(b.z.abs().total_cmp(&a.z.abs())).then(a.at.cmp(&b.at)));
    let n = found.len() as f64;
    let mut least = 1.0f64;
    for (rank, difference) in found.iter_mut().enumerate().rev() {
        least = least.min(difference.p * n / (rank + 1) as f64);
        difference.q = least;
    }
    found
}
