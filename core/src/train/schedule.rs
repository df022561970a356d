//! The learning rate of a step: linear warm-up, then a cosine down to a floor.

/// The learning rate over a run of known length.
///
/// `lr(s) = peak * (s + 1) / warmup` for `s < warmup`, then
/// `floor + (peak - floor) * (1 + cos(pi * t)) / 2` with `t = (s - warmup) / (total - 1 - warmup)`,
/// so that the first step already moves, step `warmup` has the peak and the last step the floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f64,
    /// The last learning rate as a part of the peak, 0 to 1.
    pub floor: f64,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// Steps of the whole run.
    pub total: u64,
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0; the floor from the last step on.
    pub fn learning_rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let decay = self.total.saturating_sub(self.warmup + 1);
        if decay == 0 {
            return self.peak;
        }
        let t = ((step - self.warmup) as f64 / decay as f64).min(1.0);
        // `libm`, so that every machine steps by the same bits.
        let cosine = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * t));
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule { peak: 2e-3, floor: 0.1, warmup: 10, total: 111 };

    fn check(step: u64, expected: f64) {
        let found = SCHEDULE.learning_rate(step);
        assert!((found - expected).abs() < 1e-15, "step {step}: {found}, expected {expected}");
    }

    #[test]
    fn warm_up_begins_above_zero_and_reaches_the_peak() {
        check(0, 2e-4);
        check(4, 1e-3);
        check(9, 2e-3);
        check(10, 2e-3);
    }

    #[test]
    fn the_cosine_is_half_way_in_the_middle_and_ends_at_the_floor() {
        check(60, (2e-3 + 2e-4) / 2.0);
        check(110, 2e-4);
        check(1_000, 2e-4);
    }

    #[test]
    fn a_run_of_warm_up_only_never_divides_by_zero() {
        let short = Schedule { warmup: 1, total: 1, ..SCHEDULE };
        assert_eq!([short.learning_rate(0), short.learning_rate(1)], [2e-3, 2e-3]);
        let none = Schedule { warmup: 0, total: 1, ..SCHEDULE };
        assert_eq!(none.learning_rate(0), 2e-3);
    }
}
