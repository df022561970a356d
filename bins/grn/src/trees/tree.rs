//! One regression tree of depth 3 over binned features.

use super::features::{Feature, MAX_BINS};
use panfoma_core::rng::Stream;

/// Splits from the root to a leaf at most.
const MAX_DEPTH: usize = 3;
/// Low bits of a packed sum, which count; the others add up residuals.
const COUNT_BITS: u32 = 20;
const COUNT: i64 = (1 << COUNT_BITS) - 1;
/// Cells that a packed sum can count.
pub const MAX_CELLS: usize = COUNT as usize;
/// Largest residual in integer steps: with `MAX_CELLS` of them a sum stays within 63 bits, and a step is finer than
/// what an f32 would keep.
const STEPS: f64 = (1u64 << 21) as f64;

/// A residual as an integer of `STEPS` beside a count of one.
///
/// Integers add up to the same sum in any order, and one addition does both.
fn pack(residual: f64, scale: f64) -> i64 {
    (((residual * scale).round() as i64) << COUNT_BITS) + 1
}

/// (sum, count)
fn unpack(packed: i64) -> (f64, usize) {
    ((packed >> COUNT_BITS) as f64, (packed & COUNT) as usize)
}

/// What all trees of a target share.
pub struct Grower<'a> {
    features: &'a [Feature],
    /// Feature that is the target itself.
    own: Option<usize>,
    /// Features looked at in each split.
    n_tried: usize,
    /// 1 / n, and 0 at 0.
    inverse: &'a [f64],
    /// Steps a unit of the residual.
    scale: f64,
}

/// Memory that trees of one thread use again.
#[derive(Default)]
pub struct Scratch {
    packed: Vec<i64>,
    /// Node of each cell of the subsample, +1; 0 elsewhere.
    node: Vec<u8>,
    candidates: Vec<u32>,
    right: Vec<u32>,
}

/// A cut: cells of bins up to `last_left` go left.
struct Cut {
    feature: usize,
    last_left: u8,
    gain: f64,
}

impl<'a> Grower<'a> {
    /// largest: of the residuals' magnitudes, before the first tree.
    pub fn new(
        features: &'a [Feature],
        own: Option<usize>,
        n_tried: usize,
        inverse: &'a [f64],
        largest: f64,
    ) -> Self {
        Self { features, own, n_tried, inverse, scale: STEPS / largest.max(f64::MIN_POSITIVE) }
    }

    /// Fits a tree to the residuals of `sample`, which it reorders by leaves, and takes `rate` of each leaf's mean off
    /// the residuals of all cells. Adds what each feature's cuts reduced the mean squared residual by to `importance`.
    ///
    /// Returns whether there was a cut. rest: cells outside the sample
    pub fn grow(
        &self,
        sample: &mut [u32],
        rest: &[u32],
        residuals: &mut [f64],
        rate: f64,
        stream: &mut Stream,
        importance: &mut [f64],
        scratch: &mut Scratch,
    ) -> bool {
        scratch.packed.clear();
        scratch.packed.extend(residuals.iter().map(|&residual| pack(residual, self.scale)));
        scratch.node.clear();
        scratch.node.resize(residuals.len(), 0);
        sample.iter().for_each(|&cell| scratch.node[cell as usize] = 1);
        let unit = self.scale * self.scale * sample.len() as f64;
        let mut rest = rest.to_vec();
        let mut tree =
            Tree { residuals, rate, stream, importance, scratch, unit, next_node: 1, has_cut: false };
        self.split(&mut tree, sample, &mut rest, 1, 0);
        tree.has_cut
    }

