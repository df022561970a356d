use super::fixture::{Corpus, vocabulary};
use super::*;
use crate::artifact::atomic;
use std::fs;
use std::path::Path;

fn refusal(path: &Path) -> String {
    let opened = Tokens::open(path).and_then(|tokens| tokens.read_row_group(0, Columns::default()).map(drop));
    format!("{:#}", opened.unwrap_err())
}

#[test]
fn cells_come_back_as_they_were_written() {
    let corpus = Corpus::default();
    let (_directory, tokens) = corpus.open();
    let (written, block) = (corpus.rows(), corpus.block());
    assert_eq!(tokens.n_cells(), corpus.n_cells);
    assert_eq!(tokens.splits(), corpus.splits());
    let sizes: Vec<usize> = tokens.row_groups().iter().map(|group| group.n_cells).collect();
    assert_eq!(sizes, [1024, 1024, 452]);
    let mut read = CellRows::new();
    for group in 0..3 {
        let rows = tokens
            .read_row_group(group, Columns { counts: true, cell_ids: true, ..Columns::default() })
            .unwrap();
        (0..rows.n_cells()).for_each(|i| read.push_from(&rows, i));
    }
    assert_eq!(read, written);
    let ids: Vec<String> = tokens.cell_ids().flat_map(|ids| ids.unwrap()).collect();
    assert_eq!(ids, written.cell_ids);
    for (name, column) in [("cell_type", 0), ("study", 1), ("patient", 2)] {
        let found = tokens.column(name).unwrap();
        assert!(found.levels.is_sorted());
        for cell in 0..corpus.n_cells {
            let code = usize::try_from(block.columns[column].codes[cell]).ok();
            assert_eq!(found.get(cell), code.map(|code| block.columns[column].levels[code].as_str()));
        }
    }
    assert_eq!(tokens.panels(), corpus.panels());
}

#[test]
fn training_reads_no_counts() {
    let (_directory, tokens) = Corpus::default().open();
    let rows = tokens.read_row_group(1, Columns::default()).unwrap();
    assert!(rows.counts.is_empty() && rows.total_counts.is_empty() && rows.cell_ids.is_empty());
    assert_eq!(rows.n_cells(), 1024);
}

#[test]
fn the_bytes_do_not_depend_on_blocks_or_threads() {
    let corpus = Corpus::default();
    let directory = tempfile::tempdir().unwrap();
    let whole = corpus.write(&directory.path().join("whole"));
    let path = directory.path().join("pieces");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let pieces = atomic::write_directory(&path, |directory| -> Result<Index, std::io::Error> {
        let mut writer = TokensWriter::create(directory, corpus.content()).unwrap();
        let block = corpus.block();
        for cells in [0..1, 1..700, 700..2500] {
            let mut piece =
                Block { rows: CellRows::new(), splits: Vec::new(), columns: block.columns.clone() };
            cells.clone().for_each(|i| piece.rows.push_from(&block.rows, i));
            piece.splits = block.splits[cells.clone()].to_vec();
            piece.columns.iter_mut().for_each(|column| column.codes = column.codes[cells.clone()].to_vec());
            pool.install(|| writer.push(piece)).unwrap();
        }
        Ok(pool.install(|| writer.finish()).unwrap())
    })
    .unwrap();
    assert_eq!(pieces, whole);
}

#[test]
fn a_part_with_one_flipped_byte_is_refused_before_a_cell_is_used() {
    let corpus = Corpus::default();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    corpus.write(&path);
    let part = path.join("part-00000.parquet");
    let intact = fs::read(&part).unwrap();
    // Anywhere: in pages, in the footer, in the magic.
    for place in [4, intact.len() / 3, intact.len() / 2, intact.len() - 600, intact.len() - 2] {
        let mut bytes = intact.clone();
        bytes[place] ^= 0x10;
        fs::write(&part, &bytes).unwrap();
        let error = refusal(&path);
        assert!(error.contains("part-00000.parquet"), "byte {place}: {error}");
    }
    fs::write(&part, &intact[..intact.len() / 2]).unwrap();
    assert!(refusal(&path).contains("no whole Parquet file"), "{}", refusal(&path));
}

#[test]
fn another_vocabulary_in_the_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let corpus = Corpus::default();
    corpus.write(&path);
    vocabulary(corpus.n_genes, "H").write(&path.join("_vocabulary.parquet")).unwrap();
    let error = refusal(&path);
    assert!(error.contains("made with another vocabulary"), "{error}");
}

#[test]
fn another_format_a_newer_version_and_a_missing_index_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    Corpus { n_cells: 3, ..Corpus::default() }.write(&path);
    let index = path.join("_index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    assert!(refusal(&path).contains("has version 2 of `panfoma.tokens`, this program reads version 1"));
    fs::write(&index, text.replace("panfoma.tokens", "panfoma.model")).unwrap();
    assert!(refusal(&path).contains("is a `panfoma.model` artifact, expected `panfoma.tokens`"));
    fs::write(&index, text.replace("\"n_cells\": 3", "\"n_cells\": 4")).unwrap();
    assert!(refusal(&path).contains("has 3 rows, its index says 4"), "{}", refusal(&path));
    fs::remove_file(&index).unwrap();
    assert!(refusal(&path).contains("is no tokens directory"));
}

#[test]
fn rows_that_break_the_schema_are_named() {
    let check = |genes: &[(u32, f32, u8)], panel: u16, expected: &str| {
        let mut rows = CellRows::new();
        rows.push("fine", 0, 1.0, &[(1, 1.0, 1), (2, 1.0, 10)]);
        rows.push("broken", panel, 1.0, genes);
        assert_eq!(rows.check(40, 11, 2).unwrap_err(), expected);
    };
    check(&[(5, 1.0, 1), (5, 1.0, 1)], 0, "row 1: gene id 5 after 5, expected ascending ids");
    check(&[(0, 1.0, 1)], 0, "row 1: gene id 0, expected 1 to 40");
    check(&[(41, 1.0, 1)], 0, "row 1: gene id 41, expected 1 to 40");
    check(&[(40, 1.0, 11)], 0, "row 1: bin 11, expected 1 to 10");
    check(&[(40, 1.0, 0)], 0, "row 1: bin 0, expected 1 to 10");
    check(&[(40, 1.0, 1)], 2, "row 1: panel 2, expected less than 2");
}

#[test]
fn a_column_that_is_not_there_names_those_that_are() {
    let (_directory, tokens) = Corpus { n_cells: 3, ..Corpus::default() }.open();
    let error = tokens.column("tissue").unwrap_err();
    let (code, hint) = crate::stage::error::classify(&error);
    assert_eq!((code, hint), (65, Some("its label and group columns are: cell_type, patient, study")));
}
