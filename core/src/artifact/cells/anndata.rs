//! The AnnData on-disk layout over Zarr v3: groups, arrays and texts with the attributes that Python `anndata` expects.
//!
//! Long arrays are sharded (64 chunks a file) so that a corpus is thousands of files, not millions, and the chunks of a
//! shard are laid down in order, so that the bytes do not depend on the number of threads.

use super::blosc_codec::BloscCodec;
use crate::matrix::number::FromStored;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value as Json, json};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zarrs::array::codec::{ShardingCodecOptions, SubchunkWriteOrder, ZstdCodec};
use zarrs::array::{
    Array, ArrayBuilder, ArrayMetadataOptions, ArraySubset, CodecOptions, CodecSpecificOptions, DataType,
    Element, ElementOwned, data_type,
};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::{Group, GroupBuilder};

/// Elements of one compressed chunk: 256 KiB of float32.
const CHUNK: usize = 1 << 16;
/// Chunks of one shard, which is one file.
const CHUNKS_A_SHARD: usize = 64;
/// Texts of one chunk; text arrays are not sharded.
const TEXTS: usize = 1 << 17;
/// zstd's default level: 5 is 2 % smaller on counts and half as fast.
const ZSTD_LEVEL: i32 = 3;

/// A number that an array can hold.
pub trait Number: Element + ElementOwned + Copy + Default + Send + Sync + 'static {
    /// Its Zarr data type.
    fn data_type() -> DataType;
    /// Its zero as the fill value.
    fn zero() -> Json;
}

macro_rules! number {
    ($($rust:ty => $zarr:ident, $zero:expr;)*) => {$(
        impl Number for $rust {
            fn data_type() -> DataType {
                data_type::$zarr()
            }
            fn zero() -> Json {
                json!($zero)
            }
        }
    )*};
}
number! {
    bool => bool, false;
    i32 => int32, 0;
    i64 => int64, 0;
    f32 => float32, 0.0;
    f64 => float64, 0.0;
}

/// A directory in AnnData's layout.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    zarr: Arc<FilesystemStore>,
}

impl Store {
    /// Opens an existing directory, for reading or to write into.
    pub fn open(path: &Path) -> Result<Self> {
        let zarr = FilesystemStore::new(path).with_context(|| format!("opening `{}`", path.display()))?;
        Ok(Self { path: path.to_owned(), zarr: Arc::new(zarr) })
    }

