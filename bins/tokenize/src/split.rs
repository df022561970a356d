//! Which cells train, validate and test: whole groups, by the order of a keyed hash.

use panfoma_core::artifact::tokens::{PerSplit, Split};
use panfoma_core::rng::Philox;

/// Something that stays whole: a patient, a study, or a single cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// [`panfoma_core::rng::name_hash`] of its name.
    pub name_hash: u64,
    /// Within which it is apportioned; 0 for all if nothing is stratified.
    pub stratum: u32,
}

/// The split of every group.
///
/// Within a stratum the groups stand in the order of a hash of (seed, name), and the first go to train, the next to
/// valid, the last to test, as many as [`apportion`] says. Whether a group exists elsewhere changes its neighbours'
/// lots little: only the ends of the runs move.
pub fn assign(groups: &[Group], fractions: [f64; 3], seed: u64) -> Vec<Split> {
    let philox = Philox::new(seed);
    let lot = |hash: u64| {
        let [high, low, ..] =
            philox.block([hash as u32, (hash >> 32) as u32, u32::from_be_bytes(*b"splt"), 0]);
        u64::from(high) << 32 | u64::from(low)
    };
    // Names last: two groups of one lot (none in practice) keep one order.
    let mut order: Vec<(u32, u64, u64, usize)> = groups
        .iter()
        .enumerate()
        .map(|(index, group)| (group.stratum, lot(group.name_hash), group.name_hash, index))
        .collect();
    order.sort_unstable();
    let mut splits = vec![Split::Train; groups.len()];
    for stratum in order.chunk_by(|a, b| a.0 == b.0) {
        let numbers = apportion(stratum.len(), fractions);
        let lots = Split::ALL.into_iter().zip(numbers).flat_map(|(split, n)| std::iter::repeat_n(split, n));
        stratum.iter().zip(lots).for_each(|(&(.., index), split)| splits[index] = split);
    }
    splits
}

/// How many of `n` groups each split gets: largest remainders, ties to train, then test, then valid.
///
/// With at least as many groups as splits of a positive fraction, each of these gets one; with fewer, train comes
/// first, then test, then valid.
pub fn apportion(n: usize, fractions: [f64; 3]) -> [usize; 3] {
    const IMPORTANCE: [usize; 3] = [0, 2, 1];
    let wanted: Vec<usize> = IMPORTANCE.into_iter().filter(|&split| fractions[split] > 0.0).collect();
    let mut numbers = [0; 3];
    if n <= wanted.len() {
        wanted.iter().take(n).for_each(|&split| numbers[split] = 1);
        return numbers;
    }
    let quota = |split: usize| n as f64 * fractions[split];
    // 0.8 * 10 may fall a rounding below 8.
    wanted.iter().for_each(|&split| numbers[split] = (quota(split) + 1e-9).floor() as usize);
    let mut by_remainder = wanted.clone();
    by_remainder.sort_by(|&a, &b| {
        let remainder = |split: usize| quota(split) - numbers[split] as f64;
        remainder(b).total_cmp(&remainder(a))
    });
    let left = n - numbers.iter().sum::<usize>();
    by_remainder.iter().cycle().take(left).for_each(|&split| numbers[split] += 1);
    for &split in &wanted {
        if numbers[split] == 0 {
            let largest =
                wanted.iter().copied().max_by_key(|&other| numbers[other]).expect("a split is wanted");
            numbers[largest] -= 1;
            numbers[split] = 1;
        }
    }
    numbers
}