    fn split(&self, tree: &mut Tree, sample: &mut [u32], rest: &mut [u32], node: u8, depth: usize) {
        let total: i64 = sample.iter().map(|&cell| tree.scratch.packed[cell as usize]).sum();
        let cut = if depth < MAX_DEPTH { self.best_cut(tree, sample, node, total) } else { None };
        let Some(cut) = cut else {
            let (sum, n) = unpack(total);
            let step = tree.rate * sum * self.inverse[n] / self.scale;
            sample.iter().chain(&*rest).for_each(|&cell| tree.residuals[cell as usize] -= step);
            return;
        };
        tree.has_cut = true;
        tree.importance[cut.feature] += cut.gain / tree.unit;
        let bins = &self.features[cut.feature].bins;
        let [left, right] = [tree.next_node + 1, tree.next_node + 2];
        tree.next_node = right;
        let is_left = |cell: u32| bins[cell as usize] <= cut.last_left;
        let middle = partition(sample, is_left, &mut tree.scratch.right);
        let rest_middle = partition(rest, is_left, &mut tree.scratch.right);
        let (sample_left, sample_right) = sample.split_at_mut(middle);
        let (rest_left, rest_right) = rest.split_at_mut(rest_middle);
        sample_left.iter().for_each(|&cell| tree.scratch.node[cell as usize] = left);
        sample_right.iter().for_each(|&cell| tree.scratch.node[cell as usize] = right);
        self.split(tree, sample_left, rest_left, left, depth + 1);
        self.split(tree, sample_right, rest_right, right, depth + 1);
    }

    /// The cut that reduces the squared residuals most, of features drawn without replacement: `n_tried` of them, and
    /// more as long as none can be cut.
    fn best_cut(&self, tree: &mut Tree, sample: &[u32], node: u8, total: i64) -> Option<Cut> {
        let Scratch { packed, node: nodes, candidates, .. } = &mut *tree.scratch;
        candidates.clear();
        candidates.extend((0..self.features.len() as u32).filter(|&f| Some(f as usize) != self.own));
        let mut histogram = [0; MAX_BINS];
        let (sum, n) = unpack(total);
        let before = sum * sum * self.inverse[n];
        // What rounding alone can gain.
        let least = before * 1e-12;
        let n_features = candidates.len();
        let mut best: Option<Cut> = None;
        for tried in 0..n_features {
            if tried >= self.n_tried && best.is_some() {
                break;
            }
            let drawn = tried + tree.stream.below((n_features - tried) as u32) as usize;
            candidates.swap(tried, drawn);
            let at = candidates[tried] as usize;
            let feature = &self.features[at];
            let histogram = fill(feature, sample, node, total, packed, nodes, &mut histogram);
            let (last_left, after) = self.scan(histogram, total);
            if after - before > best.as_ref().map_or(least, |best| best.gain) {
                best = Some(Cut { feature: at, last_left, gain: after - before });
            }
        }
        best
    }

    /// The bin after which to cut, and the sum over both sides of (sum of residuals)² / cells.
    ///
    /// An empty bin scores what the bin before it does and one with all cells left of it no more than no cut, so
    /// neither needs a branch.
    fn scan(&self, histogram: &[i64], total: i64) -> (u8, f64) {
        let mut best = (0u8, 0.0);
        let mut left = 0i64;
        for (bin, &packed) in histogram.iter().enumerate() {
            left += packed;
            let ((left_sum, n_left), (right_sum, n_right)) = (unpack(left), unpack(total - left));
            let score =
                left_sum * left_sum * self.inverse[n_left] + right_sum * right_sum * self.inverse[n_right];
            if score > best.1 {
                best = (bin as u8, score);
            }
        }
        best
    }
}

/// Packed sums of a node by bin.
fn fill<'h>(
    feature: &Feature,
    sample: &[u32],
    node: u8,
    total: i64,
    packed: &[i64],
    nodes: &[u8],
    histogram: &'h mut [i64; MAX_BINS],
) -> &'h [i64] {
    histogram[..feature.n_bins].fill(0);
    let (bins, others) = (feature.bins.as_slice(), feature.others.as_slice());
    if others.len() < sample.len() {
        // Most cells are in one bin: that one is what the others leave.
        let mut sum = 0;
        for &cell in others {
            let cell = cell as usize;
            // All bits, or none: a branch here would be guessed wrong every other time.
            let own = -i64::from(nodes[cell] == node) & packed[cell];
            histogram[usize::from(bins[cell])] += own;
            sum += own;
        }
        histogram[usize::from(feature.common)] = total - sum;
    } else {
        for &cell in sample {
            histogram[usize::from(bins[cell as usize])] += packed[cell as usize];
        }
    }
    &histogram[..feature.n_bins]
}

