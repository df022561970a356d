//! An HDF5 file opened with care: sizes in headers are limits to be checked, not promises.

use super::filters;
use super::rare::{self, Rare};
use crate::matrix::number::FromStored;
use crate::stage::UserError;
use anyhow::Result;
use hdf5_reader::error::Error;
use hdf5_reader::group::Group;
use hdf5_reader::{Attribute, Dataset, Datatype, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One read call may ask for this much: the indptr or the names of 200 million cells.
const MAX_READ_BYTES: usize = 4 << 30;
/// A dataset read whole has at most this many times the bytes of its file (what gzip can reach) ...
const MAX_BYTES_RATIO: u64 = 1032;
/// ... and this many times as many elements: some dataset names every row, and names do not compress so well.
pub(super) const MAX_ELEMENTS_RATIO: u64 = 16;

/// An opened HDF5 file that knows its path for messages.
pub(super) struct File {
    pub path: PathBuf,
    /// Bytes of the file.
    pub size: u64,
    pub hdf5: Hdf5File,
}

/// A group or a dataset.
pub(super) enum Node {
    Group(Group),
    Dataset(Box<Dataset>),
}

impl File {
    /// Errors: 66 if the file cannot be opened; 65 if it is not HDF5.
    pub fn open(path: &Path) -> Result<Self> {
        let options = OpenOptions::default()
            .with_filter_registry(filters::registry())
            .with_max_chunk_bytes(filters::MAX_CHUNK_BYTES)
            // What is read is read once, in order: kept chunks would only push others out of the processor's cache.
            .with_chunk_cache_bytes(0)
            .with_max_read_bytes(MAX_READ_BYTES);
        let size = std::fs::metadata(path).map_err(|error| unopened(path, &error))?.len();
        if size == 0 {
            return Err(UserError::bad_data(format!("`{}` is empty (0 bytes)", path.display()))
                .hint("fetch or write the file again")
                .into());
        }
        match Hdf5File::open_with_options(path, options) {
            Ok(hdf5) => Ok(Self { path: path.to_owned(), size, hdf5 }),
            Err(Error::Io(error)) => Err(unopened(path, &error).into()),
            Err(Error::InvalidMagic) => {
                Err(UserError::bad_data(format!("`{}` is not an HDF5 file ({size} bytes)", path.display()))
                    .hint("an `.h5ad` is HDF5; a directory with `matrix.mtx` is read as 10x counts")
                    .into())
            }
            Err(error) => Err(damaged(path, "the file", &error)),
        }
    }

    /// What stands at this path; `None` if nothing does.
    pub fn node(&self, path: &str) -> Result<Option<Node>> {
        let mut group = self.hdf5.root_group().map_err(|error| self.damaged(path, &error))?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // What fails is the listing of the group that is searched.
        let searched = |i: usize| if i == 0 { "/".to_owned() } else { parts[..i].join("/") };
        for (i, part) in parts.iter().enumerate() {
            match group.group(part) {
                Ok(child) => group = child,
                Err(Error::GroupNotFound(_)) if i + 1 == parts.len() => {
                    return match group.dataset(part) {
                        Ok(dataset) => Ok(Some(Node::Dataset(Box::new(dataset)))),
                        Err(error) if not_found(&error) => Ok(None),
                        Err(error) => Err(self.damaged(&searched(i), &error)),
                    };
                }
                Err(Error::GroupNotFound(_)) => return Ok(None),
                Err(error) => return Err(self.damaged(&searched(i), &error)),
            }
        }
        Ok(Some(Node::Group(group)))
    }

    /// Does anything stand at this path?
    pub fn has(&self, path: &str) -> Result<bool> {
        Ok(self.node(path)?.is_some())
    }

    /// The dataset at this path.
    pub fn dataset(&self, path: &str) -> Result<Dataset> {
        match self.node(path)? {
            Some(Node::Dataset(dataset)) => Ok(*dataset),
            Some(Node::Group(_)) => Err(self.bad(format!("`{path}` is a group, expected a dataset"))),
            None => Err(self.bad(format!("`{path}` is missing"))),
        }
    }

    /// The group at this path, if there is one.
    pub fn group(&self, path: &str) -> Result<Option<Group>> {
        Ok(match self.node(path)? {
            Some(Node::Group(group)) => Some(group),
            _ => None,
        })
    }

    /// Names of a group's children, sorted; empty if there is no such group.
    pub fn names(&self, path: &str) -> Result<Vec<String>> {
        let Some(group) = self.group(path)? else { return Ok(Vec::new()) };
        let (mut names, datasets) = group.member_names().map_err(|error| self.damaged(path, &error))?;
        names.extend(datasets);
        names.sort();
        Ok(names)
    }

    /// All numbers of a dataset.
    pub fn numbers<T: FromStored>(&self, dataset: &Dataset, path: &str) -> Result<Vec<T>> {
        self.check_claim(dataset, path)?;
        read(dataset, &SliceInfo::all(dataset.ndim())).map_err(|error| self.damaged(path, &error))
    }

    /// All stored bytes of a dataset, decompressed.
    pub fn bytes(&self, dataset: &Dataset, path: &str) -> Result<Vec<u8>> {
        self.check_claim(dataset, path)?;
        dataset.read_raw_bytes().map_err(|error| self.damaged(path, &error))
    }

    /// A header may claim any size: memory is spent only on what a file of this length can hold.
    fn check_claim(&self, dataset: &Dataset, path: &str) -> Result<()> {
        let n = dataset.num_elements().map_err(|error| self.damaged(path, &error))?;
        let bytes = dataset.raw_byte_len().map_err(|error| self.damaged(path, &error))? as u64;
        if n > self.size.saturating_mul(MAX_ELEMENTS_RATIO)
            || bytes > self.size.saturating_mul(MAX_BYTES_RATIO)
        {
            let size = self.size;
            return Err(self.bad(format!(
                "`{path}` claims {n} entries ({bytes} bytes), more than a file of {size} bytes can hold"
            )));
        }
        Ok(())
    }

    /// Numbers of a range of the first axis, all of the others.
    pub fn slice<T: FromStored>(&self, dataset: &Dataset, path: &str, range: Range<usize>) -> Result<Vec<T>> {
        self.range(dataset, path, 0, range)
    }

    /// Numbers of a range of the second axis, all of the first.
    pub fn columns<T: FromStored>(
        &self,
        dataset: &Dataset,
        path: &str,
        range: Range<usize>,
    ) -> Result<Vec<T>> {
        self.range(dataset, path, 1, range)
    }

    fn range<T: FromStored>(
        &self,
        dataset: &Dataset,
        path: &str,
        axis: usize,
        range: Range<usize>,
    ) -> Result<Vec<T>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let mut selection = SliceInfo::all(dataset.ndim());
        selection.selections[axis] =
            SliceInfoElem::Slice { start: range.start as u64, end: range.end as u64, step: 1 };
        read(dataset, &selection).map_err(|error| self.damaged(path, &error))
    }

    /// 65 with the path in front: the file is HDF5, but what stands in it does not fit together.
    pub fn bad(&self, message: String) -> anyhow::Error {
        UserError::bad_data(format!("`{}`: {message}", self.path.display()))
            .hint("the file is malformed: fetch it again, or write it again with the tool that made it")
            .into()
    }

    /// 65: reading `what` failed.
    pub fn damaged(&self, what: &str, error: &Error) -> anyhow::Error {
        let what = if what.is_empty() { "/" } else { what };
        damaged(&self.path, &format!("`{what}`"), error)
    }
}

