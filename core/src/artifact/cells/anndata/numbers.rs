//! Writing arrays of numbers.

use super::{CHUNK, CHUNKS_A_SHARD, Store, plain, shard};
use crate::matrix::blosc;
use anyhow::{Context as _, Result};
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use zarrs::array::{DataType, Element, ElementOwned, data_type};

/// A number that an array can hold.
pub trait Number: Element + ElementOwned + Copy + Default + Send + Sync + 'static {
    /// Its Zarr data type.
    fn data_type() -> DataType;
    /// Its zero as the fill value.
    fn zero() -> Json;
    /// A chunk's Blosc buffer; `None` if all are zero.
    #[doc(hidden)]
    fn compressed(values: &[Self]) -> Option<Result<Vec<u8>, String>>;
}

macro_rules! number {
    ($($rust:ty => $zarr:ident, $zero:expr, $compressed:ident;)*) => {$(
        impl Number for $rust {
            fn data_type() -> DataType {
                data_type::$zarr()
            }
            fn zero() -> Json {
                json!($zero)
            }
            fn compressed(values: &[Self]) -> Option<Result<Vec<u8>, String>> {
                $compressed(values)
            }
        }
    )*};
}
number! {
    bool => bool, false, truths;
    i32 => int32, 0, words;
    i64 => int64, 0, words;
    f32 => float32, 0.0, words;
    f64 => float64, 0.0, words;
}

fn words<T: blosc::Word>(values: &[T]) -> Option<Result<Vec<u8>, String>> {
    let zero = T::varying(values) == 0 && values.first().is_none_or(|value| value.bits() == 0);
    (!zero).then(|| blosc::compress_numbers(values))
}

fn truths(values: &[bool]) -> Option<Result<Vec<u8>, String>> {
    let bytes: Vec<u8> = values.iter().copied().map(u8::from).collect();
    values.contains(&true).then(|| blosc::compress(&bytes, c"zstd", 1, blosc::Shuffle::Bytes, 1, 0))
}

/// An array of numbers being written; holds one chunk, and one shard's compressed chunks.
pub struct NumberStream<T> {
    store: Store,
    path: String,
    width: Option<usize>,
    columns: usize,
    chunk_rows: usize,
    /// The beginning of a chunk.
    held: Vec<T>,
    /// The beginning of a shard.
    chunks: Vec<Option<Vec<u8>>>,
    n_shards: usize,
    n_rows: usize,
    at: String,
}

impl<T: Number> NumberStream<T> {
    pub(super) fn new(store: &Store, path: &str, width: Option<usize>) -> Self {
        let columns = width.unwrap_or(1).max(1);
        Self {
            store: store.clone(),
            path: path.to_owned(),
            width,
            columns,
            chunk_rows: (CHUNK / columns).max(1),
            held: Vec::new(),
            chunks: Vec::new(),
            n_shards: 0,
            n_rows: 0,
            at: store.at(path),
        }
    }

    /// Adds whole rows.
    pub fn push(&mut self, values: &[T]) -> Result<()> {
        self.push_all(&[values])
    }

    /// Adds whole rows that lie in several places; chunks are compressed side by side.
    pub fn push_all(&mut self, blocks: &[&[T]]) -> Result<()> {
        let chunk = self.chunk_rows * self.columns;
        let mut held = std::mem::take(&mut self.held);
        let mut whole: Vec<Cow<'_, [T]>> = Vec::new();
        for &block in blocks {
            debug_assert_eq!(block.len() % self.columns, 0, "rows of {} values", self.columns);
            self.n_rows += block.len() / self.columns;
            let mut values = block;
            if !held.is_empty() {
                let (now, later) = values.split_at(values.len().min(chunk - held.len()));
                held.extend_from_slice(now);
                values = later;
                if held.len() == chunk {
                    whole.push(std::mem::take(&mut held).into());
                }
            }
            let chunks = values.chunks_exact(chunk);
            held.extend_from_slice(chunks.remainder());
            whole.extend(chunks.map(Cow::Borrowed));
        }
        let encoded: Vec<Result<Option<Vec<u8>>>> =
            whole.par_iter().map(|values| self.encode(values)).collect();
        self.held = held;
        encoded.into_iter().try_for_each(|chunk| self.store_chunk(chunk?))
    }

    fn encode(&self, values: &[T]) -> Result<Option<Vec<u8>>> {
        let encoded = T::compressed(values).transpose();
        encoded.map_err(anyhow::Error::msg).with_context(|| self.at.clone())
    }

    fn store_held(&mut self) -> Result<()> {
        let encoded = self.encode(&self.held)?;
        self.held.clear();
        self.store_chunk(encoded)
    }

    fn store_chunk(&mut self, chunk: Option<Vec<u8>>) -> Result<()> {
        self.chunks.push(chunk);
        if self.chunks.len() == CHUNKS_A_SHARD { self.store_shard() } else { Ok(()) }
    }

    fn store_shard(&mut self) -> Result<()> {
        let shard = shard::bytes(&self.chunks);
        self.chunks.clear();
        let mut path = self.store.path.join(self.path.trim_start_matches('/')).join("c");
        path.push(self.n_shards.to_string());
        path.extend(self.width.map(|_| "0"));
        self.n_shards += 1;
        if shard.is_empty() {
            return Ok(());
        }
        let directory = path.parent().expect("a shard lies in its array");
        std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&path, shard))
            .with_context(|| self.at.clone())
    }

    /// Writes what is left; returns the number of rows.
    pub fn finish(mut self) -> Result<usize> {
        if !self.held.is_empty() {
            // A chunk is stored whole, the rest filled with the fill value, as Zarr asks.
            self.held.resize(self.chunk_rows * self.columns, T::default());
            self.store_held()?;
        }
        let mut chunks = CHUNKS_A_SHARD;
        if !self.chunks.is_empty() || self.n_shards == 0 {
            if self.n_shards == 0 {
                // A short array is one shard of its own length.
                chunks = self.chunks.len().max(1);
            }
            self.chunks.resize(chunks, None);
            self.store_shard()?;
        }
        let mut array = self.store.sharded::<T>(&self.path, self.width, self.chunk_rows, chunks)?;
        let shape = std::iter::once(self.n_rows).chain(self.width).map(|n| n as u64).collect();
        array.set_shape(shape).with_context(|| self.at.clone())?;
        array.store_metadata_opt(&plain()).with_context(|| self.at.clone())?;
        Ok(self.n_rows)
    }
}
