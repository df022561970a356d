//! Parquet's encodings of integers: the RLE / bit-packing hybrid and DELTA_BINARY_PACKED.

use crate::vectors::widest;

/// A repeated value of the RLE / bit-packing hybrid, of one byte at most.
pub fn run(n: usize, value: u8, to: &mut Vec<u8>) {
    if n > 0 {
        varint((n as u64) << 1, to);
        to.push(value);
    }
}

/// The width of indices into a dictionary and the header of one bit-packed run of all of them.
pub fn begin_indices(bits: u8, n: usize, to: &mut Vec<u8>) {
    to.push(bits);
    if n > 0 {
        varint((n.div_ceil(8) as u64) << 1 | 1, to);
    }
}

/// Values that fill the last group of eight.
pub fn padding(n: usize) -> usize {
    n.next_multiple_of(8) - n
}

fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

/// DELTA_BINARY_PACKED: blocks of 128 differences in four miniblocks, each of the width that its largest needs.
pub fn delta_binary_packed(values: &[u32], to: &mut Vec<u8>) {
    varint(BLOCK as u64, to);
    varint((BLOCK / MINIBLOCK) as u64, to);
    varint(values.len() as u64, to);
    let Some(&first) = values.first() else { return varint(0, to) };
    varint(zigzag(first as i32), to);
    widest(
        #[inline(always)]
        || delta_blocks(values, to),
    );
}

/// The differences of the values.
#[inline(always)]
fn delta_blocks(values: &[u32], to: &mut Vec<u8>) {
    for (before, values) in values.chunks(BLOCK).zip(values[1..].chunks(BLOCK)) {
        let mut deltas = [0; BLOCK];
        for ((delta, &value), &before) in deltas.iter_mut().zip(values).zip(before) {
            *delta = value.wrapping_sub(before) as i32;
        }
        let least = deltas[..values.len()].iter().fold(i32::MAX, |least, &delta| least.min(delta));
        varint(zigzag(least), to);
        // Beyond the last value: nothing to add to the least.
        deltas[values.len()..].fill(least);
        let widths = to.len();
        to.extend([0; BLOCK / MINIBLOCK]);
        let miniblocks = deltas.as_chunks::<MINIBLOCK>().0.iter().take(values.len().div_ceil(MINIBLOCK));
        for (number, deltas) in miniblocks.enumerate() {
            let above = deltas.map(|delta| delta.wrapping_sub(least) as u32);
            let width = 32 - above.iter().fold(0, |all, value| all | value).leading_zeros();
            to[widths + number] = width as u8;
            pack(&above, width, to);
        }
    }
}

/// Values of a block.
const BLOCK: usize = 128;
/// Values of one width.
const MINIBLOCK: usize = 32;

/// Values of so many bits, the first in the lowest ones.
#[inline(always)]
fn pack(values: &[u32; MINIBLOCK], width: u32, to: &mut Vec<u8>) {
    // What four narrow ones make fits a word beside the seven bits that a byte may be short of.
    if width <= 14 {
        let four = |of: &[u32; 4]| (0..4).fold(0, |all, i| all | u64::from(of[i]) << (i as u32 * width));
        let fours: [u64; MINIBLOCK / 4] = std::array::from_fn(|i| four(&values.as_chunks().0[i]));
        append(&fours, 4 * width, to);
    } else {
        append(&values.map(u64::from), width, to);
    }
}

/// Values of so many bits, at most 56; together they fill whole bytes.
fn append<const N: usize>(values: &[u64; N], width: u32, to: &mut Vec<u8>) {
    let begin = to.len();
    let length = N * width as usize / 8;
    // Eight bytes are written each time: those that follow overwrite what is none of theirs.
    to.resize(begin + length + 8, 0);
    let (mut at, mut word, mut bits) = (begin, 0, 0);
    for value in values {
        word |= value << bits;
        bits += width;
        to[at..at + 8].copy_from_slice(&word.to_le_bytes());
        at += bits as usize / 8;
        word >>= bits & !7;
        bits &= 7;
    }
    to.truncate(begin + length);
}
