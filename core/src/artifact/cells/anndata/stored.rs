//! Reading arrays.

use super::Number;
use crate::matrix::number::FromStored;
use anyhow::{Context as _, Result};
use serde_json::Value as Json;
use std::ops::Range;
use zarrs::array::{Array, ArraySubset, ElementOwned, data_type};
use zarrs::filesystem::FilesystemStore;

/// An array opened for reading.
pub struct StoredArray {
    array: Array<FilesystemStore>,
    /// Its shape.
    pub shape: Vec<usize>,
    at: String,
}

impl StoredArray {
    pub(super) fn new(array: Array<FilesystemStore>, at: String) -> Self {
        let shape = array.shape().iter().map(|&n| n as usize).collect();
        Self { array, shape, at }
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