/// Cells that go left come first, both sides in their order; returns how many.
fn partition(cells: &mut [u32], is_left: impl Fn(u32) -> bool, right: &mut Vec<u32>) -> usize {
    right.clear();
    let mut n_left = 0;
    for at in 0..cells.len() {
        let cell = cells[at];
        if is_left(cell) {
            cells[n_left] = cell;
            n_left += 1;
        } else {
            right.push(cell);
        }
    }
    cells[n_left..].copy_from_slice(right);
    n_left
}

/// A tree that is growing.
struct Tree<'t> {
    residuals: &'t mut [f64],
    rate: f64,
    stream: &'t mut Stream,
    importance: &'t mut [f64],
    scratch: &'t mut Scratch,
    /// Turns a gain in squared steps to one of the mean squared residual.
    unit: f64,
    next_node: u8,
    has_cut: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    fn inverse(n: usize) -> Vec<f64> {
        (0..=n).map(|n| if n == 0 { 0.0 } else { 1.0 / n as f64 }).collect()
    }

    /// y = 4 where the first gene is 2, else 0; the second gene is noise. scikit-learn 1.9.1, DecisionTreeRegressor:
    /// importances of the first cut 3.84 (the variance), nothing left for others.
    #[test]
    fn the_gene_that_decides_takes_all_importance() {
        let decides = [0.0, 2.0, 1.0, 0.0, 2.0];
        let features = [Feature::new(&decides), Feature::new(&[5.0, 4.0, 3.0, 2.0, 1.0])];
        let y = decides.map(|value| if value == 2.0 { 4.0 } else { 0.0 });
        let mean = y.iter().sum::<f64>() / 5.0;
        let mut residuals: Vec<f64> = y.iter().map(|y| y - mean).collect();
        let inverse = inverse(5);
        let grower = Grower::new(&features, None, 2, &inverse, 2.4);
        let mut importance = [0.0; 2];
        let mut stream = Philox::new(0).stream(0, 0);
        let mut sample = [0, 1, 2, 3, 4];
        let scratch = &mut Scratch::default();
        assert!(grower.grow(&mut sample, &[], &mut residuals, 1.0, &mut stream, &mut importance, scratch));
        // Steps of the residual are 2^-21 of the largest.
        assert!((importance[0] - 3.84).abs() < 1e-5 && importance[1].abs() < 1e-9, "{importance:?}");
        assert!(residuals.iter().all(|r| r.abs() < 1e-5), "{residuals:?}");
    }

    #[test]
    fn both_ways_to_fill_a_histogram_agree() {
        let values: Vec<f32> = (0..90).map(|i| if i % 4 == 0 { (i % 11) as f32 } else { 0.0 }).collect();
        let mut feature = Feature::new(&values);
        let packed: Vec<i64> = (0..90).map(|i| pack(f64::from(i).sin(), STEPS)).collect();
        let sample: Vec<u32> = (0..90).filter(|i| i % 3 > 0).collect();
        let nodes: Vec<u8> = (0..90).map(|i| if i % 3 > 0 { 7 } else { 0 }).collect();
        let total = sample.iter().map(|&cell| packed[cell as usize]).sum();
        assert!(feature.others.len() < sample.len());
        let (mut few, mut all) = ([0; MAX_BINS], [0; MAX_BINS]);
        let few = fill(&feature, &sample, 7, total, &packed, &nodes, &mut few);
        feature.others = (0..90).collect();
        let all = fill(&feature, &sample, 7, total, &packed, &nodes, &mut all);
        assert_eq!((few, few.len()), (all, 11));
    }
}
