//! Conversion of stored numbers of any type.

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
