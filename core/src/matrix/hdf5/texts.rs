//! Texts of datasets and of fields of compound datasets: of fixed length, or references into the file's heap.

use super::file::{File, name_of};
use anyhow::Result;
use hdf5_reader::{Dataset, Datatype, StringPadding, StringSize};

/// Texts of a dataset may together be this many times as long as the file: more is no list of names.
const MAX_RATIO: u64 = 16;

/// Is it a type of texts?
pub(super) fn is_text(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::String { .. } => true,
        Datatype::VarLen { base, .. } => base.is_vlen_string_base(),
        _ => false,
    }
}

/// The texts of a dataset.
pub(super) fn read(file: &File, dataset: &Dataset, path: &str) -> Result<Vec<String>> {
    let bytes = file.bytes(dataset, path)?;
    let width = dataset.raw_element_size().map_err(|error| file.damaged(path, &error))?.max(1);
    decode(file, dataset, path, dataset.dtype(), bytes.chunks_exact(width))
}

/// The texts of a field of a compound dataset, or of the whole of one: `elements` are its stored bytes.
pub(super) fn decode<'a>(
    file: &File,
    dataset: &Dataset,
    path: &str,
    datatype: &Datatype,
    elements: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Vec<String>> {
    let fixed = matches!(datatype, Datatype::String { size: StringSize::Fixed(_), .. });
    let padding = match datatype {
        Datatype::String { padding, .. } | Datatype::VarLen { padding, .. } => *padding,
        _ => return Err(file.bad(format!("`{path}` holds {}, expected texts", name_of(datatype)))),
    };
    let mut room = file.size.saturating_mul(MAX_RATIO);
    let mut texts = Vec::with_capacity(elements.len());
    for (i, element) in elements.enumerate() {
        let text = if fixed {
            std::str::from_utf8(trim(element, padding)).map(str::to_owned)
        } else {
            let bytes = dataset
                .resolve_vlen_reference_bytes(element, 1)
                .map_err(|error| file.damaged(&format!("{path}[{i}]"), &error))?;
            std::str::from_utf8(trim(&bytes, padding)).map(str::to_owned)
        };
        let text = text.map_err(|_| file.bad(format!("`{path}[{i}]` is not UTF-8 text")))?;
        // Many references to one long text would claim memory that the file cannot fill.
        room = room.checked_sub(text.len() as u64).ok_or_else(|| {
            file.bad(format!("the texts of `{path}` are more than {MAX_RATIO} times as long as the file"))
        })?;
        texts.push(text);
    }
    Ok(texts)
}

fn trim(bytes: &[u8], padding: StringPadding) -> &[u8] {
    let end = match padding {
        StringPadding::NullTerminate => bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()),
        StringPadding::NullPad => bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1),
        StringPadding::SpacePad => bytes.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1),
    };
    &bytes[..end]
}