    /// Starts an AnnData in an existing, empty directory: the root and the groups that `anndata` expects even if empty.
    pub fn create(path: &Path) -> Result<Self> {
        let store = Self::open(path)?;
        store.group("/", "anndata", "0.1.0", [])?;
        for group in ["layers", "obsm", "obsp", "varm", "varp", "uns"] {
            store.group(&format!("/{group}"), "dict", "0.1.0", [])?;
        }
        Ok(store)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does this group or array exist?
    pub fn contains(&self, path: &str) -> bool {
        self.path.join(path.trim_start_matches('/')).join("zarr.json").is_file()
    }

    /// Names of the groups and arrays in a group, sorted; none if there is no such group.
    pub fn names(&self, path: &str) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.path.join(path.trim_start_matches('/'))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| self.at(path))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| self.at(path))?;
            if entry.path().join("zarr.json").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes a group with its encoding and further attributes.
    pub fn group<const N: usize>(
        &self,
        path: &str,
        kind: &str,
        version: &str,
        more: [(&str, Json); N],
    ) -> Result<()> {
        let mut attributes = encoding(kind, version);
        attributes.extend(more.map(|(key, value)| (key.to_owned(), value)));
        let group = GroupBuilder::new().attributes(attributes).build(self.zarr.clone(), path);
        group
            .map_err(anyhow::Error::from)
            .and_then(|group| Ok(group.store_metadata()?))
            .with_context(|| self.at(path))
    }

    /// Attributes of a group.
    pub fn group_attributes(&self, path: &str) -> Result<Map<String, Json>> {
        let group = Group::open(self.zarr.clone(), path).with_context(|| self.at(path))?;
        Ok(group.attributes().clone())
    }

    /// Begins an array of `width` numbers a row (`None`: one-dimensional), written piece by piece.
    pub fn stream<T: Number>(&self, path: &str, width: Option<usize>) -> Result<NumberStream<T>> {
        let columns = width.unwrap_or(1).max(1);
        let chunk_rows = (CHUNK / columns).max(1);
        let array = self.sharded::<T>(path, width, chunk_rows, CHUNKS_A_SHARD)?;
        Ok(NumberStream {
            array,
            store: self.clone(),
            path: path.to_owned(),
            width,
            columns,
            chunk_rows,
            shard_rows: chunk_rows * CHUNKS_A_SHARD,
            buffer: Vec::new(),
            written: 0,
            at: self.at(path),
        })
    }

    /// An array without rows, of shards of so many chunks of so many rows.
    fn sharded<T: Number>(
        &self,
        path: &str,
        width: Option<usize>,
        chunk_rows: usize,
        chunks: usize,
    ) -> Result<Array<FilesystemStore>> {
        let shape = |rows: usize, least: usize| -> Vec<u64> {
            std::iter::once(rows).chain(width.map(|width| width.max(least))).map(|n| n as u64).collect()
        };
        let fill = serde_json::from_value::<zarrs::metadata::FillValueMetadata>(T::zero())?;
        let mut builder = ArrayBuilder::new(shape(0, 0), shape(chunk_rows * chunks, 1), T::data_type(), fill);
        builder
            .subchunk_shape(shape(chunk_rows, 1))
            .bytes_to_bytes_codecs(vec![Arc::new(BloscCodec::of_numbers(size_of::<T>()))])
            .codec_specific_options(in_order())
            .attributes(encoding("array", "0.2.0"));
        builder.build(self.zarr.clone(), path).with_context(|| self.at(path))
    }

    /// Writes a whole array of numbers; `width` as in [`Store::stream`].
    pub fn numbers<T: Number>(&self, path: &str, width: Option<usize>, values: &[T]) -> Result<()> {
        let mut stream = self.stream(path, width)?;
        stream.push(values)?;
        stream.finish().map(drop)
    }

    /// Begins an array of texts, written piece by piece.
    pub fn stream_texts(&self, path: &str) -> Result<TextStream> {
        let mut builder = ArrayBuilder::new(vec![0], vec![TEXTS as u64], data_type::string(), "");
        builder
            .bytes_to_bytes_codecs(vec![Arc::new(ZstdCodec::new(ZSTD_LEVEL, false))])
            .attributes(encoding("string-array", "0.2.0"));
        let array = builder.build(self.zarr.clone(), path).with_context(|| self.at(path))?;
        Ok(TextStream { array, buffer: Vec::new(), written: 0, at: self.at(path) })
    }

    /// Writes a whole array of texts.
    pub fn texts<S: AsRef<str>>(&self, path: &str, texts: &[S]) -> Result<()> {
        let mut stream = self.stream_texts(path)?;
        stream.push(texts.iter().map(|text| text.as_ref().to_owned()))?;
        stream.finish()
    }

    /// Writes one text.
    pub fn text(&self, path: &str, text: &str) -> Result<()> {
        let write = || -> Result<()> {
            let mut builder =
                ArrayBuilder::new(Vec::<u64>::new(), Vec::<u64>::new(), data_type::string(), "");
            let array = builder.attributes(encoding("string", "0.2.0")).build(self.zarr.clone(), path)?;
            array.store_metadata_opt(&plain())?;
            Ok(array.store_chunk(&[], vec![text.to_owned()])?)
        };
        write().with_context(|| self.at(path))
    }

    /// Reads one text.
    pub fn read_text(&self, path: &str) -> Result<String> {
        let read = || -> Result<String> {
            let array = Array::open(self.zarr.clone(), path)?;
            let texts: Vec<String> = array.retrieve_array_subset(&array.subset_all())?;
            texts.into_iter().next().context("an empty array where one text is expected")
        };
        read().with_context(|| self.at(path))
    }

    /// Opens an array for reading.
    pub fn array(&self, path: &str) -> Result<StoredArray> {
        let array = Array::open(self.zarr.clone(), path).with_context(|| self.at(path))?;
        let shape = array.shape().iter().map(|&n| n as usize).collect();
        Ok(StoredArray { array, shape, at: self.at(path) })
    }

    fn at(&self, path: &str) -> String {
        format!("in `{}`, `{}`", self.path.display(), path.trim_start_matches('/'))
    }
}

fn encoding(kind: &str, version: &str) -> Map<String, Json> {
    Map::from_iter([
        ("encoding-type".to_owned(), json!(kind)),
        ("encoding-version".to_owned(), json!(version)),
    ])
}

fn in_order() -> CodecSpecificOptions {
    let options = ShardingCodecOptions::default().with_subchunk_write_order(SubchunkWriteOrder::C);
    CodecSpecificOptions::default().with_option(options)
}

/// No `_zarrs` attribute: the version of a library is no part of the data.
fn plain() -> ArrayMetadataOptions {
    ArrayMetadataOptions::default().with_include_zarrs_metadata(false)
}

/// An array of numbers being written; holds at most one shard in memory.
pub struct NumberStream<T> {
    array: Array<FilesystemStore>,
    store: Store,
    path: String,
    width: Option<usize>,
    columns: usize,
    chunk_rows: usize,
    shard_rows: usize,
    buffer: Vec<T>,
    written: usize,
    at: String,
}

