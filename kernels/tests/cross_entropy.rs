//! Cross-entropy and its gradient against float64.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

fn check(rows: usize, cols: usize, weighted: bool, scale: f64) {
    let logits: Vec<f64> = random_bf16(rows * cols, 1).iter().map(|x| x * 4.0).collect();
    let targets: Vec<u32> = (0..rows).map(|r| (r * 7 % cols) as u32).collect();
    let weights: Vec<f64> = random_f32(rows, 2).iter().map(|x| x.abs()).collect();
    let (mut d, mut nll, mut correct) = (vec![], vec![], vec![]);
    for (r, row) in logits.chunks(cols).enumerate() {
        let (w, target) = (if weighted { weights[r] } else { 1.0 }, targets[r] as usize);
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - most).exp()).sum();
        nll.push(w * (sum.ln() + most - row[target]));
        correct.push(u32::from(row[target] == most));
        let hit = |c| if c == target { 1.0 } else { 0.0 };
        d.extend(row.iter().enumerate().map(|(c, x)| scale * w * ((x - most).exp() / sum - hit(c))));
    }
    let mut g = Device::new();
    let (logits_, targets_) = (g.bf16(&logits), g.u32(&targets));
    let weights_ = if weighted { g.f32(&weights) } else { Arg::Ptr(0) };
    let (nll_, correct_, sums) = (g.empty(4 * rows), g.empty(4 * rows), g.empty(16));
    let args = [logits_, targets_, weights_, nll_, correct_, n(rows), n(cols), Arg::F32(scale as f32)];
    g.launch(&kernel("cross_entropy"), flat(rows, 4).of(128), &args);
    close("gradient", &g.read_bf16(logits_), &d, 3e-3);
    close("nll of each row", &g.read_f32(nll_), &nll, 1e-6);
    assert_eq!(g.read_u32(correct_), correct);
    g.launch(&kernel("cross_entropy_sums"), flat(1, 1).of(256), &[nll_, correct_, sums, n(rows)]);
    let found = g.read_f64(sums);
    let expected = nll.iter().sum::<f64>();
    assert!((found[0] / expected - 1.0).abs() < 1e-6, "nll {} of {expected}", found[0]);
    assert_eq!(found[1], f64::from(correct.iter().sum::<u32>()));
}

#[test]
fn rows_of_any_number_of_classes() {
    check(1, 2, false, 1.0);
    check(31, 33, true, 0.25);
    check(33, 51, false, 1.0 / 33.0);
    check(769, 53, true, 1.0);
    check(5, 1025, false, 1.0);
}

/// e^100 overflows f32.
#[test]
fn large_logits_do_not_overflow() {
    let logits = [100.0, -100.0, 99.0, 100.0];
    let mut g = Device::new();
    let (logits_, targets, nll, correct) = (g.bf16(&logits), g.u32(&[1, 1]), g.empty(8), g.empty(8));
    let args = [logits_, targets, Arg::Ptr(0), nll, correct, n(2), n(2), Arg::F32(1.0)];
    g.launch(&kernel("cross_entropy"), flat(2, 4).of(128), &args);
    let log = (1.0 + (-1f64).exp()).ln();
    close("nll", &g.read_f32(nll), &[200.0, log], 1e-6);
    close(
        "gradient",
        &g.read_bf16(logits_),
        &[1.0, -1.0, 1.0 / (1.0 + 1f64.exp()), 1.0 / (1.0 + (-1f64).exp()) - 1.0],
        3e-3,
    );
    assert_eq!(g.read_u32(correct), [0, 1]);
}
