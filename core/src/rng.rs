//! Counter-based randomness: Philox4x32-10 (Salmon et al., SC 2011; Random123 1.14).
//!
//! A draw is a pure function of (key, counter), so results never depend on order, shard, thread or device.
//! The key is the run's seed; the counter names what is drawn: an index, a step or epoch, and a purpose.

use crate::vectors::widest;

const MULTIPLIER: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Philox4x32-10 under one key.
#[derive(Clone, Copy, Debug)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// A generator keyed by a seed.
    pub fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32] }
    }

    /// Four independent uniform words for one counter.
    pub fn block(&self, counter: [u32; 4]) -> [u32; 4] {
        let mut c = counter;
        let mut k = self.key;
        for _ in 0..10 {
            let p0 = MULTIPLIER[0] * u64::from(c[0]);
            let p1 = MULTIPLIER[1] * u64::from(c[2]);
            c = [(p1 >> 32) as u32 ^ c[1] ^ k[0], p1 as u32, (p0 >> 32) as u32 ^ c[3] ^ k[1], p0 as u32];
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        c
    }

    /// A word for each id, many at a time: word `id % 4` of the [`Philox::block`] of `[id / 4, rest..]`.
    pub fn words(&self, ids: &[u32], rest: [u32; 3], words: &mut Vec<u32>) {
        let (chunks, last) = ids.as_chunks::<LANES>();
        words.reserve(ids.len());
        widest(
            #[inline(always)]
            || {
                for ids in chunks {
                    words.extend(many(self.key, ids, rest));
                }
            },
        );
        for &id in last {
            words.push(self.block([id / 4, rest[0], rest[1], rest[2]])[id as usize % 4]);
        }
    }

    /// An endless stream of words for one (stream, purpose), e.g. (cell hash, epoch).
    pub fn stream(&self, stream: u64, purpose: u32) -> Stream {
        Stream { philox: *self, stream, purpose, next: 0, words: [0; 4], left: 0 }
    }
}

/// Blocks computed at once.
const LANES: usize = 8;

/// [`Philox::words`] of these ids; the compiler makes vectors of the loops. A word stands in the lower half of a lane,
/// where multiplication takes it; what is left in the upper half does not matter.
#[inline(always)]
fn many(key: [u32; 2], ids: &[u32; LANES], rest: [u32; 3]) -> [u32; LANES] {
    let low = |lane: u64| lane & 0xffff_ffff;
    let mut c = [ids.map(|id| id / 4), [rest[0]; LANES], [rest[1]; LANES], [rest[2]; LANES]]
        .map(|words| words.map(u64::from));
    let mut k = key;
    for _ in 0..10 {
        let mut next = [[0; LANES]; 4];
        for lane in 0..LANES {
            let (p0, p1) = (MULTIPLIER[0] * low(c[0][lane]), MULTIPLIER[1] * low(c[2][lane]));
            next[0][lane] = p1 >> 32 ^ c[1][lane] ^ u64::from(k[0]);
            next[1][lane] = p1;
            next[2][lane] = p0 >> 32 ^ c[3][lane] ^ u64::from(k[1]);
            next[3][lane] = p0;
        }
        c = next;
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    let mut words = c[0];
    for (number, found) in c.iter().enumerate().skip(1) {
        for lane in 0..LANES {
            words[lane] = if ids[lane] as usize % 4 == number { found[lane] } else { words[lane] };
        }
    }
    words.map(|word| word as u32)
}

/// Words of one Philox stream, in order.
#[derive(Clone, Debug)]
pub struct Stream {
    philox: Philox,
    stream: u64,
    purpose: u32,
    next: u32,
    words: [u32; 4],
    left: usize,
}

impl Stream {
    /// The next uniform word.
    pub fn next_u32(&mut self) -> u32 {
        if self.left == 0 {
            let counter = [self.next, self.purpose, self.stream as u32, (self.stream >> 32) as u32];
            self.words = self.philox.block(counter);
            self.next = self.next.wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left]
    }

    /// Uniform in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let high = u64::from(self.next_u32());
        let low = u64::from(self.next_u32());
        ((high << 21) ^ (low >> 11)) as f64 / (1u64 << 53) as f64
    }

    /// Uniform integer in 0..n, unbiased (Lemire's multiply-and-reject).
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "no integer lies in 0..0");
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Standard normal (Box-Muller; `libm`, so that every machine draws the same bits).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Puts `items` in uniformly random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// A stable 64-bit name of a text (cell id, parameter name) to key a stream: the first bytes of its BLAKE3.
pub fn name_hash(text: &str) -> u64 {
    let digest = blake3::hash(text.as_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a BLAKE3 digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123's kat_vectors for philox4x32-10.
    #[test]
    fn philox_gives_the_published_known_answers() {
        let zero = Philox::new(0).block([0; 4]);
        assert_eq!(zero, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = Philox::new(u64::MAX).block([u32::MAX; 4]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi =
            Philox::new(0x299f_31d0_a409_3822).block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    /// In whole vectors and in what is left over.
    #[test]
    fn many_words_are_those_of_one_by_one() {
        let philox = Philox::new(0x299f_31d0_a409_3822);
        let rest = [0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let mut words = Vec::new();
        for n in [0, 1, 15, 16, 50] {
            let ids: Vec<u32> = (0..n).map(|i| 5 + 7 * i + i * i % 3).collect();
            words.clear();
            philox.words(&ids, rest, &mut words);
            let one = |&id: &u32| philox.block([id / 4, rest[0], rest[1], rest[2]])[id as usize % 4];
            assert_eq!(words, ids.iter().map(one).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn normal_has_mean_zero_and_unit_variance() {
        let mut stream = Philox::new(7).stream(1, 2);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        // Four standard errors of 100,000 draws.
        assert!(mean.abs() < 0.013 && (variance - 1.0).abs() < 0.018, "mean {mean}, variance {variance}");
    }

    #[test]
    fn below_reaches_every_value_about_equally() {
        let mut stream = Philox::new(3).stream(0, 0);
        let mut seen = [0u32; 6];
        (0..60_000).for_each(|_| seen[stream.below(6) as usize] += 1);
        assert!(seen.iter().all(|&n| (9_600..10_400).contains(&n)), "{seen:?}");
    }
}
