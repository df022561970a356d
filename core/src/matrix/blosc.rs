//! Decompression of Blosc buffers (c-blosc 1.x: blosclz, lz4, zlib, zstd), as HDF5's filter 32001 and Zarr store them.

use std::ffi::c_void;

/// The bytes before the data: versions, flags, type size, decompressed size, block size, compressed size.
const HEADER: usize = blosc_src::BLOSC_MIN_HEADER_LENGTH as usize;

/// The decompressed bytes of one buffer.
///
/// Errors, as text: a header that is not Blosc's or lies about its length, a claim of more than `limit` bytes, a codec
/// that is not built in (snappy), damaged data.
pub(super) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    if bytes.len() < HEADER {
        return Err(format!("a Blosc buffer of {} bytes, expected at least {HEADER}", bytes.len()));
    }
    let mut size = 0;
    let source = bytes.as_ptr().cast::<c_void>();
    // SAFETY: `source` points to `bytes.len()` readable bytes, at least a header; `size` is a valid place to write.
    if unsafe { blosc_src::blosc_cbuffer_validate(source, bytes.len(), &mut size) } < 0 {
        return Err("not a Blosc buffer, or one cut short".to_owned());
    }
    if size > limit {
        return Err(format!("a Blosc buffer claims {size} bytes, expected at most {limit}"));
    }
    // The memory is not touched here: a claim costs none until the decoder fills it.
    let mut output: Vec<u8> = Vec::with_capacity(size);
    let target = output.as_mut_ptr().cast::<c_void>();
    // SAFETY: `source` was validated to hold the compressed length of its own header, and `target` has room for `size`
    // bytes, which the decoder is told not to exceed; the context is its own, on this thread.
    let written = unsafe { blosc_src::blosc_decompress_ctx(source, target, size, 1) };
    if usize::try_from(written).ok() != Some(size) {
        return Err(match bytes[2] >> 5 {
            2 => "a Blosc buffer compressed with snappy, which is not read".to_owned(),
            codec @ (0..2 | 3..5) => format!("damaged Blosc data (codec {codec})"),
            codec => format!("a Blosc buffer of the unknown codec {codec}"),
        });
    }
    // SAFETY: the decoder reports that it wrote all `size` bytes, which is the capacity.
    unsafe { output.set_len(size) };
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numcodecs.blosc.compress(numpy.arange(64, dtype="<u4"), b"lz4", 5, 1)`.
    const LZ4: &[u8] = include_bytes!("../../../tests/data/matrix/arange64.blosc-lz4");

    fn arange() -> Vec<u8> {
        (0..64u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn a_buffer_of_numcodecs_is_read() {
        assert_eq!(decompress(LZ4, 256).unwrap(), arange());
    }

    #[test]
    fn a_claim_beyond_the_limit_is_refused_before_anything_is_decoded() {
        assert!(decompress(LZ4, 255).unwrap_err().contains("claims 256 bytes"));
        let mut huge = LZ4.to_vec();
        huge[4..8].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
        assert!(decompress(&huge, 1 << 30).is_err());
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
