//! Every odd file of the data folder ends as it should: read, with the numbers that anndata, h5py, scipy or pandas read
//! (`tests/python/odd_files.py` made the table), or refused with a message that names the file and what is wrong with it.

use panfoma_core::artifact::cells::Cells;
use panfoma_tests::stages;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No file may keep the stage longer.
const LIMIT: Duration = Duration::from_secs(30);

const TABLE: &str = include_str!("../data/odd_files.tsv");

struct Row {
    file: &'static str,
    /// Cells, genes, sum and number of the counts; `None` if the file is refused.
    numbers: Option<[f64; 4]>,
    /// Part of the message of a refusal.
    message: &'static str,
}

fn table() -> Vec<Row> {
    let row = |line: &'static str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let numbers = || std::array::from_fn(|i| fields[i + 2].parse().expect("a number"));
        Row { file: fields[0], numbers: (fields[1] == "read").then(numbers), message: fields[6] }
    };
    TABLE.lines().skip(1).map(row).collect()
}

fn folder() -> Option<PathBuf> {
    let data = std::env::var_os("PANFOMA_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).to_owned(),
        PathBuf::from,
    );
    let odd = data.join("odd");
    if odd.is_dir() {
        return Some(odd);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_DATA");
    eprintln!("skipped: `{}` is not there", odd.display());
    None
}

/// What is wrong with how a file ended; `None` if nothing is.
fn trouble(row: &Row, odd: &Path, out: &Path) -> Option<String> {
    let input = odd.join(row.file);
    let output = out.join("cells.zarr");
    // All that is there is read: no filter, no floor on known genes.
    let flags = ["--min-gene-coverage", "0", "--keep-unmapped", "--keep-removed", "--force", "--study", "s"];
    let line = [&["-i", input.to_str()?, "-o", output.to_str()?][..], &flags[..]].concat();
    let Some(ended) = stages::run_within("qc", line, LIMIT) else {
        return Some(format!("hung: killed after {} s", LIMIT.as_secs()));
    };
    let Some(expected) = row.numbers else {
        let last = ended.stderr.lines().rev().find(|line| line.starts_with("error:")).unwrap_or_default();
        let name = Path::new(row.file).file_name()?.to_str()?;
        let as_it_should = ended.code == 65 && last.contains(name) && last.contains(row.message);
        return (!as_it_should).then(|| {
            format!("ended with {}, expected 65 and `{}`: {}", ended.code, row.message, ended.stderr)
        });
    };
    if ended.code != 0 {
        return Some(format!("ended with {}, expected to be read: {}", ended.code, ended.stderr));
    }
    let cells = Cells::open(&output).expect("qc wrote cells");
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("cells.zarr.qc.json")).expect("a report"))
            .expect("JSON");
    let genes = report["studies"][0]["genes"]["genes"].as_f64().unwrap_or(f64::NAN);
    let total = cells.obs("total_counts").expect("a metric");
    let n_genes = cells.obs("n_genes_by_counts").expect("a metric");
    let sum = |column: &panfoma_core::matrix::Column| {
        (0..cells.n_cells()).map(|cell| column.number(cell)).sum::<f64>()
    };
    let found = [cells.n_cells() as f64, genes, sum(&total), sum(&n_genes)];
    (found != expected).then(|| format!("cells, genes, sum, non-zeros are {found:?}, expected {expected:?}"))
}

#[test]
fn every_odd_file_is_read_rightly_or_refused_with_its_reason() {
    let Some(odd) = folder() else { return };
    let out = tempfile::tempdir().expect("a directory");
    let troubles: Vec<String> = table()
        .iter()
        .filter_map(|row| trouble(row, &odd, out.path()).map(|trouble| format!("{}: {trouble}", row.file)))
        .collect();
    assert!(troubles.is_empty(), "{} files:\n{}", troubles.len(), troubles.join("\n"));
}

#[test]
fn the_page_of_odd_files_says_what_the_table_says() {
    let page = include_str!("../../docs/odd-files.md");
    let rows = table();
    for row in &rows {
        let line = page.lines().find(|line| line.starts_with(&format!("| `{}` |", row.file)));
        let line = line.unwrap_or_else(|| panic!("docs/odd-files.md lacks `{}`", row.file));
        let outcome = if row.numbers.is_some() { "| read |" } else { "| refused (65) |" };
        assert!(line.contains(outcome), "`{}`, expected {outcome}", line);
        assert!(line.contains(row.message), "`{}`, expected `{}`", line, row.message);
        if let Some([cells, genes, ..]) = row.numbers {
            assert!(line.contains(&format!("| {cells} x {genes}, ")), "`{line}`, expected {cells} x {genes}");
        }
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), rows.len());
}

#[test]
fn the_table_knows_every_file() {
    let Some(odd) = folder() else { return };
    let known: BTreeSet<&str> = table().iter().map(|row| row.file).collect();
    let unknown: Vec<String> = stages::files(&odd)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !name.contains("MANIFEST"))
        .filter(|name| {
            !Path::new(name).ancestors().any(|part| known.contains(part.to_str().unwrap_or_default()))
        })
        .collect();
    assert_eq!(unknown, [""; 0]);
}
