//! A long one-dimensional dataset, its chunks decoded straight to where they belong.
//!
//! The general reader looks every chunk up in the index of chunks, and hands its numbers on from buffer to buffer. Here the
//! index is read once, for the layouts that nearly all files have: contiguous, or chunked with a B-tree of version 1.
//! Whatever else there is, and whatever fails, is left to the general reader, which also tells what is wrong.

use super::file::File;
use super::filters;
use crate::matrix::number::{FromStored, Raw};
use hdf5_reader::btree_v1::{BTreeV1Key, collect_btree_v1_leaves_storage};
use hdf5_reader::filters::{FilterRegistry, apply_pipeline_with_limit};
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::filter_pipeline::{FILTER_DEFLATE, FilterDescription};
use hdf5_reader::messages::layout::DataLayout;
use hdf5_reader::{ByteOrder, Dataset, Datatype};
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

/// Where a dataset's numbers lie.
pub(super) struct Chunks {
    kind: Raw,
    n: usize,
    /// Numbers of a chunk; all of a contiguous dataset.
    chunk: usize,
    /// Address and stored length of each chunk, in order.
    places: Vec<(u64, usize)>,
    filters: Vec<FilterDescription>,
    registry: FilterRegistry,
    file: std::fs::File,
}

impl Chunks {
    /// `None` if the dataset is one for the general reader.
    pub fn of(file: &File, dataset: &Dataset) -> Option<Self> {
        let (&[n], superblock) = (dataset.shape(), file.hdf5.superblock()) else { return None };
        let kind = kind_of(dataset.dtype())?;
        if superblock.base_address != 0 {
            return None;
        }
        let header = file.hdf5.get_or_parse_header(dataset.address()).ok()?;
        let (mut layout, mut filters) = (None, Vec::new());
        for message in &header.messages {
            match message {
                HdfMessage::DataLayout(message) => layout = Some(&message.layout),
                HdfMessage::FilterPipeline(message) => filters.clone_from(&message.filters),
                HdfMessage::ExternalFiles(_) => return None,
                _ => {}
            }
        }
        let n = usize::try_from(n).ok().filter(|&n| n > 0)?;
        let (chunk, places) = match layout? {
            &DataLayout::Contiguous { address, size } => {
                let length = n.checked_mul(kind.size()).filter(|&length| length as u64 == size)?;
                (n, vec![(address, length)])
            }
            DataLayout::Chunked { address, dims, chunk_indexing: None, .. } => {
                let chunk = *dims.first().filter(|&&chunk| chunk > 0)? as usize;
                let (offset_size, length_size) = (superblock.offset_size, superblock.length_size);
                let leaves = collect_btree_v1_leaves_storage(
                    file.hdf5.storage(),
                    *address,
                    offset_size,
                    length_size,
                    Some(1),
                    &dims[..1],
                    None,
                );
                (chunk, places(&leaves.ok()?, n, chunk)?)
            }
            _ => return None,
        };
        let end = |&(address, length): &(u64, usize)| address.checked_add(length as u64);
        if !places.iter().all(|place| end(place).is_some_and(|end| end <= file.size)) {
            return None;
        }
        let file = std::fs::File::open(&file.path).ok()?;
        Some(Self { kind, n, chunk, places, filters, registry: filters::registry(), file })
    }

    /// Fills `to` with the numbers of `range`; `None` if that fails.
    pub fn fill<T: FromStored>(&self, range: Range<usize>, to: &mut [MaybeUninit<T>]) -> Option<()> {
        assert_eq!(range.len(), to.len(), "numbers and places");
        if range.end > self.n {
            return None;
        }
        if self.filters.is_empty() {
            return self.stored(range, to);
        }
        let mut rest = to;
        let mut at = range.start;
        while at < range.end {
            let (number, start) = (at / self.chunk, at % self.chunk);
            let end = (start + range.end - at).min(self.chunk);
            let (now, later) = rest.split_at_mut(end - start);
            self.decoded(number, |bytes| {
                let size = self.kind.size();
                self.kind.convert(&bytes[start * size..end * size], now);
            })?;
            (rest, at) = (later, at + end - start);
        }
        Some(())
    }