/// Cells and groups of each stratum in each split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cells of each split.
    pub cells: PerSplit,
    /// Groups of each split.
    pub groups: PerSplit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng;
    use std::collections::BTreeMap;

    fn groups(n: usize, strata: u32) -> Vec<Group> {
        (0..n)
            .map(|i| Group { name_hash: rng::name_hash(&format!("patient {i}")), stratum: i as u32 % strata })
            .collect()
    }

    fn numbers(splits: &[Split]) -> [usize; 3] {
        Split::ALL.map(|split| splits.iter().filter(|&&s| s == split).count())
    }

    #[test]
    fn groups_are_apportioned_by_largest_remainder() {
        let check =
            |n, fractions, expected: [usize; 3]| assert_eq!(apportion(n, fractions), expected, "{n} groups");
        let usual = [0.8, 0.1, 0.1];
        check(0, usual, [0, 0, 0]);
        check(1, usual, [1, 0, 0]);
        check(2, usual, [1, 0, 1]);
        check(3, usual, [1, 1, 1]);
        check(4, usual, [2, 1, 1]);
        check(5, usual, [3, 1, 1]);
        check(10, usual, [8, 1, 1]);
        check(15, usual, [12, 1, 2]);
        check(616, usual, [493, 61, 62]);
        check(1000, usual, [800, 100, 100]);
        check(2, [0.5, 0.5, 0.0], [1, 1, 0]);
        check(7, [0.0, 0.0, 1.0], [0, 0, 7]);
        check(7, [1.0, 0.0, 0.0], [7, 0, 0]);
    }

    #[test]
    fn apportioned_numbers_are_whole_and_within_one_of_the_quota_when_none_is_topped_up() {
        for n in 30..300 {
            let fractions = [0.7, 0.2, 0.1];
            let found = apportion(n, fractions);
            assert_eq!(found.iter().sum::<usize>(), n);
            for (number, fraction) in found.iter().zip(fractions) {
                assert!((*number as f64 - n as f64 * fraction).abs() < 1.0, "{n}: {found:?}");
            }
        }
    }

    #[test]
    fn every_stratum_has_every_split() {
        let groups = groups(40, 8);
        let splits = assign(&groups, [0.8, 0.1, 0.1], 0);
        let mut by_stratum: BTreeMap<u32, Vec<Split>> = BTreeMap::new();
        groups.iter().zip(&splits).for_each(|(g, &s)| by_stratum.entry(g.stratum).or_default().push(s));
        assert!(by_stratum.values().all(|splits| numbers(splits) == [3, 1, 1]));
    }

    #[test]
    fn the_lot_of_a_group_depends_on_its_name_and_the_seed_not_on_its_place() {
        let forward = groups(100, 1);
        let backward: Vec<Group> = forward.iter().rev().copied().collect();
        let splits = assign(&forward, [0.6, 0.2, 0.2], 5);
        assert_eq!(numbers(&splits), [60, 20, 20]);
        let mut reversed = assign(&backward, [0.6, 0.2, 0.2], 5);
        reversed.reverse();
        assert_eq!(splits, reversed);
        assert_ne!(splits, assign(&forward, [0.6, 0.2, 0.2], 6));
    }

    #[test]
    fn one_more_group_moves_few_others() {
        let all = groups(101, 1);
        let fewer = assign(&all[..100], [0.6, 0.2, 0.2], 5);
        let more = assign(&all, [0.6, 0.2, 0.2], 5);
        let moved = fewer.iter().zip(&more).filter(|(a, b)| a != b).count();
        assert!(moved <= 2, "{moved} of 100 groups moved");
    }

    #[test]
    fn each_group_trains_equally_often_over_seeds() {
        let groups = groups(20, 1);
        let mut trained = vec![0u32; 20];
        for seed in 0..4000 {
            let splits = assign(&groups, [0.5, 0.25, 0.25], seed);
            trained.iter_mut().zip(&splits).for_each(|(n, &s)| *n += u32::from(s == Split::Train));
        }
        // Chi-square at 19 degrees of freedom (upper 0.1 %: 43.82), each count binomial within a fixed sum.
        let chi: f64 =
            trained.iter().map(|&n| (f64::from(n) - 2000.0).powi(2) / 1000.0).sum::<f64>() * 19.0 / 20.0;
        assert!(chi < 43.82, "chi-square {chi}: {trained:?}");
    }
}
