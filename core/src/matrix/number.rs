//! Conversion of stored numbers of any type.

use crate::vectors::widest;
use std::mem::MaybeUninit;

/// Numbers in little-endian bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    F32,
    F64,
    I32,
    I64,
    U32,
    U64,
}

impl Raw {
    /// Bytes of one.
    pub fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Fills `to` with the numbers of `bytes`, as many.
    pub fn convert<T: FromStored>(self, bytes: &[u8], to: &mut [MaybeUninit<T>]) {
        macro_rules! each {
            ($rust:ty, $via:ident) => {{
                let numbers = bytes.as_chunks::<{ size_of::<$rust>() }>().0;
                assert_eq!(numbers.len(), to.len(), "numbers and places");
                widest(|| {
                    to.iter_mut().zip(numbers).for_each(|(to, &bytes)| {
                        to.write(T::$via(<$rust>::from_le_bytes(bytes) as _));
                    });
                });
            }};
        }
        match self {
            Self::F32 => each!(f32, from_f64),
            Self::F64 => each!(f64, from_f64),
            Self::I32 => each!(i32, from_i32),
            Self::I64 => each!(i64, from_i64),
            Self::U32 => each!(u32, from_i64),
            Self::U64 => each!(u64, from_i64),
        }
    }
}

/// A number that stored numbers convert to.
pub trait FromStored {
    /// From a stored floating-point number.
    fn from_f64(value: f64) -> Self;
    /// From a stored integer.
    fn from_i64(value: i64) -> Self;
    /// From a stored integer of four bytes.
    fn from_i32(value: i32) -> Self;
}

macro_rules! from_stored {
    ($($rust:ty)*) => {$(
        impl FromStored for $rust {
            fn from_f64(value: f64) -> Self {
                value as $rust
            }
            fn from_i64(value: i64) -> Self {
                value as $rust
            }
            fn from_i32(value: i32) -> Self {
                value as $rust
            }
        }
    )*};
}
from_stored! { f32 f64 i64 }

/// An index: what is none, being negative or too large, becomes `u32::MAX`.
impl FromStored for u32 {
    fn from_f64(value: f64) -> Self {
        if value.fract() == 0.0 { Self::from_i64(value as i64) } else { u32::MAX }
    }
    fn from_i64(value: i64) -> Self {
        u32::try_from(value).unwrap_or(u32::MAX)
    }
    fn from_i32(value: i32) -> Self {
        // All bits of a negative one.
        (value | value >> 31).cast_unsigned()
    }
}
