//! The list columns as Parquet column chunks, encoded for what they hold.
//!
//! Tokens are nearly all of these columns, and a general writer takes several times as long as all other work on them:
//! it hashes every value into a dictionary and spells out levels value by value. Here ids are packed as deltas, small
//! numbers are bytes into a dictionary, and the levels of a cell are two runs. The pages are ordinary ones (data pages
//! V1; PLAIN, RLE_DICTIONARY and DELTA_BINARY_PACKED), which every reader of Parquet knows.
//!
//! Source: the Parquet format, `Encodings.md`.

use crate::artifact::table::Chunk;
use anyhow::Context as _;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

/// zstd's fastest ordinary level: level 3 takes half as long again on bytes without repeats and gains 2 %.
const ZSTD_LEVEL: i32 = 1;
/// Distinct whole numbers a dictionary is looked up for in a table.
const TABLE: usize = 1 << 16;

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
    pub fn ascending(&self, values: impl ExactSizeIterator<Item = u32>) -> anyhow::Result<Chunk> {
        let mut page = self.levels();
        delta_binary_packed(values, &mut page);
        self.chunk(None, page, Encoding::DELTA_BINARY_PACKED, Compression::UNCOMPRESSED)
    }

    /// Bytes, as indices into the dictionary of all numbers up to the largest.
    pub fn bytes(&self, values: &[u8]) -> anyhow::Result<Chunk> {
        let largest = values.iter().copied().max().unwrap_or(0);
        let dictionary: Vec<u8> = (0..=i32::from(largest)).flat_map(i32::to_le_bytes).collect();
        let mut page = self.levels();
        begin_indices(8, values.len(), &mut page);
        page.extend_from_slice(values);
        page.resize(page.len() + padding(values.len()), 0);
        self.chunk(Some(dictionary), page, Encoding::RLE_DICTIONARY, zstd()?)
    }

    /// Counts, as indices into the dictionary of those that occur; as they are if some is no small whole number.
    pub fn counts(&self, values: &[f32]) -> anyhow::Result<Chunk> {
        let mut page = self.levels();
        let Some((dictionary, index_of)) = dictionary(values) else {
            page.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            return self.chunk(None, page, Encoding::PLAIN, zstd()?);
        };
        let index = |&value: &f32| index_of[value as usize];
        if dictionary.len() <= 256 * size_of::<f32>() {
            begin_indices(8, values.len(), &mut page);
            page.extend(values.iter().map(|value| index(value) as u8));
            page.resize(page.len() + padding(values.len()), 0);
        } else {
            begin_indices(16, values.len(), &mut page);
            page.extend(values.iter().flat_map(|value| index(value).to_le_bytes()));
            page.resize(page.len() + 2 * padding(values.len()), 0);
        }
        self.chunk(Some(dictionary), page, Encoding::RLE_DICTIONARY, zstd()?)
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

    fn chunk(
        &self,
        dictionary: Option<Vec<u8>>,
        page: Vec<u8>,
        encoding: Encoding,
        compression: Compression,
    ) -> anyhow::Result<Chunk> {
        let n_levels = self.n_levels();
        let mut sink = TrackedWrite::new(Vec::with_capacity(page.len() / 2));
        let mut writer = SerializedPageWriter::new(&mut sink);
        let mut uncompressed = 0;
        let mut data_page_offset = 0;
        let mut encodings = vec![Encoding::RLE, encoding];
        if let Some(dictionary) = &dictionary {
            let (size, num_values) = (dictionary.len(), (dictionary.len() / 4) as u32);
            let buf = compress(compression, dictionary)?.into();
            let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            let written = writer.write_page(CompressedPage::new(page, size))?;
            uncompressed += written.uncompressed_size;
            data_page_offset = written.bytes_written;
            encodings.push(Encoding::PLAIN);
        }
        let size = page.len();
        let page = Page::DataPage {
            buf: compress(compression, &page)?.into(),
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

fn compress(compression: Compression, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(match compression {
        Compression::UNCOMPRESSED => bytes.to_vec(),
        _ => zstd::bulk::compress(bytes, ZSTD_LEVEL)?,
    })
}

/// The distinct values ascending, as bytes, and the place of each by value; `None` if one is no whole number below 65,536.
fn dictionary(values: &[f32]) -> Option<(Vec<u8>, Vec<u16>)> {
    let mut index_of = vec![0u16; TABLE];
    let mut whole = true;
    for &value in values {
        let place = (value as usize).min(TABLE - 1);
        whole &= place as f32 == value;
        index_of[place] = 1;
    }
    if !whole {
        return None;
    }
    let mut dictionary = Vec::new();
    let occurring = index_of.iter_mut().enumerate().filter(|(_, index)| **index == 1);
    for ((value, index), place) in occurring.zip(0..) {
        *index = place;
        dictionary.extend((value as f32).to_le_bytes());
    }
    Some((dictionary, index_of))
}

/// A repeated value of the RLE / bit-packing hybrid, of one byte at most.
fn run(n: usize, value: u8, to: &mut Vec<u8>) {
    if n > 0 {
        varint((n as u64) << 1, to);
        to.push(value);
    }
}

/// The width of indices into a dictionary and the header of one bit-packed run of all of them.
fn begin_indices(bits: u8, n: usize, to: &mut Vec<u8>) {
    to.push(bits);
    if n > 0 {
        varint((n.div_ceil(8) as u64) << 1 | 1, to);
    }
}

/// Values that fill the last group of eight.
fn padding(n: usize) -> usize {
    n.next_multiple_of(8) - n
}

fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

/// DELTA_BINARY_PACKED: blocks of 128 differences in four miniblocks, each of the width that its largest needs.
fn delta_binary_packed(values: impl ExactSizeIterator<Item = u32>, to: &mut Vec<u8>) {
    const BLOCK: usize = 128;
    const MINIBLOCK: usize = 32;
    varint(BLOCK as u64, to);
    varint((BLOCK / MINIBLOCK) as u64, to);
    varint(values.len() as u64, to);
    let mut values = values.map(|value| value as i32);
    let Some(first) = values.next() else { return varint(0, to) };
    varint(zigzag(first), to);
    let mut previous = first;
    let mut block = [0i32; BLOCK];
    loop {
        let mut n = 0;
        for (delta, value) in block.iter_mut().zip(&mut values) {
            *delta = value.wrapping_sub(previous);
            previous = value;
            n += 1;
        }
        if n == 0 {
            return;
        }
        let least = block[..n].iter().copied().min().expect("a block has a value");
        varint(zigzag(least), to);
        // Beyond the last value: nothing to add to the least.
        block[n..].fill(least);
        let above = block.map(|delta| delta.wrapping_sub(least) as u32);
        let widths = to.len();
        to.extend([0; BLOCK / MINIBLOCK]);
        for (number, miniblock) in above.chunks(MINIBLOCK).enumerate().take(n.div_ceil(MINIBLOCK)) {
            let width = 32 - miniblock.iter().fold(0, |all, value| all | value).leading_zeros();
            to[widths + number] = width as u8;
            pack(miniblock, width, to);
        }
    }
}

/// 32 values of so many bits, the first in the lowest ones.
fn pack(values: &[u32], width: u32, to: &mut Vec<u8>) {
    let (mut word, mut bits) = (0u64, 0);
    for &value in values {
        word |= u64::from(value) << bits;
        bits += width;
        if bits >= 32 {
            to.extend((word as u32).to_le_bytes());
            word >>= 32;
            bits -= 32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::table::{Table, Writer, properties};
    use crate::rng::Philox;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float32Type, UInt8Type, UInt32Type};
    use arrow_array::{RecordBatch, UInt16Array};
    use arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;

    /// Writes three list columns and reads them with the parquet crate.
    fn check(sizes: &[usize], ids: &[u32], counts: &[f32], bins: &[u8]) {
        let list = |name: &str, item: DataType| Field::new_list(name, Field::new("item", item, false), false);
        let schema = Arc::new(Schema::new(vec![
            Field::new("row", DataType::UInt16, false),
            list("gene_ids", DataType::UInt32),
            list("counts", DataType::Float32),
            list("bins", DataType::UInt8),
        ]));
        let mut offsets = vec![0];
        sizes.iter().for_each(|size| offsets.push(offsets[offsets.len() - 1] + size));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lists.parquet");
        let mut writer = Writer::create(&path, &schema, properties().build()).unwrap();
        let rows = UInt16Array::from_iter_values(0..sizes.len() as u16);
        let leading = Arc::new(schema.project(&[0]).unwrap());
        let encode = |_: &(), columns: &SchemaDescriptor| {
            let lists = |name: &str| ListColumn::new(name, &offsets, columns);
            let chunks = vec![
                lists("gene_ids")?.ascending(ids.iter().copied())?,
                lists("counts")?.counts(counts)?,
                lists("bins")?.bytes(bins)?,
            ];
            Ok((RecordBatch::try_new(leading.clone(), vec![Arc::new(rows.clone())])?, chunks))
        };
        // Twice: the second row group stands elsewhere in the file.
        writer.write_partly_encoded(&[(), ()], encode).unwrap();
        writer.finish(&serde_json::json!({})).unwrap();
        let table = Table::open(&path).unwrap();
        for group in 0..2 {
            let batch = table.read_row_group(group, &["row", "gene_ids", "counts", "bins"]).unwrap();
            let lists = |name: &str| batch.column_by_name(name).unwrap().as_list::<i32>();
            for name in ["gene_ids", "counts", "bins"] {
                let found: Vec<usize> = lists(name).offsets().iter().map(|&offset| offset as usize).collect();
                assert_eq!(found, offsets, "{name}");
            }
            assert_eq!(lists("gene_ids").values().as_primitive::<UInt32Type>().values(), ids);
            assert_eq!(lists("counts").values().as_primitive::<Float32Type>().values(), counts);
            assert_eq!(lists("bins").values().as_primitive::<UInt8Type>().values(), bins);
        }
    }

    #[test]
    fn lists_of_every_shape_come_back() {
        let mut stream = Philox::new(4).stream(0, 0);
        let mut draw = |n: u32| stream.below(n);
        for sizes in [
            vec![1],
            vec![0],
            vec![0, 0, 3, 0],
            vec![7, 0, 8, 9, 1],
            vec![32, 1, 96],
            vec![128],
            vec![129],
            vec![300, 0, 1000, 511],
        ] {
            let n = sizes.iter().sum();
            let some = |draw: &mut dyn FnMut() -> u32| (0..n).map(|_| draw()).collect::<Vec<u32>>();
            for largest in [1, 2, 60_000, u32::MAX] {
                let ids = some(&mut || draw(largest));
                let bins: Vec<u8> =
                    some(&mut || draw(largest.min(256))).iter().map(|&bin| bin as u8).collect();
                // Few and many distinct counts, one too large for the table, and broken ones.
                let counts: Vec<f32> =
                    some(&mut || draw(largest.min(70_000))).iter().map(|&c| c as f32).collect();
                check(&sizes, &ids, &counts, &bins);
                let broken: Vec<f32> = counts.iter().map(|count| count / 2.0).collect();
                check(&sizes, &ids, &broken, &bins);
            }
        }
    }

    #[test]
    fn counts_of_more_than_256_kinds_come_back() {
        for kinds in [255, 256, 257, 65_535] {
            let n = 70_001;
            let counts: Vec<f32> = (0..n).map(|i| (1 + i % kinds) as f32).collect();
            check(&[n], &vec![1; n], &counts, &vec![255; n]);
        }
    }
}
