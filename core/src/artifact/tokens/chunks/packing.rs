//! Parquet's encodings of integers: the RLE / bit-packing hybrid and DELTA_BINARY_PACKED.

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
pub fn delta_binary_packed(values: impl ExactSizeIterator<Item = u32>, to: &mut Vec<u8>) {
    const BLOCK: usize = 128;
    const MINIBLOCK: usize = 32;
    varint(BLOCK as u64, to);
    varint((BLOCK / MINIBLOCK) as u64, to);
    varint(values.len() as u64, to);
    let mut values = values.map(|value| value as i32);
    let Some(first) = values.next() else { return varint(0, to) };
    varint(zigzag(first), to);
    let mut previous = first;
    let mut block = [0i32; BLOCK];
    loop {
        let mut n = 0;
        for (delta, value) in block.iter_mut().zip(&mut values) {
            *delta = value.wrapping_sub(previous);
            previous = value;
            n += 1;
        }
        if n == 0 {
            return;
        }
        let least = block[..n].iter().copied().min().expect("a block has a value");
        varint(zigzag(least), to);
        // Beyond the last value: nothing to add to the least.
        block[n..].fill(least);
        let above = block.map(|delta| delta.wrapping_sub(least) as u32);
        let widths = to.len();
        to.extend([0; BLOCK / MINIBLOCK]);
        for (number, miniblock) in above.chunks(MINIBLOCK).enumerate().take(n.div_ceil(MINIBLOCK)) {
            let width = 32 - miniblock.iter().fold(0, |all, value| all | value).leading_zeros();
            to[widths + number] = width as u8;
            pack(miniblock, width, to);
        }
    }
}

/// 32 values of so many bits, the first in the lowest ones.
fn pack(values: &[u32], width: u32, to: &mut Vec<u8>) {
    let (mut word, mut bits) = (0u64, 0);
    for &value in values {
        word |= u64::from(value) << bits;
        bits += width;
        if bits >= 32 {
            to.extend((word as u32).to_le_bytes());
            word >>= 32;
            bits -= 32;
        }
    }
}
