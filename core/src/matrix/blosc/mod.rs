//! Blosc buffers (c-blosc 1.x: blosclz, lz4, zlib, zstd), as HDF5's filter 32001 and Zarr store them.

mod planes;

pub(crate) use planes::{Word, compress_numbers};

use std::ffi::{CStr, c_int, c_void};

/// The bytes before the data: versions, flags, type size, decompressed size, block size, compressed size.
const HEADER: usize = blosc_src::BLOSC_MIN_HEADER_LENGTH as usize;

/// A compressed buffer is at most this much longer than its data.
pub(crate) const OVERHEAD: usize = blosc_src::BLOSC_MAX_OVERHEAD as usize;
/// Data of one buffer at most.
pub(crate) const MAX_BYTES: usize = i32::MAX as usize - OVERHEAD;

/// The flag of data that stand uncompressed.
const COPIED: u8 = 2;
/// Bytes that one compressed byte can stand for: zstd repeats a byte for a block of 128 KiB in four; no other codec packs tighter.
const TIGHTEST: usize = 1 << 15;

/// What is laid together before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shuffle {
    /// Nothing.
    None,
    /// Bytes of like weight.
    Bytes,
    /// Bits of like weight.
    Bits,
}

/// Compresses into one buffer; the bytes depend on the arguments alone. `block_size` 0 lets c-blosc choose.
///
/// Errors, as text: more than [`MAX_BYTES`], or a codec that is not built in.
pub(crate) fn compress(
    bytes: &[u8],
    codec: &CStr,
    level: u8,
    shuffle: Shuffle,
    type_size: usize,
    block_size: usize,
) -> Result<Vec<u8>, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("{} bytes for a Blosc buffer, which holds at most {MAX_BYTES}", bytes.len()));
    }
    let mut output: Vec<u8> = Vec::with_capacity(bytes.len() + OVERHEAD);
    // SAFETY: the source is `bytes`, the target has room for the longest buffer there can be and its size is given; the
    // codec's name ends in a zero; the context is its own, on this thread.
    let written = unsafe {
        blosc_src::blosc_compress_ctx(
            c_int::from(level),
            shuffle as c_int,
            type_size,
            bytes.len(),
            bytes.as_ptr().cast::<c_void>(),
            output.as_mut_ptr().cast::<c_void>(),
            output.capacity(),
            codec.as_ptr(),
            block_size,
            1,
        )
    };
    match usize::try_from(written) {
        Ok(n) if n > 0 => {
            // SAFETY: the encoder reports that it wrote `n` bytes, no more than the capacity it was given.
            unsafe { output.set_len(n) };
            Ok(output)
        }
        _ => Err(format!("Blosc cannot compress with {codec:?}")),
    }
}

/// Decompresses one buffer of as many bytes as `output` is long.
///
/// Errors, as text: those of [`decompress`], or another length.
pub(crate) fn decompress_into(bytes: &[u8], output: &mut [u8]) -> Result<(), String> {
    let size = validated(bytes, output.len())?;
    if size != output.len() {
        return Err(format!("a Blosc buffer of {size} bytes, expected {}", output.len()));
    }
    let (source, target) = (bytes.as_ptr().cast::<c_void>(), output.as_mut_ptr().cast::<c_void>());
    // SAFETY: `source` was validated to hold the compressed length of its own header, and `target` has room for `size`
    // bytes, which the decoder is told not to exceed; the context is its own, on this thread.
    let written = unsafe { blosc_src::blosc_decompress_ctx(source, target, size, 1) };
    if usize::try_from(written).ok() == Some(size) { Ok(()) } else { Err(damaged(bytes)) }
}

/// The decompressed bytes of one buffer.
///
/// Errors, as text: a header that is not Blosc's or lies about its length, a claim of more than `limit` bytes, a codec
/// that is not built in (snappy), damaged data.
pub(crate) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let size = validated(bytes, limit)?;
    let source = bytes.as_ptr().cast::<c_void>();
    // The memory is not touched here: a claim costs none until the decoder fills it.
    let mut output: Vec<u8> = Vec::with_capacity(size);
    let target = output.as_mut_ptr().cast::<c_void>();
    // SAFETY: `source` was validated to hold the compressed length of its own header, and `target` has room for `size`
    // bytes, which the decoder is told not to exceed; the context is its own, on this thread.
    let written = unsafe { blosc_src::blosc_decompress_ctx(source, target, size, 1) };
    if usize::try_from(written).ok() != Some(size) {
        return Err(damaged(bytes));
    }
    // SAFETY: the decoder reports that it wrote all `size` bytes, which is the capacity.
    unsafe { output.set_len(size) };
    Ok(output)
}