impl<T: Number> NumberStream<T> {
    /// Adds whole rows.
    pub fn push(&mut self, mut values: &[T]) -> Result<()> {
        debug_assert_eq!(values.len() % self.columns, 0, "rows of {} values", self.columns);
        let shard = self.shard_rows * self.columns;
        while !values.is_empty() {
            let (now, later) = values.split_at(values.len().min(shard - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            values = later;
            if self.buffer.len() == shard {
                self.store_shard(shard)?;
            }
        }
        Ok(())
    }

    fn store_shard(&mut self, shard: usize) -> Result<()> {
        let rows = self.buffer.len() / self.columns;
        // A shard is stored whole, the rest filled with the fill value, as Zarr asks.
        self.buffer.resize(shard, T::default());
        let number = self.written / self.shard_rows;
        self.written += rows;
        self.resize()?;
        let place: Vec<u64> = std::iter::once(number as u64).chain(self.width.map(|_| 0)).collect();
        self.array
            .store_chunk_opt(&place, self.buffer.as_slice(), &CodecOptions::default())
            .with_context(|| self.at.clone())?;
        self.buffer.clear();
        Ok(())
    }

    fn resize(&mut self) -> Result<()> {
        let shape = std::iter::once(self.written).chain(self.width).map(|n| n as u64).collect();
        self.array.set_shape(shape).with_context(|| self.at.clone())?;
        Ok(())
    }

    /// Writes what is left; returns the number of rows.
    pub fn finish(mut self) -> Result<usize> {
        if self.written == 0 {
            // A short array is one shard of its own length: filling up a long one would cost more than all else.
            let chunks = (self.buffer.len() / self.columns).div_ceil(self.chunk_rows).max(1);
            self.array = self.store.sharded::<T>(&self.path, self.width, self.chunk_rows, chunks)?;
            self.shard_rows = self.chunk_rows * chunks;
        }
        if !self.buffer.is_empty() {
            self.store_shard(self.shard_rows * self.columns)?;
        }
        self.resize()?;
        self.array.store_metadata_opt(&plain()).with_context(|| self.at.clone())?;
        Ok(self.written)
    }
}

/// An array of texts being written; holds at most one chunk in memory.
pub struct TextStream {
    array: Array<FilesystemStore>,
    buffer: Vec<String>,
    written: usize,
    at: String,
}

impl TextStream {
    /// Adds texts.
    pub fn push(&mut self, texts: impl IntoIterator<Item = String>) -> Result<()> {
        for text in texts {
            self.buffer.push(text);
            if self.buffer.len() == TEXTS {
                self.store_chunk()?;
            }
        }
        Ok(())
    }

    fn store_chunk(&mut self) -> Result<()> {
        let number = (self.written / TEXTS) as u64;
        self.written += self.buffer.len();
        self.buffer.resize(TEXTS, String::new());
        self.array.set_shape(vec![self.written as u64]).with_context(|| self.at.clone())?;
        self.array.store_chunk(&[number], std::mem::take(&mut self.buffer)).with_context(|| self.at.clone())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.store_chunk()?;
        }
        self.array.store_metadata_opt(&plain()).with_context(|| self.at.clone())
    }
}

/// An array opened for reading.
pub struct StoredArray {
    array: Array<FilesystemStore>,
    /// Its shape.
    pub shape: Vec<usize>,
    at: String,
}

impl StoredArray {
    /// The attribute `encoding-type`.
    pub fn encoding(&self) -> &str {
        self.array.attributes().get("encoding-type").and_then(Json::as_str).unwrap_or("array")
    }

    /// Is the data type bool?
    pub fn is_bool(&self) -> bool {
        self.array.data_type() == &data_type::bool()
    }

    /// Is the data type a floating-point number?
    pub fn is_float(&self) -> bool {
        [data_type::float32(), data_type::float64()].contains(self.array.data_type())
    }

    fn read<T: ElementOwned>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        let first = rows.start as u64..rows.end as u64;
        let ranges = std::iter::once(first).chain(self.shape.iter().skip(1).map(|&n| 0..n as u64));
        let subset = ArraySubset::new_with_ranges(&ranges.collect::<Vec<_>>());
        self.array.retrieve_array_subset::<Vec<T>>(&subset).with_context(|| self.at.clone())
    }

    /// Texts of these rows.
    pub fn texts(&self, rows: Range<usize>) -> Result<Vec<String>> {
        self.read(rows)
    }

    /// Truth values of these rows, row by row.
    pub fn bools(&self, rows: Range<usize>) -> Result<Vec<bool>> {
        self.read(rows)
    }

    /// Numbers of these rows as they are stored; `None` if their type is another.
    pub fn stored<T: Number>(&self, rows: Range<usize>) -> Result<Option<Vec<T>>> {
        if self.array.data_type() != &T::data_type() {
            return Ok(None);
        }
        self.read(rows).map(Some)
    }

    /// Numbers of these rows, row by row, converted from whatever type is stored.
    pub fn numbers<T: FromStored>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        let stored = self.array.data_type();
        macro_rules! convert {
            ($($rust:ty => $zarr:ident, $via:ident;)*) => {$(
                if stored == &data_type::$zarr() {
                    return Ok(self.read::<$rust>(rows)?.into_iter().map(|value| T::$via(value as _)).collect());
                }
            )*};
        }
        convert! {
            f32 => float32, from_f64; f64 => float64, from_f64;
            i8 => int8, from_i64; i16 => int16, from_i64; i32 => int32, from_i64; i64 => int64, from_i64;
            u8 => uint8, from_i64; u16 => uint16, from_i64; u32 => uint32, from_i64; u64 => uint64, from_i64;
        }
        anyhow::bail!("{}: `{stored:?}` is no number", self.at)
    }
}
