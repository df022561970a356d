//! The bytes that are not 0, with their positions: what a cell that was written down byte by byte holds, in order.

use super::LARGE;

/// Bytes looked at together.
pub const WORD: usize = 64;

/// Appends the position and the count of each byte that is not 0, and makes it 0. `LARGE` stands for `large` at its
/// position. `small` is of whole words; `most` bytes are not 0.
pub fn take(small: &mut [u8], large: &[f32], most: usize, positions: &mut Vec<u32>, counts: &mut Vec<f32>) {
    let begin = positions.len();
    positions.reserve(most + WORD);
    counts.reserve(most + WORD);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { x86::take(small, most, positions, counts) };
    } else {
        by_words(small, positions, counts);
    }
    #[cfg(not(target_arch = "x86_64"))]
    by_words(small, positions, counts);
    for (&position, count) in positions[begin..].iter().zip(&mut counts[begin..]) {
        if *count == f32::from(LARGE) {
            *count = large[position as usize];
        }
    }
}

fn by_words(small: &mut [u8], positions: &mut Vec<u32>, counts: &mut Vec<f32>) {
    for (word, bytes) in small.as_chunks_mut::<WORD>().0.iter_mut().enumerate() {
        let mut held = bits(bytes);
        while held != 0 {
            let within = held.trailing_zeros() as usize;
            held &= held - 1;
            positions.push((word * WORD + within) as u32);
            counts.push(bytes[within].into());
        }
        bytes.fill(0);
    }
}

/// One bit a byte that is not 0.
fn bits(bytes: &[u8; WORD]) -> u64 {
    bytes.as_chunks::<8>().0.iter().rev().fold(0, |bits, bytes| {
        let word = u64::from_le_bytes(*bytes);
        // The highest bit of each byte that is not 0, gathered into the highest byte.
        let high = (word | ((word & 0x7f7f_7f7f_7f7f_7f7f) + 0x7f7f_7f7f_7f7f_7f7f)) & 0x8080_8080_8080_8080;
        bits << 8 | (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::WORD;
    use std::arch::x86_64::*;

    /// As `by_words`, a word at a time: there is nothing for the processor to guess wrong.
    ///
    /// # Safety
    /// The processor has these features; both vectors have room for `most` and a word more.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
    pub unsafe fn take(small: &mut [u8], most: usize, positions: &mut Vec<u32>, counts: &mut Vec<f32>) {
        let (begin, mut at) = (positions.len(), 0);
        let numbers: [u8; WORD] = std::array::from_fn(|i| i as u8);
        // SAFETY: 64 bytes are read.
        let numbers = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        for (word, bytes) in small.as_chunks_mut::<WORD>().0.iter_mut().enumerate() {
            // SAFETY: 64 bytes are read, and written.
            let held = unsafe {
                let held = _mm512_loadu_si512(bytes.as_ptr().cast());
                _mm512_storeu_si512(bytes.as_mut_ptr().cast(), _mm512_setzero_si512());
                held
            };
            let mask = _mm512_test_epi8_mask(held, held);
            let within = _mm512_maskz_compress_epi8(mask, numbers);
            let held = _mm512_maskz_compress_epi8(mask, held);
            let first = _mm512_set1_epi32((word * WORD) as i32);
            let n = mask.count_ones() as usize;
            assert!(at + n <= most, "more bytes than said");
            // SAFETY: there is room for a word beyond the bytes that are not 0.
            let (to_positions, to_counts) =
                unsafe { (positions.as_mut_ptr().add(begin + at), counts.as_mut_ptr().add(begin + at)) };
            // 16 at once, though fewer may count: a word seldom holds more.
            macro_rules! quarter {
                ($quarter:literal) => {
                    let within = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<$quarter>(within));
                    let held = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<$quarter>(held));
                    // SAFETY: as above, 64 numbers from there.
                    unsafe {
                        let positions = to_positions.add(16 * $quarter);
                        _mm512_storeu_si512(positions.cast(), _mm512_add_epi32(first, within));
                        _mm512_storeu_ps(to_counts.add(16 * $quarter), _mm512_cvtepi32_ps(held));
                    }
                };
            }
            quarter!(0);
            if n > 16 {
                quarter!(1);
                quarter!(2);
                quarter!(3);
            }
            at += n;
        }
        // SAFETY: so many were written behind those there were.
        unsafe {
            positions.set_len(begin + at);
            counts.set_len(begin + at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    #[test]
    fn every_byte_has_its_bit() {
        for at in 0..WORD {
            for byte in [1, 0x7f, 0x80, 0xff] {
                let mut bytes = [0; WORD];
                bytes[at] = byte;
                assert_eq!(bits(&bytes), 1 << at);
            }
        }
        assert_eq!((bits(&[3; WORD]), bits(&[0; WORD])), (u64::MAX, 0));
    }

    #[test]
    fn all_that_was_written_comes_in_order_on_any_processor() {
        let mut stream = Philox::new(3).stream(0, 0);
        for share in [0.0, 0.06, 0.3, 0.9, 1.0] {
            let bytes: Vec<u8> = (0..WORD * 50)
                .map(|_| if stream.uniform() < share { 1 + stream.below(255) as u8 } else { 0 })
                .collect();
            let large: Vec<f32> = (0..bytes.len()).map(|i| 1_000.0 + i as f32).collect();
            let held = || (0..).zip(&bytes).filter(|(_, byte)| **byte > 0);
            let (mut positions, mut counts) = (vec![7], vec![9.0]);
            let mut small = bytes.clone();
            take(&mut small, &large, held().count(), &mut positions, &mut counts);
            assert!(small.iter().all(|&byte| byte == 0));
            let count =
                |(at, &byte): (u32, &u8)| if byte == LARGE { large[at as usize] } else { byte.into() };
            assert_eq!(positions[1..], held().map(|(at, _)| at).collect::<Vec<u32>>());
            assert_eq!(counts[1..], held().map(count).collect::<Vec<f32>>());
            let (mut positions, mut counts) = (vec![], vec![]);
            by_words(&mut bytes.clone(), &mut positions, &mut counts);
            assert_eq!(positions, held().map(|(at, _)| at).collect::<Vec<u32>>());
        }
    }
}
