//! The integration metrics of `panfoma-evaluate` beside scib-metrics and scikit-learn themselves, on an embedding that is
//! drawn anew for every run.

use panfoma_tests::binary::succeed;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn scib_metrics_and_scikit_learn_find_the_same_values() {
    let Some(python) = std::env::var_os("PANFOMA_PYTHON").filter(has_scib_metrics) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with scib-metrics");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_integration.py");
    let output = Command::new(python).arg(script).arg(root.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // scib-metrics logs to the same stream; the numbers are the last line.
    let printed = String::from_utf8(output.stdout).unwrap();
    let peers: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let path = |name: &str| root.path().join(name).display().to_string();
    let columns = ["--label", "cell_type", "--batch", "sample", "--split-by", "cell"];
    let (embeddings, out) = (path("embeddings.parquet"), path("out"));
    succeed("evaluate", &[&["-i", embeddings.as_str(), "-o", out.as_str()], &columns[..]].concat());
    let found: Value = serde_json::from_slice(&std::fs::read(path("out/metrics.json")).unwrap()).unwrap();
    let value = |metric: &str| {
        let rows = found["metrics"].as_array().unwrap().iter();
        let mut of_all = rows.filter(|row| row["method"] == "embedding" && row["group"] == "all");
        let row = of_all.find(|row| row["metric"] == metric).unwrap_or_else(|| panic!("no {metric}"));
        row["value"].as_f64().unwrap_or_else(|| panic!("{metric}: {}", row["reason"]))
    };
    let compare = |names: &str, tolerance: f64| {
        for (metric, expected) in peers[names].as_object().unwrap() {
            let (found, expected) = (value(metric), expected.as_f64().unwrap());
            assert!(
                (found - expected).abs() <= tolerance,
                "seed {}: {metric} is {found}, of scib-metrics {} {expected}",
                peers["seed"],
                peers["scib_metrics"]
            );
        }
    };
    compare("metrics", 1e-6);
    // Both keep the best of several random starts; clusters this far apart leave them little choice.
    compare("random_starts", 0.05);
}

fn has_scib_metrics(python: &std::ffi::OsString) -> bool {
    let look = "import importlib.util as u, sys; sys.exit(u.find_spec('scib_metrics') is None)";
    Command::new(python).args(["-c", look]).status().is_ok_and(|status| status.success())
}
