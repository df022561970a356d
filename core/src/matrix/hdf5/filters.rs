//! HDF5 compression filters besides those of the HDF5 library: lzf (h5py's own), blosc and zstd.

use crate::matrix::blosc;
use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;
use std::io::Read;

const LZF: u16 = 32_000;
const BLOSC: u16 = 32_001;
const ZSTD: u16 = 32_015;
/// No chunk is larger (see [`super::file::File::open`]).
pub(super) const MAX_CHUNK_BYTES: usize = 1 << 30;

/// All the filters that are read.
pub(super) fn registry() -> FilterRegistry {
    let mut registry = FilterRegistry::new();
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
