//! Decompression of chunks, never beyond the size that their metadata allows.

use crate::matrix::blosc;
use std::io::Read;

/// A step from stored bytes towards decoded ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Blosc,
    Zstd,
    /// Of one or several members.
    Gzip,
    Zlib,
    /// Four bytes of checksum behind the data.
    Crc32c,
}

impl Codec {
    /// By the name it has in Zarr v2 or v3.
    pub fn of(name: &str) -> Result<Self, String> {
        match name.strip_prefix("numcodecs.").unwrap_or(name) {
            "blosc" => Ok(Codec::Blosc),
            "zstd" => Ok(Codec::Zstd),
            "gzip" => Ok(Codec::Gzip),
            "zlib" => Ok(Codec::Zlib),
            "crc32c" => Ok(Codec::Crc32c),
            other => Err(format!("it is compressed by `{other}`")),
        }
    }

    /// The bytes before this step was applied, at most `limit` of them.
    pub fn decode(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let result = match self {
            Codec::Blosc => return blosc::decompress(bytes, limit),
            Codec::Crc32c => return checked(bytes).map(<[u8]>::to_vec),
            Codec::Zstd => zstd::stream::Decoder::with_buffer(bytes).and_then(|decoder| read(decoder, limit)),
            Codec::Gzip => read(flate2::bufread::MultiGzDecoder::new(bytes), limit),
            Codec::Zlib => read(flate2::bufread::ZlibDecoder::new(bytes), limit),
        };
        let decoded = result.map_err(|error| format!("damaged {self:?} data: {error}"))?;
        if decoded.len() > limit {
            return Err(format!("{self:?} data of more than the {limit} bytes expected"));
        }
        Ok(decoded)
    }
}

fn read(from: impl Read, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// Bytes without the CRC-32C behind them, if it is theirs.
pub(super) fn checked(bytes: &[u8]) -> Result<&[u8], String> {
    let Some((data, sum)) = bytes.split_last_chunk::<4>() else {
        return Err("no room for a checksum".to_owned());
    };
    if crc32c(data) != u32::from_le_bytes(*sum) {
        return Err("its checksum is not that of its data".to_owned());
    }
    Ok(data)
}

/// CRC-32C (Castagnoli), reflected, as RFC 3720 defines it.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(checked(b"123456789\x83\x92\x06\xe3"), Ok(&b"123456789"[..]));
        assert!(checked(b"123456788\x83\x92\x06\xe3").is_err() && checked(b"abc").is_err());
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bomb = zstd::encode_all(&vec![0; 1 << 20][..], 19).unwrap();
        assert_eq!(Codec::Zstd.decode(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert!(Codec::Zstd.decode(&bomb, 1000).unwrap_err().contains("more than the 1000 bytes"));
        assert!(Codec::Zstd.decode(&bomb[..bomb.len() - 2], 1 << 20).is_err());
    }
}
