//! An axis, linear or logarithmic.

use panfoma_core::report::axes::{tick_label, ticks};

/// Places values between the two ends of an axis.
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    bottom: f64,
    top: f64,
}

impl Scale {
    /// Holds all values; `None` if there are none. Percentages and the like begin at 0, logarithms at 1 or above.
    pub fn of(values: impl Iterator<Item = f64>, log: bool, (bottom, top): (f64, f64)) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            let value = if log { value.max(1.0).log10() } else { value };
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return None;
        }
        if !log {
            low = low.min(0.0);
            high = if high > low { high } else { low + 1.0 };
        }
        // A little room, and no empty span.
        let room = (0.04 * (high - low)).max(if log { 0.05 } else { 0.0 });
        let low = if log { (low - room).max(0.0) } else { low };
        Some(Self { low, high: high + room, log, bottom, top })
    }

    /// Between 0 and 1.
    pub fn share(&self, value: f64) -> f64 {
        let value = if self.log { value.max(1.0).log10() } else { value };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Pixels of a share.
    pub fn at_share(&self, share: f64) -> f64 {
        round(self.bottom + (self.top - self.bottom) * share)
    }

    /// The value at a share.
    pub fn value(&self, share: f64) -> f64 {
        let value = self.low + (self.high - self.low) * share;
        if self.log { 10f64.powf(value) } else { value }
    }

    /// Pixels of a value.
    pub fn place(&self, value: f64) -> f64 {
        self.at_share(self.share(value))
    }

    /// Does the axis reach it?
    pub fn holds(&self, value: f64) -> bool {
        let value = if self.log { value.max(1.0).log10() } else { value };
        value >= self.low && value <= self.high
    }

    /// Places with what they say.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        if !self.log {
            return ticks(self.low, self.high)
                .into_iter()
                .map(|tick| (self.place(tick), tick_label(tick)))
                .collect();
        }
        // Decades; of few decades their halves and fifths too.
        let factors: &[f64] = if self.high - self.low < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        (0..12)
            .flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)))
            .filter(|&tick| self.holds(tick))
            .map(|tick| (self.place(tick), thousands(tick)))
            .collect()
    }
}

/// `1`, `500`, `20k`, `3M`.
pub fn thousands(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", tick_label(value / 1e6)),
        value if value >= 1e3 => format!("{}k", tick_label(value / 1e3)),
        value => tick_label(value),
    }
}

/// Six digits, as data of a figure.
pub fn significant(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (5 - value.abs().log10().floor() as i32).clamp(0, 12) };
    let text = format!("{value:.*}", digits as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// To a tenth of a pixel.
pub fn round(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_decades_and_starts_at_1() {
        let scale = Scale::of([0.0, 50_000.0].into_iter(), true, (100.0, 0.0)).unwrap();
        let labels: Vec<String> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1", "10", "100", "1k", "10k"]);
        assert_eq!(scale.place(0.0), 100.0);
        assert!((scale.value(scale.share(730.0)) - 730.0).abs() < 1e-9);
        assert!(Scale::of([].into_iter(), true, (100.0, 0.0)).is_none());
    }

    #[test]
    fn data_have_six_digits_and_no_needless_zeros() {
        let texts = [0.0, 12.5, 1234.0, 0.000123456789, 7_654_321.0, -2.0 / 3.0].map(significant);
        assert_eq!(texts, ["0", "12.5", "1234", "0.000123457", "7654321", "-0.666667"]);
    }

    #[test]
    fn equal_values_still_have_a_span() {
        let scale = Scale::of([0.0, 0.0].into_iter(), false, (100.0, 0.0)).unwrap();
        let labels: Vec<String> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!((scale.place(0.0), labels[0].as_str()), (100.0, "0"));
        assert!(labels.windows(2).all(|two| two[0] != two[1]), "{labels:?}");
        let scale = Scale::of([7.0].into_iter(), true, (100.0, 0.0)).unwrap();
        assert!(scale.place(7.0) < 100.0 && scale.place(7.0) > 0.0);
    }
}
