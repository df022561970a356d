//! The list columns as Parquet column chunks, encoded for what they hold.
//!
//! Tokens are nearly all of these columns, and a general writer takes several times as long as all other work on them:
//! it hashes every value into a dictionary and spells out levels value by value. Here ids are packed as deltas, small
//! numbers are bytes into a dictionary, and the levels of a cell are two runs. Bins and counts follow one another at random,
//! so zstd codes them without looking for repetitions. The pages are ordinary ones (data pages V1; RLE_DICTIONARY,
//! BYTE_STREAM_SPLIT and DELTA_BINARY_PACKED), which every reader of Parquet knows.
//!
//! Source: the Parquet format, `Encodings.md`.

mod packing;
#[cfg(test)]
mod tests;

use crate::artifact::table::Chunk;
use crate::frames;
use crate::vectors::widest;
use anyhow::Context as _;
use packing::{begin_indices, delta_binary_packed, padding, run};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

/// zstd's fastest ordinary level: level 3 takes half as long again on bytes without repeats and gains 2 %.
const ZSTD_LEVEL: i32 = 1;
/// Bins that share their codes, two cells or three: the bin of a count differs from cell to cell.
const BINS: usize = 1 << 12;
/// Counts that share their codes.
const COUNTS: usize = 1 << 15;

/// A list column of one row group.
pub struct ListColumn<'a> {
    /// Where each cell begins, and the end.
    pub offsets: &'a [usize],
    column: ColumnDescPtr,
}

impl<'a> ListColumn<'a> {
    /// The column of this name.
    pub fn new(name: &str, offsets: &'a [usize], columns: &SchemaDescriptor) -> anyhow::Result<Self> {
        let column = columns.columns().iter().find(|column| column.path().parts()[0] == name);
        Ok(Self { offsets, column: column.with_context(|| format!("no column `{name}`"))?.clone() })
    }

    /// Numbers that mostly ascend by little, not compressed any further.
    pub fn ascending(&self, values: &[u32]) -> anyhow::Result<Chunk> {
        let mut page = self.levels();
        delta_binary_packed(values, &mut page);
        self.chunk(None, (page.len(), page), Encoding::DELTA_BINARY_PACKED, Compression::UNCOMPRESSED)
    }

    /// Bytes, as indices into the dictionary of all numbers up to the largest.
    pub fn bytes(&self, values: &[u8]) -> anyhow::Result<Chunk> {
        let largest = values.iter().copied().max().unwrap_or(0);
        let dictionary: Vec<u8> = (0..=i32::from(largest)).flat_map(i32::to_le_bytes).collect();
        let mut page = self.levels();
        begin_indices(8, values.len(), &mut page);
        page.extend_from_slice(values);
        page.resize(page.len() + padding(values.len()), 0);
        self.chunk(Some(dictionary), codes(&page, BINS)?, Encoding::RLE_DICTIONARY, zstd()?)
    }

    /// Counts: below 256 as indices into the dictionary of all whole numbers up to the largest, else byte by byte.
    pub fn counts(&self, values: &[f32]) -> anyhow::Result<Chunk> {
        let mut page = self.levels();
        begin_indices(8, values.len(), &mut page);
        let begin = page.len();
        /// Added to a number below 2^23, leaves it as an integer in the lowest bits, rounded.
        const SHIFT: f32 = 8_388_608.0;
        widest(|| page.extend(values.iter().map(|&value| (value + SHIFT).to_bits() as u8)));
        let bytes = &page[begin..];
        let pairs = values.iter().zip(bytes);
        if !widest(|| pairs.fold(true, |all, (&value, &byte)| all & (f32::from(byte) == value))) {
            return self.split_counts(values);
        }
        let largest = bytes.iter().fold(0, |largest, &byte| largest.max(byte));
        let dictionary: Vec<u8> = (0..=largest).flat_map(|value| f32::from(value).to_le_bytes()).collect();
        page.resize(page.len() + padding(values.len()), 0);
        self.chunk(Some(dictionary), codes(&page, COUNTS)?, Encoding::RLE_DICTIONARY, zstd()?)
    }

