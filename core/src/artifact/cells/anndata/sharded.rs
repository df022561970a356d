//! One-dimensional numbers in shards as [`super::NumberStream`] writes them, decoded chunk by chunk.
//!
//! What is stored otherwise, and whatever fails, is left to zarrs, which also tells what is wrong.

use super::shard::crc32c;
use crate::matrix::blosc;
use crate::matrix::number::{FromStored, Raw};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::fs::File;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Shards whose index is remembered.
const REMEMBERED: usize = 32;

/// An array and what is known of its shards.
pub(super) struct Sharded {
    directory: PathBuf,
    raw: Raw,
    n: usize,
    /// Numbers of a chunk.
    pub chunk: usize,
    chunks_a_shard: usize,
    shards: Mutex<Vec<(usize, Arc<Shard>)>>,
}

/// A shard: places and lengths of its chunks, `u64::MAX` for one of zeros; no file if all are.
struct Shard {
    file: Option<File>,
    index: Vec<[u64; 2]>,
}

impl Sharded {
    /// `None` if the array in this directory is another kind of array.
    pub fn open(directory: &Path) -> Option<Self> {
        let text = std::fs::read(directory.join("zarr.json")).ok()?;
        let metadata: Json = serde_json::from_slice(&text).ok()?;
        let number = |json: &Json| match json.as_array().map(Vec::as_slice) {
            Some([n]) => n.as_u64().and_then(|n| usize::try_from(n).ok()),
            _ => None,
        };
        let raw = match metadata["data_type"].as_str()? {
            "float32" => Raw::F32,
            "float64" => Raw::F64,
            "int32" => Raw::I32,
            "int64" => Raw::I64,
            _ => return None,
        };
        let [sharding] = metadata["codecs"].as_array()?.as_slice() else { return None };
        let settings = &sharding["configuration"];
        let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let [bytes, packed] = settings["codecs"].as_array()?.as_slice() else { return None };
        let known = sharding["name"] == "sharding_indexed"
            && *bytes == little
            && packed["name"] == "blosc"
            && settings["index_codecs"] == json!([little, {"name": "crc32c"}])
            && settings.get("index_location").is_none_or(|location| location == "end")
            && metadata["chunk_key_encoding"]["name"] == "default"
            && metadata["chunk_key_encoding"]["configuration"]["separator"] == "/"
            && metadata["chunk_grid"]["name"] == "regular"
            && metadata["fill_value"].as_f64() == Some(0.0);
        let chunk = number(&settings["chunk_shape"]).filter(|&chunk| known && chunk > 0)?;
        let shard = number(&metadata["chunk_grid"]["configuration"]["chunk_shape"])?;
        let chunks_a_shard = shard / chunk;
        let n = number(&metadata["shape"])?;
        let (directory, shards) = (directory.to_owned(), Mutex::default());
        // Neither may a header ask for more memory than a written array would.
        let usual = shard % chunk == 0 && (1..=4096).contains(&chunks_a_shard) && chunk <= 1 << 24;
        usual.then_some(Self { directory, raw, n, chunk, chunks_a_shard, shards })
    }

    /// Fills `to` with the numbers of `range`; `None` if that fails.
    pub fn fill<T: FromStored>(&self, range: Range<usize>, to: &mut [MaybeUninit<T>]) -> Option<()> {
        assert_eq!(range.len(), to.len(), "numbers and places");
        if range.end > self.n {
            return None;
        }
        let (size, mut rest, mut at) = (self.raw.size(), to, range.start);
        while at < range.end {
            let (number, start) = (at / self.chunk, at % self.chunk);
            let end = (start + range.end - at).min(self.chunk);
            let (now, later) = rest.split_at_mut(end - start);
            self.decoded(number, |bytes| self.raw.convert(&bytes[start * size..end * size], now))?;
            (rest, at) = (later, at + end - start);
        }
        Some(())
    }

    /// Calls `with` with the decoded bytes of a chunk.
    fn decoded(&self, number: usize, with: impl FnOnce(&[u8])) -> Option<()> {
        thread_local! { static BYTES: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) }; }
        let shard = self.shard(number / self.chunks_a_shard)?;
        let &[at, length] = shard.index.get(number % self.chunks_a_shard)?;
        BYTES.with_borrow_mut(|(stored, decoded)| {
            decoded.resize(self.chunk * self.raw.size(), 0);
            match &shard.file {
                Some(file) if [at, length] != [u64::MAX; 2] => {
                    let length = usize::try_from(length).ok()?;
                    if length > decoded.len() + blosc::OVERHEAD {
                        return None;
                    }
                    stored.resize(length, 0);
                    file.read_exact_at(stored, at).ok()?;
                    blosc::decompress_into(stored, decoded).ok()?;
                }
                _ => decoded.fill(0),
            }
            with(decoded);
            Some(())
        })
    }

    fn shard(&self, number: usize) -> Option<Arc<Shard>> {
        let find = |shards: &[(usize, Arc<Shard>)]| {
            shards.iter().find(|(other, _)| *other == number).map(|(_, shard)| Arc::clone(shard))
        };
        if let Some(shard) = find(&self.shards.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(shard);
        }
        let shard = Arc::new(self.read_index(number)?);
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if shards.len() == REMEMBERED {
            shards.remove(0);
        }
        shards.push((number, Arc::clone(&shard)));
        Some(shard)
    }

    fn read_index(&self, number: usize) -> Option<Shard> {
        let file = match File::open(self.directory.join("c").join(number.to_string())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Some(Shard { file: None, index: vec![[u64::MAX; 2]; self.chunks_a_shard] });
            }
            file => file.ok()?,
        };
        let mut bytes = vec![0; self.chunks_a_shard * 16 + 4];
        let at = file.metadata().ok()?.len().checked_sub(bytes.len() as u64)?;
        file.read_exact_at(&mut bytes, at).ok()?;
        let (index, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c(index) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let numbers: Vec<u64> = index.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect();
        Some(Shard { file: Some(file), index: numbers.as_chunks().0.to_vec() })
    }
}