    /// As [`Chunks::fill`], of numbers that are not compressed.
    fn stored<T: FromStored>(&self, range: Range<usize>, to: &mut [MaybeUninit<T>]) -> Option<()> {
        thread_local! { static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) }; }
        /// Numbers converted at once: their bytes stay in the cache.
        const AT_ONCE: usize = 1 << 15;
        let size = self.kind.size();
        BYTES.with_borrow_mut(|bytes| {
            bytes.resize(AT_ONCE * size, 0);
            let mut rest = to;
            let mut at = range.start;
            while at < range.end {
                let (number, start) = (at / self.chunk, at % self.chunk);
                let n = (range.end - at).min(self.chunk - start).min(AT_ONCE);
                let (address, length) = self.places[number];
                if (start + n) * size > length {
                    return None;
                }
                let bytes = &mut bytes[..n * size];
                self.file.read_exact_at(bytes, address + (start * size) as u64).ok()?;
                let (now, later) = rest.split_at_mut(n);
                self.kind.convert(bytes, now);
                (rest, at) = (later, at + n);
            }
            Some(())
        })
    }

    /// Calls `with` with the decoded bytes of a chunk.
    fn decoded(&self, number: usize, with: impl FnOnce(&[u8])) -> Option<()> {
        thread_local! { static BYTES: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) }; }
        let (address, length) = self.places[number];
        let expected = self.chunk.checked_mul(self.kind.size()).filter(|&n| n <= filters::MAX_CHUNK_BYTES)?;
        BYTES.with_borrow_mut(|(stored, decoded)| {
            if stored.len() < length {
                stored.resize(length, 0);
            }
            let stored = &mut stored[..length];
            self.file.read_exact_at(stored, address).ok()?;
            if let [FilterDescription { id: FILTER_DEFLATE, .. }] = *self.filters {
                filters::inflate_exactly(stored, expected, decoded).ok()?;
                with(&decoded[..expected]);
            } else {
                let (size, registry) = (self.kind.size(), Some(&self.registry));
                let bytes =
                    apply_pipeline_with_limit(stored, &self.filters, 0, size, registry, Some(expected + 1));
                with(bytes.ok().filter(|bytes| bytes.len() == expected)?.as_slice());
            }
            Some(())
        })
    }
}

/// The chunks in order; `None` if one is missing, stands elsewhere, or skips a filter.
fn places(leaves: &[(BTreeV1Key, u64)], n: usize, chunk: usize) -> Option<Vec<(u64, usize)>> {
    let mut places = Vec::with_capacity(leaves.len().min(n.div_ceil(chunk)));
    for (key, address) in leaves {
        let BTreeV1Key::RawData { chunk_size, filter_mask: 0, offsets } = key else { return None };
        let offset = usize::try_from(*offsets.first()?).ok()?;
        if offset >= n {
            // Left over from a dataset that was once longer.
            continue;
        }
        if offset != places.len() * chunk || *chunk_size == 0 {
            return None;
        }
        places.push((*address, *chunk_size as usize));
    }
    (places.len() == n.div_ceil(chunk)).then_some(places)
}

fn kind_of(datatype: &Datatype) -> Option<Raw> {
    const ORDER: ByteOrder = ByteOrder::LittleEndian;
    Some(match *datatype {
        Datatype::FloatingPoint { size: 4, byte_order: ORDER } => Raw::F32,
        Datatype::FloatingPoint { size: 8, byte_order: ORDER } => Raw::F64,
        Datatype::FixedPoint { size: 4, signed: true, byte_order: ORDER } => Raw::I32,
        Datatype::FixedPoint { size: 8, signed: true, byte_order: ORDER } => Raw::I64,
        Datatype::FixedPoint { size: 4, signed: false, byte_order: ORDER } => Raw::U32,
        Datatype::FixedPoint { size: 8, signed: false, byte_order: ORDER } => Raw::U64,
        _ => return None,
    })
}
