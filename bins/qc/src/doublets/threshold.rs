//! The threshold between the two modes of the simulated doublets' scores: those that look like single cells, because
//! their parents are alike, and those that do not (scikit-image 0.26, `threshold_minimum`; Prewitt & Mendelsohn 1966).

const BINS: usize = 256;
const MAX_ROUNDS: usize = 10_000;

/// The lowest point between the modes of the smoothed histogram; `None` unless two modes remain.
pub fn between_two_modes(scores: &[f64]) -> Option<f64> {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if scores.is_empty() || low >= high {
        return None;
    }
    let step = (high - low) / BINS as f64;
    let edge = |bin: usize| low + bin as f64 * step;
    let mut counts = vec![0.0_f32; BINS];
    for &score in scores {
        // Scores take few values, which may lie on edges; a bin holds its lower one, the last both.
        let bin = (((score - low) * (BINS as f64 / (high - low))) as usize).min(BINS - 1);
        let bin = if score < edge(bin) { bin - 1 } else { bin };
        let bin = if bin + 1 < BINS && score >= edge(bin + 1) { bin + 1 } else { bin };
        counts[bin] += 1.0;
    }
    let mut modes = Vec::new();
    for _ in 0..MAX_ROUNDS {
        counts = smoothed(&counts);
        modes = maxima(&counts);
        if modes.len() < 3 {
            break;
        }
    }
    let [first, second] = modes[..] else { return None };
    let lowest =
        (first..=second).reduce(|lowest, bin| if counts[bin] < counts[lowest] { bin } else { lowest })?;
    Some((edge(lowest) + edge(lowest + 1)) / 2.0)
}

/// Means of three neighbouring bins, the outer ones repeated. A running sum in f64 and results in f32, as SciPy's
/// `uniform_filter1d` has them: rounding decides which of equal bins is a mode.
fn smoothed(counts: &[f32]) -> Vec<f32> {
    let at = |bin: isize| f64::from(counts[bin.clamp(0, BINS as isize - 1) as usize]);
    let mut mean = (at(-1) + at(0) + at(1)) / 3.0;
    let mut out = vec![mean as f32];
    for bin in 1..BINS as isize {
        mean += (at(bin + 1) - at(bin - 2)) / 3.0;
        out.push(mean as f32);
    }
    out
}

/// The last bin of every rise, or of the level that follows it, before a fall.
fn maxima(counts: &[f32]) -> Vec<usize> {
    let mut maxima = Vec::new();
    let mut rising = true;
    for bin in 0..counts.len() - 1 {
        if rising && counts[bin + 1] < counts[bin] {
            rising = false;
            maxima.push(bin);
        } else if !rising && counts[bin + 1] > counts[bin] {
            rising = true;
        }
    }
    maxima
}
