use crate::matrix::{Column, Kind, Matrix, Rows};
use crate::stage::error::classify;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(path: &Path) -> Result<(Matrix, Rows)> {
    let mut matrix = Matrix::open(path, None)?;
    let rows = matrix.read_block(0..matrix.n_cells())?;
    Ok((matrix, rows))
}

/// Every store of `tests/python/make_zarr.py` holds these.
fn check(name: &str, matrix: &Matrix, rows: &Rows) {
    let expected = Rows {
        indptr: vec![0, 3, 3, 6],
        indices: vec![0, 2, 3, 1, 2, 4],
        data: vec![1.0, 2.0, 7.0, 30_000.0, 4.0, 5.0],
    };
    assert_eq!(*rows, expected, "{name}");
    assert_eq!(matrix.cells.index, ["AAAC-1", "AAAG-1", "AAAT-1"], "{name}");
    assert_eq!(matrix.genes.index[1], "ENSG00000146648", "{name}");
    assert_eq!(matrix.genes.column("gene_symbols").unwrap().text(4).unwrap(), "E", "{name}");
    let columns = [
        ("label", Kind::Categorical, [Some("é"), None, Some("a")]),
        ("text", Kind::Categorical, [Some("x"), Some("y"), Some("")]),
        ("float", Kind::Float, [Some("1.5"), None, Some("0")]),
        ("int", Kind::Int, [Some("0"), Some("-2"), Some("3")]),
        ("bool", Kind::Bool, [Some("True"), Some("False"), Some("True")]),
        ("nullable_int", Kind::Float, [Some("1"), None, Some("3")]),
        ("nullable_bool", Kind::Categorical, [None, Some("True"), Some("False")]),
        ("zero", Kind::Int, [Some("0"); 3]),
    ];
    for (column, kind, expected) in columns {
        let values = matrix.cells.column(column).unwrap_or_else(|| panic!("{name}: no {column}"));
        let found: Vec<_> = (0..3).map(|i| values.text(i)).collect();
        assert_eq!(values.kind(), kind, "{name}, {column}");
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{name}, {column}");
    }
    assert_eq!(matrix.cells.skipped, [], "{name}");
}

#[test]
fn stores_that_python_writes_are_read_in_either_version() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python/make_zarr.py");
    let made = Command::new(python).arg(script).arg(directory.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut n = 0;
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut matrix, rows) = read(&path).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        check(&name, &matrix, &rows);
        let source = match name.split('_').next() {
            Some("layer") => "layers/counts",
            Some("raw") => "raw/X",
            _ => "X",
        };
        assert_eq!(matrix.source, source, "{name}");
        assert_eq!(matrix.read_block(2..3).unwrap().indices, [1, 2, 4], "{name}");
        n += 1;
    }
    assert_eq!(n, 12);
}

