//! HDF5 compression filters: gzip by libdeflate (twice as fast as the reader's own), lzf (h5py's own), blosc and zstd.

use crate::matrix::blosc;
use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;
use libdeflater::{DecompressionError, Decompressor};
use std::cell::RefCell;
use std::io::Read;

const GZIP: u16 = 1;
const LZF: u16 = 32_000;
const BLOSC: u16 = 32_001;
const ZSTD: u16 = 32_015;
/// No chunk is larger (see [`super::file::File::open`]).
pub(super) const MAX_CHUNK_BYTES: usize = 1 << 30;

/// All the filters that are read.
pub(super) fn registry() -> FilterRegistry {
    let mut registry = FilterRegistry::new();
    registry.register(GZIP, Box::new(|_, chunk, _| gzip(chunk, MAX_CHUNK_BYTES)));
    registry.register(
        LZF,
        Box::new(|_, chunk, _| {
            lzf(chunk).ok_or_else(|| Error::DecompressionError("a damaged lzf chunk".to_owned()))
        }),
    );
    registry.register(
        BLOSC,
        Box::new(|_, chunk, _| blosc::decompress(chunk, MAX_CHUNK_BYTES).map_err(Error::DecompressionError)),
    );
    registry.register(
        ZSTD,
        Box::new(|_, chunk, _| {
            let mut bytes = Vec::new();
            zstd::Decoder::new(chunk)
                .and_then(|decoder| decoder.take(MAX_CHUNK_BYTES as u64).read_to_end(&mut bytes))
                .map_err(|error| Error::DecompressionError(format!("zstd: {error}")))?;
            Ok(bytes)
        }),
    );
    registry
}

/// The name of a filter in HDF5's registry of filters, for messages.
pub(super) fn name(id: &str) -> &str {
    match id {
        "32008" => "bitshuffle",
        "32026" => "blosc2",
        "307" => "bzip2",
        _ => "unknown",
    }
}

/// Inflates a zlib stream of at most `limit` bytes; its checksum is verified.
fn gzip(input: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    // A decompressor, and the size of the chunk before, which is usually that of the next.
    thread_local! { static STATE: RefCell<(Decompressor, usize)> = RefCell::new((Decompressor::new(), 1 << 18)); }
    // Deflate expands at most 1032 times, so a header cannot ask for more memory than the file justifies.
    let limit = limit.min(input.len().saturating_mul(1032) + 64);
    STATE.with_borrow_mut(|(decompressor, size)| {
        loop {
            let mut output = vec![0; (*size).min(limit)];
            match decompressor.zlib_decompress(input, &mut output) {
                Ok(n) => {
                    *size = n.max(1 << 12);
                    output.truncate(n);
                    return Ok(output);
                }
                Err(DecompressionError::InsufficientSpace) if output.len() < limit => {
                    *size = output.len().max(1 << 12) * 2;
                }
                Err(error) => return Err(Error::DecompressionError(format!("gzip: {error}"))),
            }
        }
    })
}

/// Inflates a zlib stream of exactly `n` bytes into the beginning of `output`, which grows as needed.
pub(super) fn inflate_exactly(input: &[u8], n: usize, output: &mut Vec<u8>) -> Result<(), Error> {
    thread_local! { static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new()); }
    if n > input.len().saturating_mul(1032) + 64 {
        return Err(Error::DecompressionError(format!("gzip: {} bytes cannot hold {n}", input.len())));
    }
    if output.len() < n {
        output.resize(n, 0);
    }
    match DECOMPRESSOR.with_borrow_mut(|inner| inner.zlib_decompress(input, &mut output[..n])) {
        Ok(found) if found == n => Ok(()),
        Ok(found) => Err(Error::DecompressionError(format!("gzip: {found} bytes, expected {n}"))),
        Err(error) => Err(Error::DecompressionError(format!("gzip: {error}"))),
    }
}

/// Decompresses LibLZF's format: runs of literals, and copies of 3 to 264 bytes from up to 8 KiB back.
fn lzf(input: &[u8]) -> Option<Vec<u8>> {
    let mut output: Vec<u8> = Vec::with_capacity(input.len() * 2);
    let mut bytes = input.iter().map(|&byte| usize::from(byte));
    let mut at = 0;
    while at < input.len() {
        let control = bytes.next()?;
        at += 1;
        if control < 32 {
            output.extend_from_slice(input.get(at..at + control + 1)?);
            bytes.nth(control)?;
            at += control + 1;
            continue;
        }
        let mut length = control >> 5;
        if length == 7 {
            length += bytes.next()?;
            at += 1;
        }
        let back = ((control & 31) << 8 | bytes.next()?) + 1;
        at += 1;
        let start = output.len().checked_sub(back)?;
        // Byte by byte: the copy may overlap what it writes.
        for i in start..start + length + 2 {
            output.push(output[i]);
        }
        if output.len() > MAX_CHUNK_BYTES {
            return None;
        }
    }
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_of_any_size_is_inflated_and_damage_is_noticed() {
        for n in [0, 1, 5_000, 300_000, 20_000_000] {
            let bytes: Vec<u8> = (0..n as u64).map(|i| (i * i % 251) as u8).collect();
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &bytes).unwrap();
            let mut packed = encoder.finish().unwrap();
            assert!(gzip(&packed, MAX_CHUNK_BYTES).unwrap() == bytes, "{n} bytes");
            assert!(n == 0 || gzip(&packed, n - 1).is_err(), "{n} bytes, one too many");
            *packed.last_mut().unwrap() ^= 1;
            assert!(gzip(&packed, MAX_CHUNK_BYTES).is_err(), "{n} bytes, wrong checksum");
        }
    }

    #[test]
    fn lzf_copies_overlap() {
        // One literal `a`, then 7 + 2 - 0 = 9 bytes from 1 back.
        assert_eq!(lzf(&[0, b'a', 7 << 5, 0, 0]).unwrap(), b"aaaaaaaaaa");
        assert_eq!(lzf(&[1, b'a', b'b', 1 << 5, 1]).unwrap(), b"ababa");
    }

    #[test]
    fn damaged_lzf_is_refused() {
        for damaged in [&[5, b'a'][..], &[1 << 5, 0], &[0, b'a', 7 << 5]] {
            assert_eq!(lzf(damaged), None);
        }
    }
}