/// A text attribute, if there is one.
pub(super) fn text_attribute(attribute: hdf5_reader::error::Result<Attribute>) -> Option<String> {
    attribute.ok().and_then(|attribute| attribute.read_string().ok())
}

fn read<T: FromStored>(dataset: &Dataset, selection: &SliceInfo) -> Result<Vec<T>, Error> {
    macro_rules! read_as {
        ($rust:ty, $via:ident) => {{
            let array = dataset.read_slice_parallel::<$rust>(selection)?;
            if array.is_standard_layout() {
                // In place where the types are as long as one another.
                let (values, offset) = array.into_raw_vec_and_offset();
                debug_assert!(matches!(offset, None | Some(0)), "an array of its own");
                values.into_iter().map(|value| T::$via(value as _)).collect()
            } else {
                array.iter().map(|&value| T::$via(value as _)).collect()
            }
        }};
    }
    Ok(match dataset.dtype() {
        Datatype::FloatingPoint { size: 4, .. } => read_as!(f32, from_f64),
        Datatype::FloatingPoint { size: 8, .. } => read_as!(f64, from_f64),
        Datatype::FixedPoint { size: 1, signed: true, .. } => read_as!(i8, from_i64),
        Datatype::FixedPoint { size: 2, signed: true, .. } => read_as!(i16, from_i64),
        Datatype::FixedPoint { size: 4, signed: true, .. } => read_as!(i32, from_i64),
        Datatype::FixedPoint { size: 8, signed: true, .. } => read_as!(i64, from_i64),
        Datatype::FixedPoint { size: 1, signed: false, .. } => read_as!(u8, from_i64),
        Datatype::FixedPoint { size: 2, signed: false, .. } => read_as!(u16, from_i64),
        Datatype::FixedPoint { size: 4, signed: false, .. } => read_as!(u32, from_i64),
        Datatype::FixedPoint { size: 8, signed: false, .. } => read_as!(u64, from_i64),
        other if rare::is_rare(other) => {
            let numbers = dataset.read_slice_parallel::<Rare>(selection)?;
            numbers.iter().map(|number| T::from_f64(number.0)).collect()
        }
        other => return Err(Error::TypeMismatch { expected: "numbers".to_owned(), actual: name_of(other) }),
    })
}

