//! Draws from named streams: what is drawn names the stream, so no draw depends on another.

use panfoma_core::rng::Stream;

/// What a stream is for; the number is part of the key, so the order here is fixed for ever.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Purpose {
    /// Base rate and dispersion of a gene.
    Gene = 1,
    /// Targets of a regulator.
    Edges = 2,
    /// Gene-wise efficiency of a study.
    StudyEffect = 3,
    /// Genes that a study's panel misses.
    Panel = 4,
    /// Gene-wise efficiency of a library batch.
    BatchEffect = 5,
    /// Composition, regulator shifts and copy numbers of a patient.
    Patient = 6,
    /// Soup and share of damaged cells of a sample.
    Sample = 7,
    /// Regulator levels that a cancer type gives to its cells.
    CancerType = 8,
    /// Type, quality, depth and regulator noise of a cell.
    Cell = 9,
    /// Counts of a cell.
    Counts = 10,
    /// The second cell of a doublet.
    Partner = 11,
}

/// A negative binomial count with this mean and variance mean + dispersion * mean^2, by inversion of one uniform.
///
/// Inversion walks from 0 up to the draw, so its cost grows with the count: right for counts below some thousands.
pub fn negative_binomial(uniform: f64, mean: f64, dispersion: f64) -> u32 {
    if mean <= 0.0 {
        return 0;
    }
    let size = 1.0 / dispersion;
    let odds = mean / (size + mean);
    let mut probability = libm::exp(-size * libm::log1p(mean / size));
    let mut cumulative = probability;
    let mut count = 0u32;
    // The bound is met only where rounding keeps the sum of probabilities below the uniform.
    let bound = (mean + 40.0 * libm::sqrt(mean + dispersion * mean * mean)) as u32 + 40;
    while cumulative < uniform && count < bound {
        probability *= odds * (f64::from(count) + size) / f64::from(count + 1);
        cumulative += probability;
        count += 1;
    }
    count
}

/// exp(location + scale * normal).
pub fn log_normal(stream: &mut Stream, location: f64, scale: f64) -> f64 {
    libm::exp(location + scale * stream.normal())
}

/// Index drawn in proportion to `weights`, which are positive.
pub fn choose(stream: &mut Stream, weights: &[f64]) -> usize {
    let mut left = stream.uniform() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    /// Mean m and variance m + d m^2 of the definition, within five standard errors.
    #[test]
    fn negative_binomial_has_the_mean_and_the_variance_it_is_asked_for() {
        for (mean, dispersion) in [(0.05, 0.3), (2.0, 0.5), (150.0, 0.2)] {
            let mut stream = Philox::new(1).stream(0, 0);
            let n = 200_000;
            let draws: Vec<f64> =
                (0..n).map(|_| f64::from(negative_binomial(stream.uniform(), mean, dispersion))).collect();
            let sample_mean = draws.iter().sum::<f64>() / f64::from(n);
            let sample_variance = draws.iter().map(|x| (x - sample_mean).powi(2)).sum::<f64>() / f64::from(n);
            let variance = mean + dispersion * mean * mean;
            let standard_error = (variance / f64::from(n)).sqrt();
            assert!((sample_mean - mean).abs() < 5.0 * standard_error, "mean {sample_mean} of {mean}");
            // The fourth moment of these distributions keeps the relative error of the variance below 3 %.
            assert!(
                (sample_variance / variance - 1.0).abs() < 0.03,
                "variance {sample_variance} of {variance}"
            );
        }
    }

    #[test]
    fn choose_follows_the_weights() {
        let mut stream = Philox::new(1).stream(0, 0);
        let mut seen = [0; 3];
        (0..40_000).for_each(|_| seen[choose(&mut stream, &[1.0, 2.0, 1.0])] += 1);
        assert!((9_500..10_500).contains(&seen[0]) && (19_500..20_500).contains(&seen[1]), "{seen:?}");
    }
}
