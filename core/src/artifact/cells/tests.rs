use super::*;
use crate::artifact::{Header, Provenance};
use crate::matrix::{Column, Kind, Rows};
use crate::stage::error::classify;
use std::path::{Path, PathBuf};
use std::process::Command;

fn header() -> Header {
    let provenance = Provenance {
        tool: "panfoma-qc".into(),
        tool_version: "0".into(),
        commit: "test".into(),
        config: serde_json::Value::Null,
        inputs: Vec::new(),
        seed: 0,
    };
    Header::new(FORMAT, VERSION, provenance)
}

fn gene(ensembl_id: &str, symbol: &str, n_cells_by_counts: u64, total_counts: f64) -> Gene {
    Gene {
        ensembl_id: ensembl_id.into(),
        symbol: symbol.into(),
        input_name: symbol.into(),
        mt: symbol.starts_with("MT-"),
        ribo: symbol.starts_with("RPL"),
        n_cells_by_counts,
        total_counts,
    }
}

fn genes() -> Vec<Gene> {
    vec![
        gene("ENSG00000141510", "TP53", 1, 1.0),
        gene("ENSG00000142676", "RPL11", 1, 2.0),
        gene("ENSG00000146648", "EGFR", 1, 30_000.0),
        gene("ENSG00000198888", "MT-ND1", 1, 7.0),
        gene("input:é gene", "é gene", 0, 0.0),
    ]
}

fn columns() -> Vec<(String, Kind)> {
    [("label", Kind::Categorical), ("age", Kind::Float), ("n", Kind::Int), ("passes_qc", Kind::Bool)]
        .map(|(name, kind)| (name.to_owned(), kind))
        .to_vec()
}

/// 3 cells x 5 genes, the second cell empty, written as blocks of the given sizes.
fn write(directory: &Path, blocks: &[usize]) -> PathBuf {
    let path = directory.join("cells.zarr");
    let cells: [&[(u32, f32)]; 3] = [&[(0, 1.0), (3, 7.0)], &[], &[(1, 2.0), (2, 30_000.0)]];
    let labels = [Some("B cell"), None, Some("malignant é")];
    std::fs::create_dir(&path).unwrap();
    let mut writer = CellsWriter::create(&path, 5, &columns()).unwrap();
    let protein = writer.add_modality("protein", &["CD3".to_owned(), "CD19 é".to_owned()]).unwrap();
    let proteins: [&[(u32, f32)]; 3] = [&[(1, 70_000.0)], &[], &[(0, 3.0), (1, 4.0)]];
    let mut at = 0;
    for &n in blocks {
        let mut rows = Rows::default();
        (at..at + n).for_each(|cell| rows.push(cells[cell].iter().copied()));
        let obs = [
            Column::from_texts(labels[at..at + n].iter().copied()),
            Column::Float([61.5, f64::NAN, 0.0][at..at + n].to_vec()),
            Column::Int([2, 0, -5][at..at + n].to_vec()),
            Column::Bool([true, false, true][at..at + n].to_vec()),
        ];
        writer.append(&[rows], (at..at + n).map(|cell| format!("s:c{cell}")).collect(), &obs).unwrap();
        let mut rows = Rows::default();
        (at..at + n).for_each(|cell| rows.push(proteins[cell].iter().copied()));
        writer.append_modality(protein, &[rows]).unwrap();
        at += n;
    }
    let studies = ["s".to_owned(), "t".to_owned()];
    let measured = [true, true, true, false, true, true, false, true, true, false];
    writer.finish(&Var { genes: &genes(), studies: &studies, measured: &measured }, &header()).unwrap();
    path
}

fn digest(path: &Path) -> String {
    crate::artifact::provenance::Input::digest(path).unwrap().blake3
}

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let cells = Cells::open(&write(directory.path(), &[3])).unwrap();
    assert_eq!((cells.n_cells(), cells.n_values(), cells.genes()), (3, 4, genes().as_slice()));
    assert_eq!(cells.studies(), ["s", "t"]);
    assert!(cells.measured(0, 1) && !cells.measured(1, 1) && !cells.measured(3, 0));
    assert_eq!(cells.cell_ids(1..3).unwrap(), ["s:c1", "s:c2"]);
    assert_eq!(
        cells.read_rows(1..3).unwrap(),
        Rows { indptr: vec![0, 0, 2], indices: vec![1, 2], data: vec![2.0, 30_000.0] }
    );
    let label = cells.obs("label").unwrap();
    assert_eq!(
        (label.text(0).as_deref(), label.text(1), label.text(2).as_deref()),
        (Some("B cell"), None, Some("malignant é"))
    );
    assert_eq!(cells.obs_of("n", 2..3).unwrap(), Column::Int(vec![-5]));
    assert!(cells.obs("age").unwrap().number(1).is_nan());
    assert_eq!(cells.obs("passes_qc").unwrap(), Column::Bool(vec![true, false, true]));
    let [protein] = cells.modalities() else { panic!("{:?}", cells.modalities()) };
    assert_eq!(
        (protein.name.as_str(), protein.features.as_slice()),
        ("protein", &["CD3".into(), "CD19 é".into()][..])
    );
    assert_eq!(
        cells.read_modality(0, 1..3).unwrap(),
        Rows { indptr: vec![0, 0, 2], indices: vec![0, 1], data: vec![3.0, 4.0] }
    );
}

