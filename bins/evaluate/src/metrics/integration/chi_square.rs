//! The upper tail of the chi-square distribution.

/// Probability that a chi-square variable of `freedom` degrees exceeds `x`: the regularised incomplete gamma function
/// Q(freedom / 2, x / 2), by its series or its continued fraction (Abramowitz & Stegun 6.5.29, 6.5.31; Lentz's method).
pub fn upper_tail(x: f64, freedom: f64) -> f64 {
    let (a, x) = (freedom / 2.0, x / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let scale = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        // P = scale · Σ x^n / (a (a + 1) … (a + n))
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * f64::EPSILON {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return 1.0 - scale * sum;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / f64::MIN_POSITIVE, 1.0 / b);
    let mut fraction = d;
    for i in 1..1_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    scale * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.chi2.sf` of SciPy 1.17.1.
    #[test]
    fn tails_are_those_of_scipy() {
        for (x, freedom, expected) in SCIPY {
            let found = upper_tail(x, freedom);
            assert!(
                (found - expected).abs() <= 1e-12 * expected.max(1e-3),
                "{x} {freedom}: {found} {expected}"
            );
        }
        assert_eq!(upper_tail(0.0, 3.0), 1.0);
    }

    const SCIPY: [(f64, f64, f64); 8] = [
        (0.1, 1.0, 0.7518296340458492),
        (3.84, 1.0, 0.05004352124870519),
        (2.0, 2.0, 0.36787944117144245),
        (30.0, 2.0, 3.0590232050182594e-07),
        (8.0, 9.0, 0.5341462169096916),
        (16.9, 9.0, 0.0503051901243108),
        (120.0, 99.0, 0.07424385580596692),
        (300.0, 40.0, 1.4955969722726186e-41),
    ];
}
