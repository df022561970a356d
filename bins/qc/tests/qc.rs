//! The stage as users run it, against scanpy's numbers and anndata's reading.

mod stage;

use panfoma_core::artifact::cells::Cells;
use panfoma_core::stage::error::classify;
use stage::{csv, data, fixture, qc, report};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All files of a store but its header, which names the input and its digest.
fn bytes(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(directory: &Path, store: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, store, files),
                false => {
                    _ = files
                        .insert(path.strip_prefix(store).unwrap().to_owned(), std::fs::read(&path).unwrap())
                }
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(store, store, &mut files);
    files.retain(|path, _| !path.starts_with("uns/panfoma/header"));
    files
}

#[test]
fn the_same_counts_in_any_layout_give_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let layouts = [
        "csr.h5ad",
        "csr_gzip.h5ad",
        "csr_lzf.h5ad",
        "csr_zstd.h5ad",
        "csr_blosc.h5ad",
        "csr_blosc_zstd.h5ad",
        "csr_unsorted.h5ad",
        "csc.h5ad",
        "csc_int64.h5ad",
        "dense.h5ad",
        "dense_uint16_gzip.h5ad",
        "layer.h5ad",
        "raw.h5ad",
        "compound.h5ad",
        "references.h5ad",
        "bare.h5ad",
        "tenx_v2.h5",
        "tenx_v3.h5",
        "chunked.loom",
        "contiguous.loom",
        "rna.h5mu",
        "mtx_v2",
    ];
    let mut first: Option<BTreeMap<PathBuf, Vec<u8>>> = None;
    for layout in layouts {
        let output = directory.path().join(format!("{layout}.zarr"));
        qc(&output, &[fixture("matrix").join(layout)], &["--study", "s", "--max-pct-mt", "100"]).unwrap();
        let bytes = bytes(&output);
        assert!(bytes.len() > 20, "{layout}");
        match &first {
            None => first = Some(bytes),
            Some(first) => {
                let differing: Vec<_> =
                    bytes.iter().filter(|(path, bytes)| first.get(*path) != Some(bytes)).collect();
                assert!(differing.is_empty() && bytes.len() == first.len(), "{layout}: {differing:?}");
            }
        }
    }
}

/// A FIFO, a link in a directory without write permission to a file without it, and a bare `matrix.mtx` give the bytes of the
/// file itself.
#[test]
fn pipes_links_and_read_only_files_are_inputs() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--study", "s", "--max-pct-mt", "100"];
    let run = |name: &str, input: &Path| {
        let output = directory.path().join(name);
        qc(&output, &[input.to_owned()], &flags).unwrap();
        bytes(&output)
    };
    let input = fixture("matrix/csr_gzip.h5ad");
    let expected = run("expected.zarr", &input);
    let fifo = directory.path().join("stdin");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let writer = std::thread::spawn({
        let (fifo, bytes) = (fifo.clone(), std::fs::read(&input).unwrap());
        move || std::fs::write(fifo, bytes).unwrap()
    });
    assert!(run("fifo.zarr", &fifo) == expected);
    writer.join().unwrap();
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::copy(&input, locked.join("file")).unwrap();
    symlink("file", locked.join("link.h5ad")).unwrap();
    let permit = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    permit(&locked.join("file"), 0o444);
    permit(&locked, 0o555);
    let found = run("link.zarr", &locked.join("link.h5ad"));
    permit(&locked, 0o755);
    assert!(found == expected);
    assert!(run("bare.zarr", &fixture("matrix/mtx_v2/matrix.mtx")) == expected);
}

/// 3 cells x 5 genes, the second cell empty, the third gene a repetition of the first.
#[test]
fn an_empty_cell_is_removed_and_a_repeated_gene_added_up() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[fixture("matrix/csr.h5ad")], &["--max-pct-mt", "100"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    let symbols: Vec<_> =
        cells.genes().iter().map(|gene| (gene.symbol.as_str(), gene.n_cells_by_counts)).collect();
    assert_eq!(symbols, [("TP53", 2), ("RPL11", 1), ("EGFR", 1), ("MT-ND1", 1)]);
    assert_eq!(cells.cell_ids(0..2).unwrap(), ["csr:AAAC-1", "csr:AAAT-1"]);
    let rows = cells.read_rows(0..2).unwrap();
    assert_eq!(rows.row(0), (&[0, 3][..], &[3.0, 7.0][..]));
    assert_eq!(rows.row(1), (&[0, 1, 2][..], &[4.0, 5.0, 30_000.0][..]));
    let number = |column: &str, cell| cells.obs(column).unwrap().number(cell);
    assert_eq!(
        (number("n_genes_by_counts", 0), number("total_counts", 0), number("pct_counts_mt", 0)),
        (3.0, 10.0, 70.0)
    );
    let removed = std::fs::read_to_string(format!("{}.removed.tsv", output.display())).unwrap();
    assert_eq!(removed.lines().nth(1), Some("csr:AAAG-1\tcsr\tcsr\tmin_genes\t0\t0\tNaN"));
    assert_eq!(report(&output)["studies"][0]["cells"]["removed"]["min_genes"], 1);
    assert_eq!(report(&output)["studies"][0]["genes"]["duplicated"], 1);
}

