//! The bytes of a shard, as Zarr's `sharding_indexed` codec lays them down with its index at the end.

/// Place and length of a chunk that is not stored: all of it is the fill value.
const EMPTY: u64 = u64::MAX;

/// A shard of these encoded chunks, in order; `None` is a chunk of the fill value. No bytes if all are.
pub(super) fn bytes(chunks: &[Option<Vec<u8>>]) -> Vec<u8> {
    let stored: usize = chunks.iter().flatten().map(Vec::len).sum();
    if stored == 0 {
        return Vec::new();
    }
    let mut shard = Vec::with_capacity(stored + chunks.len() * 16 + 4);
    let mut index = Vec::with_capacity(chunks.len() * 16 + 4);
    for chunk in chunks {
        let (at, length) = match chunk {
            Some(chunk) => (shard.len() as u64, chunk.len() as u64),
            None => (EMPTY, EMPTY),
        };
        shard.extend_from_slice(chunk.as_deref().unwrap_or_default());
        index.extend(at.to_le_bytes());
        index.extend(length.to_le_bytes());
    }
    index.extend(crc32c(&index).to_le_bytes());
    shard.extend(index);
    shard
}

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), bit by bit: an index is a kilobyte.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { REVERSED_POLYNOMIAL } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4.
    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn the_index_names_the_chunks_and_the_empty_ones() {
        let shard = bytes(&[Some(vec![1, 2, 3]), None, Some(vec![4])]);
        assert_eq!(shard[..4], [1, 2, 3, 4]);
        let index: Vec<u64> =
            shard[4..52].as_chunks::<8>().0.iter().map(|&number| u64::from_le_bytes(number)).collect();
        assert_eq!(index, [0, 3, EMPTY, EMPTY, 3, 1]);
        assert_eq!(shard.len(), 4 + 48 + 4);
        assert!(bytes(&[None, None]).is_empty());
    }
}
