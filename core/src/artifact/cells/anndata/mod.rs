//! The AnnData on-disk layout over Zarr v3: groups, arrays and texts with the attributes that Python `anndata` expects.
//!
//! Long arrays are sharded (64 chunks a file) so that a corpus is thousands of files, not millions.

mod numbers;
mod shard;
mod sharded;
mod stored;
mod texts;

pub use numbers::{Number, NumberStream};
pub use stored::StoredArray;
pub use texts::TextStream;

use super::blosc_codec::BloscCodec;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zarrs::array::codec::ZstdCodec;
use zarrs::array::{Array, ArrayBuilder, ArrayMetadataOptions, data_type};
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
        Ok(NumberStream::new(self, path, width))
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
        Ok(TextStream::new(array, self.at(path)))
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
        let directory = self.path.join(path.trim_start_matches('/'));
        Ok(StoredArray::new(array, &directory, self.at(path)))
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

/// No `_zarrs` attribute: the version of a library is no part of the data.
fn plain() -> ArrayMetadataOptions {
    ArrayMetadataOptions::default().with_include_zarrs_metadata(false)
}
