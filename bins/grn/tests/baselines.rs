//! The binary on tables of expression, without a model.

use panfoma_core::artifact::edges::{Edge, Reader};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn grn(directory: &Path, flags: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panfoma-grn"));
    command.current_dir(directory).args(flags.split(' ')).output().unwrap()
}

#[track_caller]
fn edges(directory: &Path, flags: &str) -> Vec<Edge> {
    let run = grn(directory, &format!("{flags} -o edges.parquet --force"));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let reader = Reader::open(&directory.join("edges.parquet")).unwrap();
    reader.blocks().unwrap().flat_map(Result::unwrap).collect()
}

/// The real sets: `PANFOMA_DATA` or `../shared/data` beside the workspace; absent, they must not be in CI.
fn data() -> Option<PathBuf> {
    let path = std::env::var_os("PANFOMA_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).to_owned(),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_DATA");
    eprintln!("skipped: `{}` is not there", path.display());
    None
}

/// Six genes over forty cells: B follows A, C opposes it, the others do nothing; A regulates.
fn small_table(directory: &Path) {
    let wave = |cell: usize, by: usize| ((cell * by) % 17) as f64 / 17.0;
    let value = |gene: usize, cell: usize| match gene {
        1 => 2.0 * wave(cell, 5) + 0.1 * wave(cell, 3),
        2 => 1.0 - wave(cell, 5) + 0.2 * wave(cell, 7),
        0 => wave(cell, 5),
        gene => wave(cell, 11 + gene),
    };
    let cells: String = (0..40).map(|cell| format!(",cell{cell}")).collect();
    let rows = ["A", "B", "C", "D", "E", "F"].iter().enumerate().map(|(gene, name)| {
        let values: String = (0..40).map(|cell| format!(",{}", value(gene, cell))).collect();
        format!("{name}{values}\n")
    });
    let text = format!("{cells}\n{}", rows.collect::<String>());
    std::fs::write(directory.join("table.csv"), text).unwrap();
    std::fs::write(directory.join("regulators.txt"), "A\n").unwrap();
}

#[test]
fn a_planted_regulator_is_found_with_its_sign() {
    let directory = tempfile::tempdir().unwrap();
    small_table(directory.path());
    let flags = "--expression table.csv --regulators regulators.txt --method correlation,trees";
    let found = edges(directory.path(), flags);
    for method in ["pearson", "spearman", "trees"] {
        let first: Vec<&Edge> = found.iter().filter(|e| e.method == method && e.rank <= 2).collect();
        let mut targets: Vec<&str> = first.iter().map(|edge| edge.target.as_str()).collect();
        targets.sort_unstable();
        assert_eq!(targets, ["B", "C"], "{method}");
        assert!(first.iter().all(|edge| edge.regulator == "A" && edge.group == "all"));
        let opposes = first.iter().find(|edge| edge.target == "C").unwrap().score < 0.0;
        assert_eq!(opposes, method != "trees", "{method}");
    }
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    small_table(directory.path());
    let bytes = ["1", "3"].map(|threads| {
        edges(
            directory.path(),
            &format!("--expression table.csv --method correlation,trees --threads {threads}"),
        );
        std::fs::read(directory.path().join("edges.parquet")).unwrap()
    });
    assert!(bytes[0] == bytes[1]);
}

#[test]
fn a_method_that_needs_a_model_says_so() {
    let directory = tempfile::tempdir().unwrap();
    small_table(directory.path());
    let check = |flags: &str, code: i32, expected: &str| {
        let run = grn(directory.path(), &format!("{flags} -o out.parquet"));
        let message = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(code), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    check("--expression table.csv", 64, "--method correlation,trees");
    check("--expression nowhere.csv --method trees", 66, "nowhere.csv");
    check("--method trees", 64, "--input");
    check("--expression table.csv --model m --method trees", 64, "cannot be used with");
    std::fs::write(directory.path().join("broken.csv"), ",a,b\nG,1\n").unwrap();
    check("--expression broken.csv --method trees", 65, "1 values in line 2");
}

/// Regression trees of scikit-learn 1.9.1, boosted as GRNBoost2 describes, on three genes and the first 500 cells of
/// BEELINE's GSD; mean and standard deviation of each regulator's importance over twelve seeds
/// (`tests/python/make_boosting_golden.py`).
#[test]
fn importances_are_those_of_boosted_scikit_learn_trees() {
    let Some(data) = data() else { return };
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/grn/gsd_boosting.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let table = std::fs::read_to_string(data.join("grn/beeline_GSD_2000_1/ExpressionData.csv")).unwrap();
    let cut = |line: &str| line.split(',').take(501).collect::<Vec<_>>().join(",") + "\n";
    std::fs::write(directory.path().join("gsd.csv"), table.lines().map(cut).collect::<String>()).unwrap();
    const SEEDS: u32 = 6;
    let mut sums: HashMap<(String, String), f64> = HashMap::new();
    for seed in 0..SEEDS {
        let found = edges(directory.path(), &format!("--expression gsd.csv --method trees --seed {seed}"));
        for edge in found {
            *sums.entry((edge.target, edge.regulator)).or_default() +=
                f64::from(edge.score) / f64::from(SEEDS);
        }
    }
    let genes: Vec<&str> =
        golden["genes"].as_array().unwrap().iter().map(|gene| gene.as_str().unwrap()).collect();
    for (target, expected) in golden["targets"].as_object().unwrap() {
        let number = |what: &str, at: usize| expected[what][at].as_f64().unwrap();
        let (mut found_trees, mut expected_trees) = (0.0, 0.0);
        for (at, gene) in genes.iter().enumerate().filter(|(_, gene)| *gene != target) {
            let found = sums.get(&(target.clone(), (*gene).to_owned())).copied().unwrap_or(0.0);
            let (mean, sd) = (number("mean", at), number("sd", at));
            found_trees += found;
            expected_trees += mean;
            // Both are means, of 6 and 12 seeds; four standard errors, for 54 comparisons.
            let allowed = 4.0 * sd * (1.0f64 / 6.0 + 1.0 / 12.0).sqrt();
            assert!(
                (found - mean).abs() < allowed,
                "{gene} -> {target}: {found}, expected {mean} ± {allowed}"
            );
        }
        // All importances of a target add up to its trees, whose number spreads by some 12 % from seed to seed.
        assert!(
            (found_trees / expected_trees - 1.0).abs() < 0.15,
            "{target}: {found_trees} {expected_trees}"
        );
    }
}
