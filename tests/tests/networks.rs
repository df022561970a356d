//! Networks against references, scored by scikit-learn as well.

use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::edges::{ALL_CELLS, Edge, Writer};
use panfoma_core::rng::{Philox, Stream};
use panfoma_tests::stages;
use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const GENES: u32 = 60;

fn pair(stream: &mut Stream) -> (u32, u32) {
    loop {
        let (a, b) = (stream.below(GENES), stream.below(GENES));
        if a != b {
            return (a, b);
        }
    }
}

/// A ranking with ties, zeros, missing pairs and both signs, better than chance; and a reference. New at every run.
fn write(directory: &Path, seed: u64) {
    let mut stream = Philox::new(seed).stream(0, 0);
    let mut known = HashSet::new();
    let mut text = "Gene1,Gene2,Type\n".to_owned();
    for _ in 0..300 {
        let (a, b) = pair(&mut stream);
        if known.insert((a, b)) {
            let sign = if stream.below(3) == 0 { "-" } else { "+" };
            text += &format!("g{a},g{b},{sign}\n");
        }
    }
    std::fs::write(directory.join("network.csv"), text).unwrap();
    let mut scored = HashSet::new();
    let mut edges = Vec::new();
    for _ in 0..2_000 {
        let (a, b) = pair(&mut stream);
        if scored.insert((a, b)) {
            let bonus = if known.contains(&(a, b)) { 5 } else { 0 };
            // Elevenths: few values, many ties, some of them 0.
            let magnitude = (stream.below(7) + bonus) as f32 / 11.0;
            let score = if stream.below(4) == 0 { -magnitude } else { magnitude };
            edges.push((a, b, score));
        }
    }
    let made = Provenance {
        tool: "test".to_owned(),
        tool_version: String::new(),
        commit: String::new(),
        config: serde_json::json!({}),
        inputs: Vec::new(),
        seed,
    };
    let mut writer = Writer::create(&directory.join("edges.parquet"), made).unwrap();
    let edges = edges.into_iter().zip(1..).map(|((a, b, score), rank)| Edge {
        regulator: format!("g{a}"),
        target: format!("g{b}"),
        score,
        rank,
        group: ALL_CELLS.to_owned(),
        method: "made_up".to_owned(),
    });
    writer.push(edges).unwrap();
    writer.finish().unwrap();
}

#[test]
fn areas_are_those_of_scikit_learn_on_a_fresh_ranking_with_ties() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with scikit-learn and pyarrow");
        return;
    };
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), seed);
    for universe in ["all", "tf"] {
        let path = |name: &str| directory.path().join(name).into_os_string();
        let output = path(&format!("evaluation_{universe}"));
        stages::run(
            "evaluate",
            [
                "--edges".into(),
                path("edges.parquet"),
                "--reference-network".into(),
                path("network.csv"),
                "--universe".into(),
                universe.into(),
                "-o".into(),
                output.clone(),
            ],
        )
        .expect_code(0);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/score_network.py");
        let run = Command::new(&python).arg(script).arg(directory.path()).arg(universe).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let expected: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let found = std::fs::read(Path::new(&output).join("metrics.json")).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
        let rows = found["metrics"].as_array().unwrap();
        let metric = |name: &str| {
            let row = rows.iter().find(|row| row["metric"] == name && row["method"] == "made_up");
            row.and_then(|row| row["value"].as_f64()).unwrap_or_else(|| panic!("no {name}: {rows:#?}"))
        };
        for name in ["auroc", "auprc", "average_precision"] {
            let (found, expected) = (metric(name), expected[name].as_f64().unwrap());
            assert!((found - expected).abs() < 1e-9, "seed {seed}, {universe}, {name}: {found}, {expected}");
        }
        // Better than chance, so that the comparison is one of numbers that mean something.
        assert!(metric("auroc") > 0.55, "seed {seed}");
    }
}

/// Markers and cycle genes from the literature; the probabilities are scipy's, too.
#[test]
fn programs_of_a_tumour_hold_the_sets_that_a_biologist_expects() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with scipy and pyarrow");
        return;
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("PANFOMA_DATA").map_or_else(|| manifest.join("../../shared/data"), Into::into);
    let matrix = data.join("tumor_breast_tnbc_wu2021.h5ad");
    if !matrix.is_file() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_DATA");
        eprintln!("skipped: no `{}`", matrix.display());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let run = Command::new(python)
        .arg(manifest.join("python/check_programs.py"))
        .arg(stages::binary("grn").parent().unwrap())
        .arg(matrix)
        .arg(manifest.join("data/gene_sets/literature.gmt"))
        .arg(directory.path())
        .args([
            "--genes",
            "5000",
            "--expect",
            "CELL_CYCLE_G2M",
            "T_CELL_RECEPTOR_COMPLEX",
            "B_AND_PLASMA_CELLS",
        ])
        .args(["MHC_CLASS_II", "MYELOID_CELLS", "ENDOTHELIAL_CELLS", "COLLAGENS_AND_FIBROBLASTS"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