#[test]
fn removed_cells_can_be_kept_with_their_rule() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[fixture("matrix/csr.h5ad")], &["--keep-removed"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    let rule = cells.obs("qc_removed_by").unwrap();
    let rules: Vec<_> = (0..3).map(|cell| rule.text(cell).map(|text| text.into_owned())).collect();
    assert_eq!(rules, [Some("max_pct_mt".to_owned()), Some("min_genes".to_owned()), None]);
    let passes = cells.obs("passes_qc").unwrap();
    assert_eq!([passes.number(0), passes.number(1), passes.number(2)], [0.0, 0.0, 1.0]);
    assert!(cells.obs("pct_counts_mt").unwrap().number(1).is_nan());
}

/// 300 real cells with an empty and a one-gene cell; numbers from `scanpy.pp.calculate_qc_metrics`.
#[test]
fn metrics_and_filters_are_scanpys() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(
        &output,
        &[fixture("qc/counts300.h5ad")],
        &["--keep-removed", "--min-genes", "900", "--max-pct-mt", "5"],
    )
    .unwrap();
    let cells = Cells::open(&output).unwrap();
    let golden = std::fs::read_to_string(fixture("qc/qc_obs.csv")).unwrap();
    let mut lines = golden.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let golden: Vec<Vec<&str>> = lines.collect();
    assert_eq!(cells.n_cells(), golden.len());
    // All of scanpy's but the logarithms of the mitochondrial and ribosomal sums.
    for name in [
        "n_genes_by_counts",
        "log1p_n_genes_by_counts",
        "total_counts",
        "log1p_total_counts",
        "pct_counts_in_top_50_genes",
        "pct_counts_in_top_100_genes",
        "pct_counts_in_top_200_genes",
        "pct_counts_in_top_500_genes",
        "total_counts_mt",
        "pct_counts_mt",
        "total_counts_ribo",
        "pct_counts_ribo",
    ] {
        let at = header.iter().position(|other| *other == name).unwrap();
        let ours = cells.obs(name).unwrap();
        for (cell, row) in golden.iter().enumerate() {
            let (found, expected) = (ours.number(cell), row[at].parse().unwrap_or(f64::NAN));
            // scanpy divides in f32.
            let near =
                (found - expected).abs() <= 1e-6 * expected.abs() || (found.is_nan() && expected.is_nan());
            assert!(near, "{name} of {}: {found}, expected {expected}", row[0]);
        }
    }
    let value = |row: &[&str], name: &str| -> f64 {
        row[header.iter().position(|other| *other == name).unwrap()].parse().unwrap_or(f64::NAN)
    };
    let passes = cells.obs("passes_qc").unwrap();
    let expected: Vec<f64> = golden
        .iter()
        .map(|row| f64::from(value(row, "n_genes_by_counts") >= 900.0 && value(row, "pct_counts_mt") <= 5.0))
        .collect();
    assert_eq!((0..cells.n_cells()).map(|cell| passes.number(cell)).collect::<Vec<_>>(), expected);
    let n = expected.iter().sum::<f64>() as usize;
    assert!(0 < n && n < 300, "the thresholds divide the cells: {n} pass");
}

