//! `obs` and `var` before anndata 0.7: one compound dataset, whose first field names the rows.
//!
//! Categories stand in another group as `<column>_categories`: `uns`, or `raw.cat` for `raw.var`.

use super::file::{File, Node};
use super::{categories, texts};
use crate::matrix::{Column, Frame};
use anyhow::Result;
use hdf5_reader::{ByteOrder, CompoundField, Dataset, Datatype};

/// Reads the compound dataset at `path`; `group` holds the categories of its columns.
pub(super) fn read(file: &File, dataset: &Dataset, path: &str, group: &str) -> Result<Frame> {
    let Datatype::Compound { size, fields } = dataset.dtype() else {
        return Err(file.bad(format!("`{path}` is a dataset, expected a group or a compound dataset")));
    };
    if dataset.ndim() != 1 || fields.is_empty() {
        let (axes, fields) = (dataset.ndim(), fields.len());
        return Err(
            file.bad(format!("`{path}` has {axes} axes and {fields} fields, expected 1 axis and a field"))
        );
    }
    let bytes = file.bytes(dataset, path)?;
    let rows = Rows { file, dataset, path, bytes: &bytes, width: *size as usize };
    let mut frame = Frame::default();
    for (i, field) in fields.iter().enumerate() {
        match (rows.column(field)?, i) {
            (Ok(names), 0) => {
                frame.index =
                    (0..names.len()).map(|i| names.text(i).unwrap_or_default().into_owned()).collect();
            }
            (Ok(column), _) => {
                let column = with_categories(file, column, &format!("{group}/{}_categories", field.name))?;
                frame.columns.push((field.name.clone(), column));
            }
            (Err(kind), 0) => return Err(file.bad(format!("`{path}` is indexed by {kind}, expected names"))),
            (Err(kind), _) => frame.skipped.push((field.name.clone(), kind)),
        }
    }
    Ok(frame)
}

/// The bytes of a compound dataset.
struct Rows<'a> {
    file: &'a File,
    dataset: &'a Dataset,
    path: &'a str,
    bytes: &'a [u8],
    width: usize,
}

impl Rows<'_> {
    /// The column of a field, or in the inner `Err` the type that is not read.
    fn column(&self, field: &CompoundField) -> Result<Result<Column, String>> {
        let path = format!("{}[{}]", self.path, field.name);
        let (start, width) = (field.byte_offset as usize, width(&field.datatype, self.dataset));
        let Some(width) = width else { return Ok(Err("of a type of its own".to_owned())) };
        if width == 0 || start + width > self.width {
            let within = self.width;
            return Err(self.file.bad(format!("`{path}` lies at {start} + {width} of {within} bytes")));
        }
        let elements = self.bytes.chunks_exact(self.width).map(|row| &row[start..start + width]);
        Ok(Ok(match &field.datatype {
            datatype if texts::is_text(datatype) => {
                let texts = texts::decode(self.file, self.dataset, &path, datatype, elements)?;
                Column::from_texts(texts.iter().map(|text| Some(text.as_str())))
            }
            Datatype::Enum { base, members } => {
                categories::enumerated(elements.map(|e| integer(e, base)), members)
            }
            Datatype::FloatingPoint { byte_order, .. } => {
                Column::Float(elements.map(|element| float(element, *byte_order)).collect())
            }
            datatype => Column::Int(elements.map(|element| integer(element, datatype)).collect()),
        }))
    }
}

/// Bytes of an element of a type that is read.
fn width(datatype: &Datatype, dataset: &Dataset) -> Option<usize> {
    match datatype {
        Datatype::String { size: hdf5_reader::StringSize::Fixed(size), .. } => Some(*size as usize),
        datatype if texts::is_text(datatype) => Some(dataset.vlen_reference_size()),
        Datatype::FixedPoint { size: size @ (1 | 2 | 4 | 8), .. } => Some(usize::from(*size)),
        Datatype::FloatingPoint { size: size @ (4 | 8), .. } => Some(usize::from(*size)),
        Datatype::Enum { base, .. } if matches!(**base, Datatype::FixedPoint { .. }) => width(base, dataset),
        _ => None,
    }
}

/// The eight bytes of a number in the machine's order, filled up with zeros.
fn little_endian(element: &[u8], order: ByteOrder) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..element.len()].copy_from_slice(element);
    if order == ByteOrder::BigEndian {
        bytes[..element.len()].reverse();
    }
    bytes
}

/// The integer of at most eight bytes.
pub(super) fn integer(element: &[u8], datatype: &Datatype) -> i64 {
    let (order, signed) = match datatype {
        Datatype::FixedPoint { byte_order, signed, .. } => (*byte_order, *signed),
        _ => (ByteOrder::LittleEndian, true),
    };
    let value = u64::from_le_bytes(little_endian(element, order));
    if element.is_empty() {
        return 0;
    }
    let unused = 64 - 8 * element.len() as u32;
    if signed { ((value << unused) as i64) >> unused } else { value as i64 }
}

fn float(element: &[u8], order: ByteOrder) -> f64 {
    let bytes = little_endian(element, order);
    match element.len() {
        4 => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        _ => f64::from_le_bytes(bytes),
    }
}

/// Integers become codes if there are categories under this path that fit them all, as anndata reads them: `obs` and
/// `var` share `uns`, and a column of the same name in the other may not fit.
fn with_categories(file: &File, column: Column, path: &str) -> Result<Column> {
    let Column::Int(codes) = &column else { return Ok(column) };
    let Some(Node::Dataset(dataset)) = file.node(path)? else { return Ok(column) };
    let names = categories::names(file, &dataset, path)?;
    let fits = |&code: &i64| code >= -1 && code < names.len() as i64;
    if !codes.iter().all(fits) {
        return Ok(column);
    }
    Ok(Column::Categorical { codes: codes.iter().map(|&code| code as i32).collect(), categories: names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_width_sign_and_order() {
        let fixed = |size, signed, byte_order| Datatype::FixedPoint { size, signed, byte_order };
        assert_eq!(integer(&[0xff], &fixed(1, true, ByteOrder::LittleEndian)), -1);
        assert_eq!(integer(&[0xff], &fixed(1, false, ByteOrder::LittleEndian)), 255);
        assert_eq!(integer(&[0xff, 0xfe], &fixed(2, true, ByteOrder::BigEndian)), -2);
        assert_eq!(integer(&[2, 1, 0, 0], &fixed(4, false, ByteOrder::LittleEndian)), 258);
        assert_eq!(integer(&i64::MIN.to_be_bytes(), &fixed(8, true, ByteOrder::BigEndian)), i64::MIN);
        assert_eq!(float(&1.5f32.to_be_bytes(), ByteOrder::BigEndian), 1.5);
        assert_eq!(float(&(-0.1f64).to_le_bytes(), ByteOrder::LittleEndian), -0.1);
    }
}
