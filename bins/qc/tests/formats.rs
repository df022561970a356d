//! One real matrix in every format that is read, written by the packages that users write it with.

mod stage;

use panfoma_core::artifact::cells::Cells;
use panfoma_core::stage::error::classify;
use stage::{data, fixture, report};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the stage on one input; returns the artifact.
fn qc(input: &Path, directory: &Path) -> PathBuf {
    let name = input.file_name().unwrap().to_string_lossy();
    let output = directory.join(format!("{name}.cells.zarr"));
    let flags = ["--study", "s", "--min-genes", "100", "--max-pct-mt", "100"];
    stage::qc(&output, &[input.to_owned()], &flags).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    output
}

/// All files of a store but its header, which names the input and its digest.
fn bytes(directory: &Path, store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(store).unwrap().to_owned();
        if path.is_dir() {
            files.extend(bytes(&path, store));
        } else if !name.starts_with("uns/panfoma/header") {
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
    files
}

/// `PANFOMA_PYTHON script arguments`; without an interpreter tests say what they skip, but fail where `CI=true`.
fn python(script: &str, arguments: &[&Path]) -> Option<Vec<u8>> {
    let Some(interpreter) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata and scanpy");
        return None;
    };
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python")).join(script);
    let output = Command::new(interpreter).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// The matrix in every format, sorted by name.
fn formats(directory: &Path) -> Option<Vec<PathBuf>> {
    python("make_formats.py", &[&fixture("qc/counts300.h5ad"), directory])?;
    let mut formats: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    formats.sort();
    Some(formats)
}

#[test]
fn every_format_gives_the_same_bytes_and_python_opens_them() {
    let (inputs, outputs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(formats) = formats(inputs.path()) else { return };
    for (kind, n_formats) in [("genes", 23), ("mixed", 6)] {
        let of_kind = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(kind);
        let formats: Vec<&PathBuf> = formats.iter().filter(of_kind).collect();
        assert_eq!(formats.len(), n_formats, "{formats:?}");
        let first = qc(formats[0], outputs.path());
        let expected = bytes(&first, &first);
        assert!(expected.len() > 30, "{} files", expected.len());
        for format in &formats[1..] {
            let output = qc(format, outputs.path());
            let found = bytes(&output, &output);
            let differing: Vec<_> = expected
                .iter()
                .filter(|(path, bytes)| found.get(*path) != Some(bytes))
                .map(|(path, _)| path)
                .collect();
            assert!(
                differing.is_empty() && found.len() == expected.len(),
                "{}: {differing:?}",
                format.display()
            );
        }
        if kind == "mixed" {
            check_modalities(&first);
            check_merged(&formats, outputs.path());
        }
    }
}

/// Several inputs are opened anew for each reading: every study brings the same counts and antibodies.
fn check_merged(formats: &[&PathBuf], directory: &Path) {
    let output = directory.join("merged.zarr");
    let inputs: Vec<PathBuf> = formats.iter().copied().cloned().collect();
    let studies: Vec<String> = (0..inputs.len()).map(|study| format!("s{study}")).collect();
    let flags = ["--min-genes", "100", "--max-pct-mt", "100", "--study"].into_iter();
    stage::qc(&output, &inputs, &flags.chain(studies.iter().map(String::as_str)).collect::<Vec<_>>())
        .unwrap();
    let cells = Cells::open(&output).unwrap();
    let n = cells.n_cells() / studies.len();
    let (x, protein) = (cells.read_rows(0..n).unwrap(), cells.read_modality(0, 0..n).unwrap());
    assert!(!x.data.is_empty() && !protein.data.is_empty());
    for study in 1..studies.len() {
        let of = study * n..(study + 1) * n;
        assert_eq!(cells.read_rows(of.clone()).unwrap(), x, "{:?}", formats[study]);
        assert_eq!(cells.read_modality(0, of).unwrap(), protein, "{:?}", formats[study]);
    }
}

/// The artifact's modality is what scanpy and the reader of the artifact see in it.
fn check_modalities(store: &Path) {
    let Some(seen) = python("use_cells.py", &[store]) else { return };
    let seen: serde_json::Value = serde_json::from_slice(&seen).unwrap();
    let cells = Cells::open(store).unwrap();
    let n = cells.n_cells();
    assert!((60..80).contains(&n), "{n}");
    assert_eq!(seen["shape"], serde_json::json!([n, cells.genes().len()]));
    assert_eq!(seen["pca"], serde_json::json!([n, 5]));
    assert!((2.0..9.3).contains(&seen["largest"].as_f64().unwrap()), "{}", seen["largest"]);
    let x = cells.read_rows(0..n).unwrap();
    let totals: Vec<f32> = (0..n).map(|cell| x.row(cell).1.iter().sum()).collect();
    assert_eq!(seen["total_counts"], serde_json::json!(totals));
    let names: Vec<&str> = cells.modalities().iter().map(|modality| modality.name.as_str()).collect();
    assert_eq!(names, ["protein"]);
    assert_eq!(cells.modalities()[0].features, ["CD3", "CD19", "CD4", "CD8a", "CD14", "IgG1"]);
    let rows = cells.read_modality(0, 0..n).unwrap();
    let mut sums = [0.0; 6];
    rows.indices
        .iter()
        .zip(&rows.data)
        .for_each(|(&feature, &count)| sums[feature as usize] += f64::from(count));
    // The means that the antibodies were drawn with.
    for (sum, mean) in sums.iter().zip([300.0, 50.0, 5.0, 1.0, 0.1, 2000.0]) {
        let expected = mean * n as f64;
        assert!((sum - expected).abs() < 5.0 * f64::sqrt(expected), "{sum}, expected about {expected}");
    }
    assert_eq!(seen["modalities"]["protein"]["sums"], serde_json::json!(sums));
}

/// What this stage wrote is an input again: the same counts, genes and modalities.
#[test]
fn cells_zarr_is_an_input_again() {
    let directory = tempfile::tempdir().unwrap();
    let first = qc(&fixture("qc/counts300.h5ad"), directory.path());
    let again = qc(&first, directory.path());
    let (first, again) = (Cells::open(&first).unwrap(), Cells::open(&again).unwrap());
    let n = first.n_cells();
    assert!(n > 250);
    assert_eq!(first.read_rows(0..n).unwrap(), again.read_rows(0..n).unwrap());
    let ids = |cells: &Cells| cells.genes().iter().map(|gene| gene.ensembl_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&again));
    assert_eq!(again.cell_ids(0..1).unwrap()[0], format!("s:{}", first.cell_ids(0..1).unwrap()[0]));
}

/// Asked for, corrected counts are rounded and the share of them is reported; a second study is read as it is.
#[test]
fn corrected_counts_are_rounded_on_request() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let inputs =
        ["pancreas_panc8_small_5tech.h5ad", "tumor_pancancer_tcells_wu2020.h5ad"].map(|name| data.join(name));
    let flags = ["--study", "s", "t", "--min-genes", "1", "--max-pct-mt", "100", "--keep-removed"];
    let refused = stage::qc(&directory.path().join("a.zarr"), &inputs, &flags).unwrap_err();
    let (code, hint) = classify(&refused);
    assert_eq!((code, hint.unwrap().contains("--round-corrected-counts")), (65, true), "{refused}");
    let output = directory.path().join("b.zarr");
    stage::qc(&output, &inputs, &[&flags[..], &["--round-corrected-counts"]].concat()).unwrap();
    let cells = Cells::open(&output).unwrap();
    assert_eq!(cells.n_cells(), 700);
    assert!(cells.read_rows(0..700).unwrap().data.iter().all(|count| count.fract() == 0.0));
    let rounded = |study: usize| report(&output)["studies"][study]["rounded"].clone();
    assert_eq!((&rounded(0)["values"], &rounded(0)["not_integers"]), (&100_355.into(), &54_309.into()));
    assert_eq!(rounded(1)["not_integers"], 0);
}