    /// Numbers in four runs of bytes of like weight; of whole numbers only two bytes say much.
    fn split_counts(&self, values: &[f32]) -> anyhow::Result<Chunk> {
        let levels = self.levels();
        let (mut packed, mut plane) = (Vec::new(), Vec::with_capacity(values.len()));
        frames::append(&levels, &mut packed).map_err(anyhow::Error::msg)?;
        for weight in 0..size_of::<f32>() {
            plane.clear();
            plane.extend(values.iter().map(|value| (value.to_bits() >> (8 * weight)) as u8));
            match weight {
                // Fractions too fine for counts below 256.
                0 | 1 => frames::append(&plane, &mut packed),
                _ => frames::append_codes(&plane, COUNTS, &mut packed),
            }
            .map_err(anyhow::Error::msg)?;
        }
        let size = levels.len() + size_of_val(values);
        self.chunk(None, (size, packed), Encoding::BYTE_STREAM_SPLIT, zstd()?)
    }

    fn n_levels(&self) -> usize {
        // An empty list is one entry too.
        self.offsets.windows(2).map(|pair| (pair[1] - pair[0]).max(1)).sum()
    }

    /// The beginning of a page: repetition and definition levels, each with its length before it.
    ///
    /// Repetition: 0 where a list begins, 1 within. Definition: 1 for a value, 0 for an empty list.
    fn levels(&self) -> Vec<u8> {
        let n_values = self.offsets[self.offsets.len() - 1] - self.offsets[0];
        let mut repetition = Vec::with_capacity(8 * self.offsets.len());
        let mut definition = Vec::new();
        let mut filled = 0;
        for pair in self.offsets.windows(2) {
            let n = pair[1] - pair[0];
            run(1, 0, &mut repetition);
            run(n.saturating_sub(1), 1, &mut repetition);
            if n == 0 {
                run(filled, 1, &mut definition);
                run(1, 0, &mut definition);
                filled = 0;
            }
            filled += n;
        }
        run(filled, 1, &mut definition);
        let mut page = Vec::with_capacity(repetition.len() + definition.len() + 2 * n_values + 64);
        for levels in [repetition, definition] {
            page.extend((levels.len() as u32).to_le_bytes());
            page.extend(levels);
        }
        page
    }

    /// One page of values: its size, and its bytes compressed.
    fn chunk(
        &self,
        dictionary: Option<Vec<u8>>,
        (size, packed): (usize, Vec<u8>),
        encoding: Encoding,
        compression: Compression,
    ) -> anyhow::Result<Chunk> {
        let n_levels = self.n_levels();
        let mut sink = TrackedWrite::new(Vec::with_capacity(packed.len() + 1024));
        let mut writer = SerializedPageWriter::new(&mut sink);
        let mut uncompressed = 0;
        let mut data_page_offset = 0;
        let mut encodings = vec![Encoding::RLE, encoding];
        if let Some(dictionary) = &dictionary {
            let (size, num_values) = (dictionary.len(), (dictionary.len() / 4) as u32);
            let mut packed = Vec::new();
            frames::append(dictionary, &mut packed).map_err(anyhow::Error::msg)?;
            let buf = packed.into();
            let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            let written = writer.write_page(CompressedPage::new(page, size))?;
            uncompressed += written.uncompressed_size;
            data_page_offset = written.bytes_written;
            encodings.push(Encoding::PLAIN);
        }
        let page = Page::DataPage {
            buf: packed.into(),
            num_values: n_levels as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        uncompressed += writer.write_page(CompressedPage::new(page, size))?.uncompressed_size;
        let bytes = sink.into_inner()?;
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_encodings(encodings)
            .set_num_values(n_levels as i64)
            .set_compression(compression)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_data_page_offset(data_page_offset as i64)
            .set_dictionary_page_offset(dictionary.map(|_| 0))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.offsets.len() as u64 - 1,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(Chunk { bytes: bytes.into(), close })
    }
}

fn zstd() -> anyhow::Result<Compression> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
}

/// A page and its size before, in codes for `block` bytes each.
fn codes(page: &[u8], block: usize) -> anyhow::Result<(usize, Vec<u8>)> {
    let mut packed = Vec::new();
    frames::append_codes(page, block, &mut packed).map_err(anyhow::Error::msg)?;
    Ok((page.len(), packed))
}
