//! What is written comes back through the parquet crate.

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
            lists("gene_ids")?.ascending(ids)?,
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
            let bins: Vec<u8> = some(&mut || draw(largest.min(256))).iter().map(|&bin| bin as u8).collect();
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
