//! Blosc buffers of numbers, written plane by plane: what c-blosc's shuffle does, with a choice for each plane.
//!
//! The bytes of like weight are one zstd stream each (c-blosc's split mode). A plane of one value is a single block that
//! says so. Where values follow one another at random, as counts do, looking for repetitions finds only short ones:
//! Huffman codes alone are a quarter smaller there and three times as fast.

use super::HEADER;
use crate::frames;
use crate::vectors::widest;

/// c-blosc reads a block of fewer numbers as one stream.
const MIN_NUMBERS: usize = 128;
/// Codec 4 is zstd; bit 0 says that bytes are shuffled.
const FLAGS: u8 = 4 << 5 | 1;

/// A number of several bytes.
pub(crate) trait Word: Copy + 'static {
    /// How many.
    const BYTES: usize;
    /// Do bytes of like weight follow one another at random, rather than in runs?
    const FLOATING: bool;
    /// Its bits.
    fn bits(self) -> u64;
    /// The bits that are not the same in all `values`.
    fn varying(values: &[Self]) -> u64;
    /// The bytes of weight 256^`weight` of all `values`.
    fn plane(values: &[Self], weight: usize, to: &mut [u8]);
}

macro_rules! word {
    ($($rust:ty, $floating:expr, $bits:expr;)*) => {$(
        impl Word for $rust {
            const BYTES: usize = size_of::<$rust>();
            const FLOATING: bool = $floating;
            fn bits(self) -> u64 {
                u64::from($bits(self))
            }
            fn varying(values: &[Self]) -> u64 {
                let Some(&first) = values.first() else { return 0 };
                let first = $bits(first);
                u64::from(widest(|| values.iter().fold(0, |varying, &value| varying | ($bits(value) ^ first))))
            }
            fn plane(values: &[Self], weight: usize, to: &mut [u8]) {
                let byte = |value: $rust| ($bits(value) >> (8 * weight)) as u8;
                widest(|| to.iter_mut().zip(values).for_each(|(to, &value)| *to = byte(value)));
            }
        }
    )*};
}
word! {
    f32, true, f32::to_bits;
    f64, true, f64::to_bits;
    i32, false, i32::cast_unsigned;
    i64, false, i64::cast_unsigned;
}

/// One buffer of all `values`.
///
/// Errors, as text: fewer than 128 values, more bytes than a buffer holds, or what zstd reports.
pub(crate) fn compress_numbers<T: Word>(values: &[T]) -> Result<Vec<u8>, String> {
    let n = values.len();
    if n < MIN_NUMBERS || n > super::MAX_BYTES / T::BYTES {
        return Err(format!("{n} numbers for a Blosc buffer"));
    }
    let n_bytes = (n * T::BYTES) as u32;
    let mut output = Vec::with_capacity(HEADER + 4 + T::BYTES * (n / 2 + 64));
    output.extend([2, 1, FLAGS, T::BYTES as u8]);
    // The buffer is one block, which begins behind the header and its own address.
    for number in [n_bytes, n_bytes, 0, HEADER as u32 + 4] {
        output.extend(number.to_le_bytes());
    }
    let varying = T::varying(values);
    let mut plane = vec![0; n];
    for weight in 0..T::BYTES {
        let length_at = output.len();
        output.extend([0; 4]);
        if varying >> (8 * weight) & 0xff == 0 && n <= frames::MAX_BLOCK {
            frames::append_run((values[0].bits() >> (8 * weight)) as u8, n, &mut output);
        } else {
            T::plane(values, weight, &mut plane);
            match T::FLOATING && !is_repetitive(&plane) {
                true => frames::append_codes(&plane, usize::MAX, &mut output)?,
                false => frames::append(&plane, &mut output)?,
            }
            if output.len() - length_at - 4 >= n {
                // As long as the plane: Blosc's sign that it stands as it is.
                output.truncate(length_at + 4);
                output.extend_from_slice(&plane);
            }
        }
        let length = (output.len() - length_at - 4) as u32;
        output[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }
    let length = output.len() as u32;
    output[12..16].copy_from_slice(&length.to_le_bytes());
    Ok(output)
}

/// Are three of four bytes the one before?
fn is_repetitive(bytes: &[u8]) -> bool {
    let equal = |pair: &[u8]| u8::from(pair[0] == pair[1]);
    let equal_of = |bytes: &[u8]| bytes.windows(2).map(equal).sum::<u8>() as usize;
    let equal: usize = widest(|| bytes.chunks(255).map(equal_of).sum());
    equal >= bytes.len() / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::super::decompress;
    use super::*;
    use crate::rng::Philox;

    /// c-blosc itself reads what is written here.
    fn check<T: Word>(values: &[T]) -> usize {
        let packed = compress_numbers(values).unwrap();
        let bytes: Vec<u8> =
            values.iter().flat_map(|value| value.bits().to_le_bytes()[..T::BYTES].to_vec()).collect();
        assert!(decompress(&packed, bytes.len()).unwrap() == bytes, "{} numbers", values.len());
        packed.len()
    }

    #[test]
    fn c_blosc_reads_the_numbers_back() {
        let mut stream = Philox::new(1).stream(0, 0);
        for n in [128, 129, 1_000, 65_536, 131_072, 131_073, 300_000] {
            let counts: Vec<f32> = (0..n).map(|_| (4.0 * stream.uniform()).exp().floor() as f32).collect();
            check(&counts);
            check(&counts.iter().map(|&x| f64::from(x).ln()).collect::<Vec<_>>());
            check(&vec![0.0_f32; n]);
            check(&(0..n as i32).map(|i| i / 20 - 7).collect::<Vec<_>>());
            check(&(0..n as i64).map(|i| i << 40).collect::<Vec<_>>());
            check(
                &counts
                    .iter()
                    .map(|_| {
                        f64::from_bits(u64::from(stream.next_u32()) << 32 | u64::from(stream.next_u32()))
                    })
                    .collect::<Vec<_>>(),
            );
            check(&(0..n).map(|i| f32::from_bits(i as u32 / 1_000)).collect::<Vec<_>>());
        }
        assert!(compress_numbers(&[1.0_f32; 127]).is_err());
    }

    #[test]
    fn counts_take_little_more_than_their_entropy() {
        let mut stream = Philox::new(1).stream(0, 0);
        // 1, 2, 3 with 1/2, 1/4, 1/4: 1.5 bits.
        let count = |x: f64| {
            if x < 0.5 {
                1.0
            } else if x < 0.75 {
                2.0_f32
            } else {
                3.0
            }
        };
        let counts: Vec<f32> = (0..65_536).map(|_| count(stream.uniform())).collect();
        let bits = 8.0 * check(&counts) as f64 / counts.len() as f64;
        assert!((1.5..2.6).contains(&bits), "{bits} bits a count");
    }
}
