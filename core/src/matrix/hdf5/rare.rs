//! Numbers of types that Rust's own do not cover: half precision, and truth values (an enumeration over integers).

use super::compound::integer;
use hdf5_reader::error::{Error, Result};
use hdf5_reader::{ByteOrder, Datatype, H5Type};

/// A number as a double.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rare(pub f64);

/// Is it a type that [`Rare`] reads?
pub(super) fn is_rare(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::FloatingPoint { size, .. } => *size == 2,
        Datatype::Enum { base, .. } => matches!(**base, Datatype::FixedPoint { size: 1 | 2 | 4 | 8, .. }),
        _ => false,
    }
}

impl H5Type for Rare {
    fn hdf5_type() -> Datatype {
        Datatype::FloatingPoint { size: 2, byte_order: ByteOrder::LittleEndian }
    }

    fn from_bytes(bytes: &[u8], datatype: &Datatype) -> Result<Self> {
        let short = || Error::InvalidData(format!("a number of {} bytes", bytes.len()));
        match datatype {
            Datatype::FloatingPoint { size: 2, byte_order } => {
                let bytes = [*bytes.first().ok_or_else(short)?, *bytes.get(1).ok_or_else(short)?];
                Ok(Self(half(match byte_order {
                    ByteOrder::LittleEndian => u16::from_le_bytes(bytes),
                    ByteOrder::BigEndian => u16::from_be_bytes(bytes),
                })))
            }
            Datatype::Enum { base, .. } => {
                let bytes = bytes.get(..Self::element_size(base)).ok_or_else(short)?;
                Ok(Self(integer(bytes, base) as f64))
            }
            other => {
                Err(Error::TypeMismatch { expected: "numbers".to_owned(), actual: format!("{other:?}") })
            }
        }
    }

    fn element_size(datatype: &Datatype) -> usize {
        match datatype {
            Datatype::Enum { base, .. } => Self::element_size(base),
            Datatype::FixedPoint { size, .. } | Datatype::FloatingPoint { size, .. } => usize::from(*size),
            _ => 0,
        }
    }
}

/// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3ff);
    sign * match bits >> 10 & 0x1f {
        0 => fraction * f64::powi(2.0, -24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + fraction) * f64::powi(2.0, i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    /// Bits from `numpy.float16(x).view("uint16")`.
    #[test]
    fn half_precision_is_read_as_numpy_writes_it() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x7bff, 65_504.0),
            (0x6401, 1_025.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(half(bits), expected, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