/// `removed_by.csv` is METRICS' rule by numpy on scanpy's own columns: log1p counts and genes within 5 MADs, the
/// mitochondrial share at most 3 above, batch by batch, after 200 genes and 20 %.
#[test]
fn every_cell_is_removed_by_the_rule_numpy_names_and_samples_are_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let flags = ["--preset", "panfomabench", "--min-cells", "0", "--max-mads", "2.5", "--keep-removed"];
    qc(&output, &[fixture("qc/counts300.h5ad")], &flags).unwrap();
    let cells = Cells::open(&output).unwrap();
    let removed_by = cells.obs("qc_removed_by").unwrap();
    let golden = csv("qc/removed_by.csv");
    assert_eq!(golden.len(), 301);
    for (cell, row) in golden[1..].iter().enumerate() {
        assert_eq!(removed_by.text(cell).as_deref().unwrap_or_default(), row[1], "{}", row[0]);
    }
    let table = std::fs::read_to_string(format!("{}.samples.tsv", output.display())).unwrap();
    let table: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let golden = csv("qc/samples.csv");
    assert_eq!(table.len(), golden.len());
    for (row, expected) in table[1..].iter().zip(&golden[1..]) {
        for (name, expected) in golden[0].iter().zip(expected) {
            let found = row[table[0].iter().position(|other| other == name).unwrap()];
            let near = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) => (found - expected).abs() <= 1e-6 * expected.abs(),
                _ => found == expected,
            };
            assert!(near, "{name} of {}: {found}, expected {expected}", row[1]);
        }
    }
    let sample = &report(&output)["samples"][0];
    assert_eq!(
        (&sample["sample"], sample["read"].as_u64()),
        (&"counts300:s0".into(), golden[1][2].parse().ok())
    );
}

/// `qc_var.csv` is `calculate_qc_metrics` over all 300 cells, by the input's gene names.
#[test]
fn metrics_of_genes_are_scanpys() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[fixture("qc/counts300.h5ad")], &["--keep-removed", "--keep-unmapped"]).unwrap();
    let metrics = [
        "n_cells_by_counts",
        "mean_counts",
        "log1p_mean_counts",
        "pct_dropout_by_counts",
        "total_counts",
        "log1p_total_counts",
    ];
    let store = panfoma_core::artifact::cells::anndata::Store::open(&output).unwrap();
    let genes = Cells::open(&output).unwrap().genes().to_vec();
    let ours = metrics
        .map(|name| store.array(&format!("/var/{name}")).unwrap().numbers::<f64>(0..genes.len()).unwrap());
    let golden = csv("qc/qc_var.csv");
    assert_eq!(golden[0][1..], metrics);
    let mut compared = 0;
    for (i, gene) in genes.iter().enumerate().filter(|(_, gene)| !gene.input_name.contains('|')) {
        let row = golden.iter().find(|row| row[0] == gene.input_name).unwrap();
        for (m, name) in metrics.iter().enumerate() {
            let expected: f64 = row[m + 1].parse().unwrap();
            // scanpy adds up in f32.
            let near = (ours[m][i] - expected).abs() <= 1e-6 * expected.abs();
            assert!(near, "{name} of {}: {}, expected {expected}", gene.input_name, ours[m][i]);
        }
        compared += 1;
    }
    assert!(compared > 2_950, "{compared} of 3,000 genes were compared");
}

/// scanpy's `filter_cells(min_genes=200)` then `filter_genes(min_cells=3)`: 298 cells, 2,740 genes.
#[test]
fn rare_genes_are_those_scanpy_removes() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let flags = ["--keep-unmapped", "--min-genes", "200", "--max-pct-mt", "100", "--min-cells", "3"];
    qc(&output, &[fixture("qc/counts300.h5ad")], &flags).unwrap();
    let cells = Cells::open(&output).unwrap();
    assert_eq!(cells.n_cells(), 298);
    let mut kept: Vec<&str> = cells.genes().iter().flat_map(|gene| gene.input_name.split('|')).collect();
    kept.sort_unstable();
    let golden = csv("qc/genes_after_filter.csv");
    let mut expected: Vec<&str> = golden.iter().map(|row| row[0].as_str()).collect();
    expected.sort_unstable();
    // Two names of one gene are one gene here: seen in 3 cells together, neither needs to be by itself.
    let added: Vec<_> = cells.genes().iter().filter(|gene| gene.input_name.contains('|')).collect();
    let apart =
        |name: &&str| !added.iter().any(|gene| gene.input_name.split('|').any(|other| other == *name));
    kept.retain(apart);
    expected.retain(apart);
    assert_eq!(kept, expected);
    assert!(added.len() < 20 && kept.len() > 2_700, "{} names are of genes with another", added.len());
}

