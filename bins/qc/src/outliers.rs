//! Outliers by median absolute deviation, a sample at a time.

/// Which values lie more than `mads` MADs from the median of their sample (with `upper`, above it only).
///
/// |x − median| > mads · MAD over all cells of the sample; the MAD is not scaled by 1.4826. Missing values count for
/// nothing and are no outliers. Where more than half of a sample's cells share one value its MAD is 0 and says nothing
/// about the others, so none of that sample is an outlier.
pub fn outliers(values: &[f64], samples: &[i32], mads: f64, upper: bool) -> Vec<bool> {
    let n_samples = samples.iter().max().map_or(0, |&most| most as usize + 1);
    let mut of_sample: Vec<Vec<f64>> = vec![Vec::new(); n_samples];
    for (&value, &sample) in values.iter().zip(samples) {
        if !value.is_nan() {
            of_sample[sample as usize].push(value);
        }
    }
    let bounds: Vec<(f64, f64)> = of_sample
        .into_iter()
        .map(|mut values| {
            let middle = median(&mut values);
            values.iter_mut().for_each(|value| *value = (*value - middle).abs());
            (middle, median(&mut values))
        })
        .collect();
    let is_outlier = |(&value, &sample): (&f64, &i32)| {
        let (middle, mad) = bounds[sample as usize];
        let distance = if upper { value - middle } else { (value - middle).abs() };
        mad > 0.0 && distance > mads * mad
    };
    values.iter().zip(samples).map(is_outlier).collect()
}

/// The middle value, or the mean of the two in the middle; NaN of nothing. Orders the values.
pub fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    let (below, &mut middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return middle;
    }
    let before = below.iter().copied().max_by(f64::total_cmp).unwrap_or(middle);
    (before + middle) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], samples: &[i32], upper: bool, expected: &[usize]) {
        let found = outliers(values, samples, 3.0, upper);
        let at: Vec<usize> = (0..values.len()).filter(|&i| found[i]).collect();
        assert_eq!(at, expected, "{values:?}");
    }

    #[test]
    fn medians_are_those_of_the_sorted_values() {
        let cases: [(&[f64], f64); 4] =
            [(&[3.0], 3.0), (&[4.0, 1.0], 2.5), (&[9.0, 1.0, 2.0], 2.0), (&[5.0, 1.0, 7.0, 2.0], 3.5)];
        for (values, expected) in cases {
            assert_eq!(median(&mut values.to_vec()), expected, "{values:?}");
        }
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn a_value_at_the_bound_is_no_outlier() {
        // Median 10, MAD 1: from 7 to 13.
        let values = [9.0, 10.0, 11.0, 9.0, 11.0, 7.0, 13.0, 6.9, 13.1];
        check(&values, &[0; 9], false, &[7, 8]);
        check(&values, &[0; 9], true, &[8]);
    }

    #[test]
    fn each_sample_is_judged_by_its_own_median() {
        let values = [1.0, 2.0, 3.0, 100.0, 101.0, 102.0, 103.0, 2.5, 200.0];
        check(&values, &[0, 0, 0, 1, 1, 1, 1, 0, 1], false, &[8]);
    }

    #[test]
    fn missing_values_count_for_nothing_and_a_mad_of_zero_is_no_bound() {
        check(&[f64::NAN, 1.0, 2.0, 3.0, f64::NAN, 50.0], &[0; 6], false, &[5]);
        check(&[0.0, 0.0, 0.0, 0.0, 5.0], &[0; 5], true, &[]);
        check(&[f64::NAN], &[0], false, &[]);
    }
}
