//! Reading arrays.

use super::sharded::Sharded;
use crate::matrix::number::FromStored;
use crate::matrix::stored::{Stored, copy};
use anyhow::{Context as _, Error, Result};
use serde_json::Value as Json;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::path::Path;
use zarrs::array::{Array, ArraySubset, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;

/// An array opened for reading.
pub struct StoredArray {
    array: Array<FilesystemStore>,
    sharded: Option<Sharded>,
    /// Its shape.
    pub shape: Vec<usize>,
    at: String,
}

impl StoredArray {
    pub(super) fn new(array: Array<FilesystemStore>, directory: &Path, at: String) -> Self {
        let shape = array.shape().iter().map(|&n| n as usize).collect();
        Self { array, sharded: Sharded::open(directory), shape, at }
    }

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

impl Stored for &StoredArray {
    fn n_rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    fn width(&self) -> usize {
        self.shape.get(1).copied().unwrap_or(1)
    }

    fn chunk_rows(&self) -> usize {
        self.sharded.as_ref().map_or(1, |sharded| sharded.chunk)
    }

    fn read<T: FromStored + Copy + Send>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        if let Some(sharded) = &self.sharded {
            let mut values = Vec::with_capacity(rows.len());
            if sharded.fill(rows.clone(), &mut values.spare_capacity_mut()[..rows.len()]).is_some() {
                // SAFETY: `fill` has written so many.
                unsafe { values.set_len(rows.len()) };
                return Ok(values);
            }
        }
        self.numbers(rows)
    }

    fn fill<T: FromStored + Copy + Send>(&self, rows: Range<usize>, to: &mut [MaybeUninit<T>]) -> Result<()> {
        if self.sharded.as_ref().is_some_and(|sharded| sharded.fill(rows.clone(), to).is_some()) {
            return Ok(());
        }
        copy(&self.numbers(rows)?, to);
        Ok(())
    }

    fn bad(&self, message: String) -> Error {
        Error::msg(format!("{}: {message}", self.at))
    }
}