#[test]
fn studies_are_merged_over_the_union_of_their_genes() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let inputs =
        ["tumor_gbm_zhao2021_300genes", "tumor_pancancer_tcells_wu2020", "tumor_lung_luad_kim2020_T34"]
            .map(|name| data.join(name).with_extension("h5ad"));
    qc(&output, &inputs, &["--study", "gbm", "t", "luad", "--max-pct-mt", "100", "--min-genes", "1"])
        .unwrap();
    let cells = Cells::open(&output).unwrap();
    assert_eq!((cells.n_cells(), cells.studies()), (5_597, &["gbm", "t", "luad"].map(str::to_owned)[..]));
    let ids: Vec<_> = cells.genes().iter().map(|gene| gene.ensembl_id.as_str()).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| id.starts_with("ENSG")));
    assert_eq!((0..ids.len()).filter(|&gene| cells.measured(gene, 0)).count(), 300);
    // A gene that a study did not measure has no counts in its cells.
    let rows = cells.read_rows(0..5_000).unwrap();
    assert!(rows.indices.iter().all(|&gene| cells.measured(gene as usize, 0)));
    let patient = cells.obs("patient").unwrap();
    assert_eq!(patient.text(0).as_deref(), Some("gbm:PW030"));
    assert_eq!(cells.obs("study").unwrap().text(5_200).as_deref(), Some("luad"));
    // `treatment` is a column of the first study alone.
    let treatment = cells.obs("treatment").unwrap();
    assert!(treatment.text(0).is_some() && treatment.text(5_200).is_none());
}

#[test]
fn a_panel_of_300_genes_keeps_its_cells_by_default() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let input = [data.join("tumor_gbm_zhao2021_300genes.h5ad")];
    let output = directory.path().join("cells.zarr");
    qc(&output, &input, &[]).unwrap();
    assert!(Cells::open(&output).unwrap().n_cells() > 4_500);
    let refused = qc(&directory.path().join("b.zarr"), &input, &["--min-genes", "400"]).unwrap_err();
    assert_eq!(classify(&refused).0, 65);
    assert!(refused.to_string().contains("would remove every cell"), "{refused}");
}

#[test]
fn an_input_that_cannot_be_used_fails_or_is_skipped_and_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let inputs = [fixture("matrix/csr.h5ad"), fixture("matrix/bzip2.h5ad")];
    assert_eq!(classify(&qc(&output, &inputs, &[]).unwrap_err()).0, 65);
    assert!(!output.exists());
    qc(&output, &inputs, &["--skip-unusable", "--max-pct-mt", "100"]).unwrap();
    assert_eq!(Cells::open(&output).unwrap().studies(), ["csr"]);
    let skipped = &report(&output)["skipped"][0];
    assert_eq!(skipped["study"], "bzip2");
    assert!(skipped["reason"].as_str().unwrap().contains("bzip2"));
}

/// Two of three cells of the first study carry an antibody; the others have not been stained.
#[test]
fn antibodies_are_carried_beside_the_genes() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let inputs = ["mtx", "csr.h5ad"].map(|name| fixture("matrix").join(name));
    qc(&output, &inputs, &["--study", "s", "t", "--max-pct-mt", "100"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    assert!(cells.genes().iter().all(|gene| gene.symbol != "CD19" && gene.input_name != "CD19"));
    let [protein] = cells.modalities() else { panic!("{:?}", cells.modalities()) };
    assert_eq!((protein.name.as_str(), protein.features.as_slice()), ("protein", &["CD19".to_owned()][..]));
    // The empty cell of either study is removed.
    let rows = cells.read_modality(0, 0..4).unwrap();
    assert_eq!((rows.indptr, rows.data), (vec![0, 1, 1, 1, 1], vec![99.0]));
    assert_eq!(report(&output)["studies"][0]["modalities"], serde_json::json!({"protein": 1}));
}

#[test]
fn rare_genes_are_removed_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    qc(&output, &[fixture("matrix/csr.h5ad")], &["--max-pct-mt", "100", "--min-cells", "2"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    let symbols: Vec<_> = cells.genes().iter().map(|gene| gene.symbol.as_str()).collect();
    assert_eq!(symbols, ["TP53"]);
    assert_eq!(cells.read_rows(0..2).unwrap().data, [3.0, 4.0]);
}

#[test]
fn anndata_reads_the_merged_store_without_a_warning() {
    let Some(data) = data() else { return };
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("cells.zarr");
    let inputs = [
        "tumor_pancancer_tcells_wu2020.h5ad",
        "odd/derived/nullable_obs.h5ad",
        "odd/derived/unicode_names.h5ad",
    ]
    .map(|name| data.join(name));
    qc(&output, &inputs, &["--keep-unmapped", "--preset", "panfomabench"]).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/read_cells.py");
    let read = std::process::Command::new(python).arg(script).arg(&output).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stderr), "");
    let seen: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    let cells = Cells::open(&output).unwrap();
    let sum: f64 =
        cells.read_rows(0..cells.n_cells()).unwrap().data.iter().map(|&count| f64::from(count)).sum();
    assert_eq!(seen["shape"], serde_json::json!([cells.n_cells(), cells.genes().len()]));
    assert_eq!(seen["sum"].as_f64(), Some(sum));
    assert_eq!(seen["studies"].as_array().unwrap().len(), 3);
}
