//! The numbers of a fresh random classification, beside those that scikit-learn itself computes from the same files.

use panfoma_core::artifact::obs::{Obs, Split};
use panfoma_core::artifact::{Provenance, embeddings, predictions};
use panfoma_core::rng::Philox;
use std::path::Path;
use std::process::Command;

const N_CELLS: usize = 700;

fn provenance() -> Provenance {
    let text = str::to_owned;
    Provenance {
        tool: text("panfoma-embed"),
        tool_version: text("0.1.0"),
        commit: text("test"),
        config: serde_json::json!({}),
        inputs: Vec::new(),
        seed: 0,
    }
}

/// Random labels and probabilities. The last class is never true, the first never predicted; probabilities of some cells
/// are rounded, so that many are equal.
fn write(directory: &Path, seed: u64) {
    let mut stream = Philox::new(seed).stream(0, 0);
    let n_classes = 3 + stream.below(7) as usize;
    let truth: Vec<usize> = (0..N_CELLS).map(|_| stream.below(n_classes as u32 - 1) as usize).collect();
    let classes: Vec<String> = (0..n_classes).map(|class| format!("type {class}")).collect();
    let obs = Obs {
        cell_id: (0..N_CELLS).map(|cell| format!("c{cell}")).collect(),
        split: vec![Split::Test; N_CELLS],
        columns: vec![
            truth.iter().map(|&class| Some(classes[class].clone())).collect(),
            (0..N_CELLS).map(|_| Some(format!("p{}", stream.below(9)))).collect(),
        ],
    };
    let columns = ["cell_type", "patient"].map(str::to_owned).to_vec();
    let metadata = embeddings::Metadata::new(2, columns.clone(), vec!["cell_type".into()], provenance());
    let mut writer = embeddings::Writer::create(&directory.join("embeddings.parquet"), metadata).unwrap();
    writer.push(&obs, &(0..2 * N_CELLS).map(|_| stream.normal() as f32).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    let row = |&class: &usize| {
        let mut weights: Vec<f64> = (0..n_classes).map(|_| (2.0 * stream.normal()).exp()).collect();
        weights[class] += 3.0 * stream.uniform();
        weights[0] = 1e-3;
        let sum: f64 = weights.iter().sum();
        let coarse = stream.below(2) == 0;
        // Sixteenths, of which the last class takes what is left over.
        let mut p: Vec<f64> =
            weights.iter().map(|w| if coarse { (w / sum * 16.0).floor() / 16.0 } else { w / sum }).collect();
        p[n_classes - 1] += 1.0 - p.iter().sum::<f64>();
        p.into_iter().map(|p| p as f32).collect::<Vec<f32>>()
    };
    let probabilities = truth.iter().flat_map(row).collect();
    let metadata = predictions::Metadata::new("cell_type".into(), classes, 0.5, columns, provenance());
    let label = obs.columns[0].clone();
    let mut writer = predictions::Writer::create(&directory.join("predictions.parquet"), metadata).unwrap();
    writer.push(&predictions::Block { obs, label, probabilities, places: Vec::new() }).unwrap();
    writer.finish().unwrap();
}

#[test]
fn every_score_is_what_scikit_learn_computes() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with scikit-learn and pyarrow");
        return;
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    for seed in (0..2).map(|i| now.as_nanos() as u64 + i) {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), seed);
        let run = Command::new(env!("CARGO_BIN_EXE_panfoma-evaluate"))
            .current_dir(directory.path())
            .args(["-i", "embeddings.parquet", "--predictions", "predictions.parquet", "-o", "evaluation"])
            .args(["--max-map-cells", "10", "--max-cluster-cells", "10"])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/check_classification.py");
        let check = Command::new(&python).arg(script).arg(directory.path()).output().unwrap();
        assert!(check.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&check.stderr));
        let compared: u32 = String::from_utf8_lossy(&check.stdout).trim().parse().unwrap();
        assert!(compared >= 40, "seed {seed}: only {compared} numbers were compared");
    }
}