/// A version 2 store without compression: two cells, three genes; cell A has 5 of the second gene, B 6 of the third.
struct Store {
    directory: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let store = Self { directory: tempfile::tempdir().unwrap() };
        store.group("", "{}");
        store.group("obs", r#"{"_index": "_index", "column-order": ["n"]}"#);
        store.group("var", r#"{"_index": "_index", "column-order": []}"#);
        store.group("X", r#"{"encoding-type": "csr_matrix", "shape": [2, 3]}"#);
        store.array("obs/_index", "|S1", 2, b"AB");
        store.array("obs/n", "|u1", 2, b"\x01\x02");
        store.array("var/_index", "|S1", 3, b"abc");
        store.array("X/data", "|u1", 2, b"\x05\x06");
        store.array("X/indices", "|i1", 2, b"\x01\x02");
        store.array("X/indptr", "|i1", 3, b"\x00\x01\x02");
        store
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn group(&self, path: &str, attributes: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
        fs::write(self.path(path).join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
        fs::write(self.path(path).join(".zattrs"), attributes).unwrap();
    }

    /// One chunk that holds the whole array.
    fn array(&self, path: &str, dtype: &str, n: u64, bytes: &[u8]) {
        let metadata = format!(
            r#"{{"zarr_format": 2, "shape": [{n}], "chunks": [{n}], "dtype": "{dtype}", "fill_value": 0, "order": "C",
                "filters": null, "compressor": null}}"#
        );
        fs::create_dir_all(self.path(path)).unwrap();
        fs::write(self.path(path).join(".zarray"), metadata).unwrap();
        fs::write(self.path(path).join("0"), bytes).unwrap();
    }

    fn change(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(path), text.replace(from, to)).unwrap();
    }
}

#[test]
fn a_store_made_by_hand_is_read() {
    let store = Store::new();
    let (matrix, rows) = read(store.directory.path()).unwrap();
    assert_eq!(
        (matrix.cells.index.concat(), matrix.genes.index.concat()),
        ("AB".to_owned(), "abc".to_owned())
    );
    assert_eq!(rows, Rows { indptr: vec![0, 1, 2], indices: vec![1, 2], data: vec![5.0, 6.0] });
    assert_eq!(matrix.cells.column("n"), Some(&Column::Int(vec![1, 2])));
    // Chunks of nothing but the fill value need not be stored.
    fs::remove_file(store.path("obs/n/0")).unwrap();
    let (matrix, _) = read(store.directory.path()).unwrap();
    assert_eq!(matrix.cells.column("n"), Some(&Column::Int(vec![0, 0])));
}

#[test]
fn what_is_damaged_or_lies_is_refused() {
    let check = |damage: &dyn Fn(&Store), expected: &str| {
        let store = Store::new();
        damage(&store);
        let error = read(store.directory.path()).err().unwrap_or_else(|| panic!("read, not: {expected}"));
        assert!(error.to_string().contains(expected), "{error}, expected {expected}");
        assert_eq!(classify(&error).0, 65, "{error}");
    };
    check(&|store| fs::remove_dir_all(store.path("obs")).unwrap(), "no AnnData: `obs` is missing");
    check(&|store| fs::remove_dir_all(store.path("X")).unwrap(), "holds no matrix");
    check(&|store| fs::remove_dir_all(store.path("X/indptr")).unwrap(), "`X/indptr` is missing");
    check(&|store| store.array("X/indices", "|i1", 2, b"\x01\x03"), "`X/indices[1]` is 3, expected 0 to 2");
    check(&|store| store.array("X/indices", "|i1", 2, b"\x01\xff"), "`X/indices[1]` is -1, expected 0 to 2");
    check(&|store| store.array("X/indptr", "|i1", 3, b"\x00\x02\x01"), "`X/indptr[2]` is 1, expected 2 to 2");
    check(
        &|store| store.array("X/indptr", "|i1", 2, b"\x00\x02"),
        "`X/indptr` has 2 entries, expected 3 (2 cells + 1)",
    );
    check(&|store| store.array("X/data", "|u1", 3, b"\x05\x06\x07"), "`X/data` has 3");
    check(
        &|store| store.array("X/data", "|u1", 2, b"\x05"),
        "cannot read `X/data`: chunk 0: 1 bytes, expected 2",
    );
    check(&|store| store.array("obs/n", "|u1", 3, b"\x01\x02\x03"), "`obs/n` has 3 entries, expected 2");
    check(&|store| store.array("obs/_index", "|S1", 2, b"\xff\xfe"), "not UTF-8");
    check(&|store| store.change("X/.zattrs", "[2, 3]", "[2, 4]"), "expected [2, 3] (obs x var)");
    check(&|store| store.change("X/.zattrs", "csr_matrix", "coo"), "encoded as `coo`");
    check(&|store| store.change("X/data/.zarray", "null}", "{\"id\": \"lz4\"}}"), "compressed by `lz4`");
    check(&|store| store.change("X/data/.zarray", "null}", "{\"id\": \"zstd\"}}"), "damaged Zstd data");
    check(
        &|store| store.change("X/data/.zarray", "null}", "{\"id\": \"blosc\"}}"),
        "a Blosc buffer of 2 bytes",
    );
    check(
        &|store| fs::write(store.path("X/data/.zattrs"), b"\"\xff\"").unwrap(),
        "`X/data/.zattrs` is not valid JSON",
    );
    check(&|store| store.change("X/data/.zarray", "{", "{{"), "`X/data/.zarray` is not valid JSON");
    // Claims that would cost memory: 2^50 cells that are not stored, a gene with more values than there are cells.
    let huge = |path: &'static str, n: &'static str| {
        move |store: &Store| store.change(path, &format!("\"shape\": [{n}]"), "\"shape\": [1125899906842624]")
    };
    check(&huge("obs/_index/.zarray", "2"), "cannot read `obs/_index`: chunk 1 is missing");
    check(&huge("var/_index/.zarray", "3"), "cannot read `var/_index`: chunk 1 is missing");
    check(&huge("X/indptr/.zarray", "3"), "`X/indptr` has 1125899906842624 entries");
    check(
        &|store| {
            huge("X/data/.zarray", "2")(store);
            huge("X/indices/.zarray", "2")(store);
            store.array("X/indptr", "<i4", 3, &[0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 64]);
        },
        "`X/indptr[1]` spans 1073741824 entries, expected at most 3",
    );
}

#[test]
fn a_column_that_is_not_understood_is_left_out() {
    let store = Store::new();
    store.change("obs/n/.zarray", "|u1", "<M8[ns]");
    let (matrix, _) = read(store.directory.path()).unwrap();
    let [(name, kind)] = &matrix.cells.skipped[..] else { panic!("{:?}", matrix.cells.skipped) };
    assert!(name == "n" && kind.contains("of type `<M8[ns]`"), "{kind}");
}
