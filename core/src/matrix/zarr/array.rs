//! One array of a store, read in runs of rows: chunks are decoded side by side, nothing is kept.

use super::codecs::checked;
use super::metadata::{Metadata, Shards, Type};
use crate::matrix::number::FromStored;
use rayon::prelude::*;
use serde_json::Value as Json;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// Bytes of a chunk of texts: their lengths are not known beforehand.
const MAX_TEXTS: usize = 1 << 30;

/// Entries of an array that may lack chunks though nothing else tells its length.
const MAX_SPARSE: usize = 1 << 20;

/// An array and where it lies.
pub(super) struct Array {
    /// Within the store.
    pub path: String,
    pub directory: PathBuf,
    pub metadata: Metadata,
    pub attributes: Json,
}

impl Array {
    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.metadata.shape
    }

    /// Number of values in a row.
    pub fn width(&self) -> usize {
        self.shape().get(1).copied().unwrap_or(1)
    }

    /// Numbers of these rows, all columns, row by row; the array has one axis or two.
    pub fn numbers<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>, String> {
        let (width, fill) = (self.width(), T::from_f64(self.metadata.fill));
        if self.metadata.kind.is_text() {
            return Err("it holds texts, expected numbers".to_owned());
        }
        let mut values = vec![fill; rows.len() * width];
        let [chunk_rows, chunk_width] = self.chunk();
        let places: Vec<[usize; 2]> = self.chunks(&rows).collect();
        // Chunks that are decoded at once take about as much memory as the rows themselves.
        let decoded = places.par_iter().map(|&place| {
            let bytes = self.bytes(place, chunk_rows * chunk_width)?;
            Ok::<_, String>((place, bytes.map(|bytes| self.convert::<T>(&bytes))))
        });
        for chunk in decoded.collect::<Result<Vec<_>, _>>()? {
            let ([row, column], Some(chunk)) = chunk else { continue };
            let columns = column * chunk_width..((column + 1) * chunk_width).min(width);
            for i in 0..chunk_rows {
                let at = row * chunk_rows + i;
                if !rows.contains(&at) {
                    continue;
                }
                let to = &mut values[(at - rows.start) * width..][columns.clone()];
                match self.metadata.layout.transposed {
                    true => to.iter_mut().enumerate().for_each(|(j, to)| *to = chunk[j * chunk_rows + i]),
                    false => to.copy_from_slice(&chunk[i * chunk_width..][..columns.len()]),
                }
            }
        }
        Ok(values)
    }

    /// All texts; the array has one axis. A chunk that is not stored holds empty texts, but of a long array only if its
    /// length is `known` from elsewhere: a claim costs no memory.
    pub fn texts(&self, known: bool) -> Result<Vec<String>, String> {
        let (n, [chunk, _]) = (self.shape()[0], self.chunk());
        let sparse = known || n <= MAX_SPARSE;
        let mut texts = Vec::new();
        for place in self.chunks(&(0..n)) {
            let in_array = chunk.min(n - texts.len());
            match self.bytes(place, chunk)? {
                Some(bytes) => texts.extend(self.split_texts(&bytes, chunk)?.into_iter().take(in_array)),
                None if sparse => texts.resize(texts.len() + in_array, String::new()),
                None => return Err(format!("chunk {} is missing", place[0])),
            }
        }
        Ok(texts)
    }

    /// All numbers of one axis, whose length nothing else tells.
    pub fn all_numbers<T: FromStored + Copy + Send>(&self) -> Result<Vec<T>, String> {
        let n = self.shape()[0];
        let stored = |place| self.file(self.file_of(place).0).exists();
        if n > MAX_SPARSE && !self.chunks(&(0..n)).all(stored) {
            return Err("a chunk is missing".to_owned());
        }
        self.numbers(0..n)
    }

    /// Rows and columns of a chunk.
    fn chunk(&self) -> [usize; 2] {
        let chunk = &self.metadata.layout.chunk;
        [chunk[0], chunk.get(1).copied().unwrap_or(1)]
    }

    /// The chunks that hold these rows.
    fn chunks(&self, rows: &Range<usize>) -> impl Iterator<Item = [usize; 2]> + use<> {
        let [chunk_rows, chunk_width] = self.chunk();
        let columns = 0..self.width().div_ceil(chunk_width);
        let rows =
            if rows.is_empty() { 0..0 } else { rows.start / chunk_rows..rows.end.div_ceil(chunk_rows) };
        rows.flat_map(move |row| columns.clone().map(move |column| [row, column]))
    }

    /// The file a chunk lies in, and its number there.
    fn file_of(&self, place: [usize; 2]) -> ([usize; 2], usize) {
        let Some(Shards { shape, .. }) = &self.metadata.shards else { return (place, 0) };
        let chunk = self.chunk();
        let a_shard = [shape[0] / chunk[0], shape.get(1).map_or(1, |&n| n / chunk[1])];
        let inside = [place[0] % a_shard[0], place[1] % a_shard[1]];
        ([place[0] / a_shard[0], place[1] / a_shard[1]], inside[0] * a_shard[1] + inside[1])
    }

    fn file(&self, place: [usize; 2]) -> PathBuf {
        let Metadata { separator, prefix, shape, .. } = &self.metadata;
        let mut name = String::from(*prefix);
        for number in &place[..shape.len()] {
            if !name.is_empty() {
                name.push_str(separator);
            }
            name.push_str(&number.to_string());
        }
        self.directory.join(name)
    }

    /// Decoded bytes of a chunk of `n` elements; `None` if it is not stored.
    fn bytes(&self, place: [usize; 2], n: usize) -> Result<Option<Vec<u8>>, String> {
        let (file, inside) = self.file_of(place);
        let path = self.file(file);
        let name = || path.strip_prefix(&self.directory).unwrap_or(&path).display().to_string();
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| format!("chunk {}: {error}", name()))?,
        };
        let decode = || -> Result<Option<Vec<u8>>, String> {
            let length = file.metadata().map_err(|error| error.to_string())?.len();
            let range = match &self.metadata.shards {
                None => Some(0..length),
                Some(shards) => self.in_shard(&file, length, shards, inside)?,
            };
            let Some(range) = range else { return Ok(None) };
            let expected = self.metadata.kind.size().map(|size| size * n);
            // A checksum more.
            let limit = expected.unwrap_or(MAX_TEXTS) + 4;
            let mut bytes = read(&file, range)?;
            for codec in self.metadata.layout.codecs.iter().rev() {
                bytes = codec.decode(&bytes, limit)?;
            }
            if let Some(expected) = expected.filter(|&expected| expected != bytes.len()) {
                return Err(format!("{} bytes, expected {expected}", bytes.len()));
            }
            Ok(Some(bytes))
        };
        decode().map_err(|what| format!("chunk {}: {what}", name()))
    }

    /// Where in its shard a chunk stands; `None` if it is not stored.
    fn in_shard(
        &self,
        file: &File,
        length: u64,
        shards: &Shards,
        inside: usize,
    ) -> Result<Option<Range<u64>>, String> {
        let n: usize = shards
            .shape
            .iter()
            .zip(&self.metadata.layout.chunk)
            .map(|(shard, chunk)| shard / chunk)
            .product();
        let size = n as u64 * 16 + if shards.checksum { 4 } else { 0 };
        let Some(start) = length.checked_sub(size) else {
            return Err(format!("a shard of {length} bytes has no room for its index of {size}"));
        };
        let index = read(file, if shards.index_at_end { start..length } else { 0..size })?;
        let index = if shards.checksum { checked(&index)? } else { &index };
        let number = |at: usize| {
            let bytes = index[inside * 16 + at..].first_chunk::<8>();
            bytes.map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes))
        };
        let (offset, n) = (number(0), number(8));
        if (offset, n) == (u64::MAX, u64::MAX) {
            return Ok(None);
        }
        match offset.checked_add(n) {
            Some(end) if end <= length => Ok(Some(offset..end)),
            _ => Err(format!(
                "chunk {inside} of a shard of {length} bytes is said to begin at {offset} and have {n}"
            )),
        }
    }

    /// Decoded bytes as numbers.
    fn convert<T: FromStored>(&self, bytes: &[u8]) -> Vec<T> {
        let big = self.metadata.layout.big_endian;
        macro_rules! convert {
            ($rust:ty, $via:ident, $wide:ty) => {
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&chunk| {
                        let value =
                            if big { <$rust>::from_be_bytes(chunk) } else { <$rust>::from_le_bytes(chunk) };
                        T::$via(value as $wide)
                    })
                    .collect()
            };
        }
        match self.metadata.kind {
            Type::Float(4) => convert!(f32, from_f64, f64),
            Type::Float(_) => convert!(f64, from_f64, f64),
            Type::Int(1) => convert!(i8, from_i64, i64),
            Type::Int(2) => convert!(i16, from_i64, i64),
            Type::Int(4) => convert!(i32, from_i64, i64),
            Type::Int(_) => convert!(i64, from_i64, i64),
            Type::Uint(2) => convert!(u16, from_i64, i64),
            Type::Uint(4) => convert!(u32, from_i64, i64),
            Type::Uint(8) => convert!(u64, from_i64, i64),
            _ => convert!(u8, from_i64, i64),
        }
    }

    /// Decoded bytes as `n` texts.
    fn split_texts(&self, bytes: &[u8], n: usize) -> Result<Vec<String>, String> {
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| "a text that is not UTF-8".to_owned())
        };
        match self.metadata.kind {
            Type::Text => {
                let number = |bytes: &[u8]| bytes.first_chunk::<4>().map(|n| u32::from_le_bytes(*n) as usize);
                let short = || "texts that are cut short".to_owned();
                let found = number(bytes).ok_or_else(short)?;
                if found != n {
                    return Err(format!("{found} texts, expected {n}"));
                }
                let (mut rest, mut texts) = (&bytes[4..], Vec::new());
                for _ in 0..n {
                    let length = number(rest).ok_or_else(short)?;
                    let (one, after) = rest[4..].split_at_checked(length).ok_or_else(short)?;
                    texts.push(text(one)?);
                    rest = after;
                }
                Ok(texts)
            }
            Type::Utf32(size) => {
                let letter = |bytes: &[u8; 4]| match self.metadata.layout.big_endian {
                    true => u32::from_be_bytes(*bytes),
                    false => u32::from_le_bytes(*bytes),
                };
                let one = |bytes: &[u8]| {
                    let letters = bytes.as_chunks().0.iter().map(letter).take_while(|&letter| letter != 0);
                    let text: Option<String> = letters.map(char::from_u32).collect();
                    text.ok_or_else(|| "a text that is not UTF-32".to_owned())
                };
                bytes.chunks_exact(size).map(one).collect()
            }
            Type::Bytes(size) => bytes
                .chunks_exact(size)
                .map(|one| text(one.split(|&byte| byte == 0).next().unwrap_or_default()))
                .collect(),
            _ => Err("it holds numbers, expected texts".to_owned()),
        }
    }
}

fn read(file: &File, range: Range<u64>) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut bytes, range.start).map_err(|error| error.to_string())?;
    Ok(bytes)
}