#[test]
fn blocks_do_not_change_a_byte() {
    let directories = [(); 2].map(|()| tempfile::tempdir().unwrap());
    assert_eq!(digest(&write(directories[0].path(), &[3])), digest(&write(directories[1].path(), &[1, 2])));
}

#[test]
fn a_missing_column_is_refused_with_those_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let error = Cells::open(&write(directory.path(), &[3])).unwrap().obs("tissue").unwrap_err();
    let (code, hint) = classify(&error);
    assert_eq!(code, 65);
    assert!(hint.unwrap().contains("`label`, `age`"), "{hint:?}");
}

#[test]
fn a_store_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(classify(&Cells::open(directory.path()).err().unwrap()).0, 65);
    assert_eq!(classify(&Cells::open(&directory.path().join("none")).err().unwrap()).0, 66);
}

#[test]
fn a_damaged_store_is_refused() {
    for damage in [
        "X/indptr/c/0",
        "X/indices/zarr.json",
        "obs/_index/c/0",
        "var/symbol/zarr.json",
        "varm/measured/c/0/0",
        "obsm/protein/data/c/0",
        "uns/panfoma/features/protein/c/0",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), &[3]);
        let file = path.join(damage);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&file, bytes).unwrap();
        let read = Cells::open(&path).and_then(|cells| {
            cells.cell_ids(0..3)?;
            cells.read_modality(0, 0..3)?;
            cells.read_rows(0..3)
        });
        let error = read.err().unwrap_or_else(|| panic!("`{damage}` was cut and read all the same"));
        assert_eq!(classify(&error).0, 65, "{damage}: {error:#}");
    }
}

#[test]
fn a_count_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), &[3]);
    let data = anndata::Store::open(&path).unwrap();
    data.numbers("/X/data", None, &[1.0_f32, 7.0, 2.5, 3.0]).unwrap();
    let error = Cells::open(&path).unwrap().read_rows(0..3).unwrap_err();
    assert!(error.to_string().contains("X[s:c2, ENSG00000142676] is 2.5"), "{error}");
}

/// The interpreter of `PANFOMA_PYTHON`; without it tests say what they skip, but fail where `CI=true`.
fn python() -> Option<Command> {
    let interpreter = std::env::var_os("PANFOMA_PYTHON");
    if interpreter.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata");
    }
    interpreter.map(|interpreter| {
        let mut command = Command::new(interpreter);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python/read_cells.py"));
        command
    })
}

#[test]
fn anndata_opens_it_without_a_warning() {
    let Some(mut python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), &[2, 1]);
    let mut obsm = ObsmWriter::create(&path, "X_panfoma", 2).unwrap();
    obsm.append(&[0.5, 1.0]).unwrap();
    obsm.append(&[1.5, 2.0, -1.0, 0.0]).unwrap();
    assert_eq!(obsm.finish().unwrap(), 3);
    let output = python.arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let mut seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // numpy's values, but for the last bit of a logarithm.
    let derived: [(&str, [f64; 5]); 4] = [
        ("mean_counts", [0.333333333333333, 0.666666666666667, 10_000.0, 2.333333333333333, 0.0]),
        (
            "log1p_mean_counts",
            [0.287682072451781, 0.510825623765991, 9.210440366976517, 1.203972804325936, 0.0],
        ),
        ("pct_dropout_by_counts", [200.0 / 3.0, 200.0 / 3.0, 200.0 / 3.0, 200.0 / 3.0, 100.0]),
        (
            "log1p_total_counts",
            [std::f64::consts::LN_2, 1.09861228866811, 10.308985993422082, 2.07944154167984, 0.0],
        ),
    ];
    for (name, expected) in derived {
        let column = seen["var"].as_object_mut().unwrap().remove(name).unwrap();
        for (found, expected) in column.as_array().unwrap().iter().zip(expected) {
            assert!(
                (found.as_f64().unwrap() - expected).abs() < 1e-11,
                "{name}: {found}, expected {expected}"
            );
        }
    }
    let expected = serde_json::json!({
        "shape": [3, 5],
        "X": [[1.0, 0.0, 0.0, 7.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 2.0, 30000.0, 0.0, 0.0]],
        "sum": 30010.0,
        "obs_names": ["s:c0", "s:c1", "s:c2"],
        "obs": {"label": ["B cell", null, "malignant é"], "age": [61.5, null, 0.0], "n": [2, 0, -5],
                "passes_qc": [true, false, true]},
        "var_names": ["ENSG00000141510", "ENSG00000142676", "ENSG00000146648", "ENSG00000198888", "input:é gene"],
        "var": {"symbol": ["TP53", "RPL11", "EGFR", "MT-ND1", "é gene"],
                "input_name": ["TP53", "RPL11", "EGFR", "MT-ND1", "é gene"],
                "mt": [false, false, false, true, false], "ribo": [false, true, false, false, false],
                "n_cells_by_counts": [1, 1, 1, 1, 0], "total_counts": [1.0, 2.0, 30_000.0, 7.0, 0.0]},
        "varm": {"measured": [[true, true], [true, false], [true, true], [false, true], [true, false]]},
        "obsm": {"X_panfoma": [[0.5, 1.0], [1.5, 2.0], [-1.0, 0.0]],
                 "protein": [[0.0, 70000.0], [0.0, 0.0], [3.0, 4.0]]},
        "features": {"protein": ["CD3", "CD19 é"]},
        "studies": ["s", "t"],
        "format": "panfoma.cells",
    });
    assert_eq!(seen, expected);
}