/// A type's name for messages.
pub(super) fn name_of(datatype: &Datatype) -> String {
    match datatype {
        Datatype::String { .. } | Datatype::VarLen { .. } => "texts".to_owned(),
        Datatype::Compound { .. } => "rows of several fields".to_owned(),
        Datatype::FloatingPoint { size, .. } => format!("floating-point numbers of {size} bytes"),
        Datatype::FixedPoint { size, .. } => format!("integers of {size} bytes"),
        Datatype::Reference { .. } => "references".to_owned(),
        Datatype::Enum { .. } => "an enumeration".to_owned(),
        _ => "values of a type of their own".to_owned(),
    }
}

fn not_found(error: &Error) -> bool {
    match error {
        Error::DatasetNotFound(_) | Error::GroupNotFound(_) => true,
        Error::Context { source, .. } => not_found(source),
        _ => false,
    }
}

fn unopened(path: &Path, error: &std::io::Error) -> UserError {
    match error.kind() {
        std::io::ErrorKind::NotFound => UserError::missing(path),
        _ => UserError::new(
            crate::stage::Kind::InputMissing,
            format!("cannot open `{}`: {error}", path.display()),
        ),
    }
}

fn damaged(path: &Path, what: &str, error: &Error) -> anyhow::Error {
    let mut innermost = error;
    while let Error::Context { source, .. } = innermost {
        innermost = source;
    }
    let path = path.display();
    match innermost {
        Error::UnsupportedFilter(text) => {
            let id = text.rsplit(' ').next().unwrap_or_default();
            let name = filters::name(id);
            UserError::bad_data(format!(
                "`{path}`: {what} is compressed with HDF5 filter {id} ({name}), which is not read"
            ))
            .hint("write it again with `adata.write_h5ad(path, compression=\"gzip\")`")
        }
        Error::TypeMismatch { expected, actual } => {
            UserError::bad_data(format!("`{path}`: {what} holds {actual}, expected {expected}"))
                .hint("write it again as numbers, such as float32 or int32")
        }
        error => UserError::bad_data(format!("`{path}`: cannot read {what}: {error}"))
            .hint("the file is damaged or cut short: fetch it again and compare its checksum"),
    }
    .into()
}
