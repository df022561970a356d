//! What a run wrote, read by the tools users have: anndata and pyarrow.

use panfoma_tests::tiny_run::TinyRun;
use std::path::Path;
use std::process::Command;

#[test]
fn anndata_and_pyarrow_read_every_artifact_of_a_run() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata and pyarrow");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    TinyRun::complete(root.path(), 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/read_artifacts.py");
    let output = Command::new(python).arg(script).arg(root.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();

    // The cohort's design, not anything a stage said.
    assert_eq!(found["classes"].as_array().map(Vec::len), Some(8), "{found}");
    assert_eq!(found["splits"], serde_json::json!(["test", "train", "valid"]));
    let by_cells = ["attention", "attention_rank", "pearson", "spearman", "trees"];
    let mut networks: Vec<String> = by_cells
        .iter()
        .flat_map(|method| ["malignant", "normal"].map(|group| format!("{method} {group}")))
        .collect();
    networks.push("embedding all".to_owned());
    networks.sort();
    assert_eq!(found["networks"], serde_json::json!(networks));
    let cells = |name: &str| found[name].as_u64().unwrap();
    // A twentieth of the droplets is damaged; quality control removes those and hardly any other.
    let kept = cells("cells") as f64 / cells("cohort_cells") as f64;
    assert!((0.85..1.0).contains(&kept), "{kept} of the cells were kept");
    assert_eq!((cells("tokens"), cells("embeddings")), (cells("cells"), cells("cells")));
}