/// The decompressed size, at most `limit`, that a buffer claims.
fn validated(bytes: &[u8], limit: usize) -> Result<usize, String> {
    if bytes.len() < HEADER {
        return Err(format!("a Blosc buffer of {} bytes, expected at least {HEADER}", bytes.len()));
    }
    let mut size = 0;
    let source = bytes.as_ptr().cast::<c_void>();
    // SAFETY: `source` points to `bytes.len()` readable bytes, at least a header; `size` is a valid place to write.
    if unsafe { blosc_src::blosc_cbuffer_validate(source, bytes.len(), &mut size) } < 0 {
        return Err("not a Blosc buffer, or one cut short".to_owned());
    }
    let packed = bytes.len() - HEADER;
    let possible = if bytes[2] & COPIED == 0 { packed.saturating_mul(TIGHTEST) } else { packed };
    let most = limit.min(possible);
    if size > most {
        return Err(format!("a Blosc buffer claims {size} bytes, expected at most {most}"));
    }
    Ok(size)
}

fn damaged(bytes: &[u8]) -> String {
    match bytes[2] >> 5 {
        2 => "a Blosc buffer compressed with snappy, which is not read".to_owned(),
        codec @ (0..2 | 3..5) => format!("damaged Blosc data (codec {codec})"),
        codec => format!("a Blosc buffer of the unknown codec {codec}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numcodecs.blosc.compress(numpy.arange(64, dtype="<u4"), b"lz4", 5, 1)`.
    const LZ4: &[u8] = include_bytes!("../../../../tests/data/matrix/arange64.blosc-lz4");

    fn arange() -> Vec<u8> {
        (0..64u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn a_buffer_of_numcodecs_is_read() {
        assert_eq!(decompress(LZ4, 256).unwrap(), arange());
    }

    #[test]
    fn what_is_compressed_comes_back() {
        for codec in [c"lz4", c"zstd", c"zlib", c"blosclz"] {
            for (shuffle, type_size) in [(Shuffle::None, 1), (Shuffle::Bytes, 4), (Shuffle::Bits, 4)] {
                for bytes in [vec![], vec![7], arange(), arange().repeat(9000), vec![0; 1 << 24]] {
                    let packed = compress(&bytes, codec, 1, shuffle, type_size, 0).unwrap();
                    assert!(packed.len() <= bytes.len() + OVERHEAD);
                    assert!(decompress(&packed, bytes.len()).unwrap() == bytes, "{codec:?} {shuffle:?}");
                }
            }
        }
        assert!(compress(&[1], c"snappy", 1, Shuffle::None, 1, 0).is_err());
    }

    #[test]
    fn a_claim_beyond_the_limit_is_refused_before_anything_is_decoded() {
        assert!(decompress(LZ4, 255).unwrap_err().contains("claims 256 bytes"));
        let mut huge = LZ4.to_vec();
        huge[4..8].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
        assert!(decompress(&huge, 1 << 30).is_err());
        // More than any codec could make of these bytes, or than stand there as they are.
        huge[4..8].copy_from_slice(&0x3570_209cu32.to_le_bytes());
        assert!(decompress(&huge, usize::MAX).unwrap_err().contains("claims 896540828 bytes"));
        huge[2] |= COPIED;
        huge[4..8].copy_from_slice(&4096u32.to_le_bytes());
        assert!(decompress(&huge, usize::MAX).unwrap_err().contains("claims 4096 bytes"));
    }

    #[test]
    fn every_damaged_byte_is_an_error_or_harmless() {
        for at in 0..LZ4.len() {
            for bit in 0..8 {
                let mut damaged = LZ4.to_vec();
                damaged[at] ^= 1 << bit;
                let decoded = decompress(&damaged, 1 << 16);
                assert!(decoded.is_err() || decoded.is_ok_and(|bytes| bytes.len() <= 1 << 16));
            }
        }
        for n in 0..LZ4.len() {
            assert!(decompress(&LZ4[..n], 256).is_err(), "cut to {n} bytes");
        }
    }
}
