//! The integration table of the binary: one row a metric, the counts' components beside it, reasons where there are none.

mod world;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use world::World;

/// Runs on a made-up cohort and returns the rows of one method.
fn rows(world: World, flags: &str, method: &str) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    world.write(directory.path());
    run(directory.path(), flags);
    let text = std::fs::read(directory.path().join("out/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_slice(&text).unwrap();
    let rows = metrics["metrics"].as_array().unwrap().iter().filter(|row| row["method"] == method);
    rows.cloned().collect()
}

fn run(directory: &Path, flags: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panfoma-evaluate"));
    let flags = format!("-i embeddings.parquet -o out {flags}");
    let run = command.current_dir(directory).args(flags.split_whitespace()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[track_caller]
fn row<'a>(rows: &'a [Value], metric: &str) -> &'a Value {
    let found = rows.iter().find(|row| row["metric"] == metric && row["group"] == "all");
    found.unwrap_or_else(|| panic!("no {metric}"))
}

#[track_caller]
fn value(rows: &[Value], metric: &str) -> f64 {
    let row = row(rows, metric);
    row["value"].as_f64().unwrap_or_else(|| panic!("{metric}: {}", row["reason"]))
}

/// The types lie apart and the studies do not, by construction; the total is scib-metrics' weighting of its parts.
#[test]
fn types_that_lie_apart_and_studies_that_mix_score_high_in_the_embedding() {
    let found = rows(World::default(), "--tokens tokens --batch study", "embedding");
    for metric in ["clisi", "nmi_kmeans", "nmi_leiden", "ari_leiden", "graph_connectivity_undirected"] {
        assert!(value(&found, metric) > 0.9, "{metric} {}", value(&found, metric));
    }
    for metric in ["bras", "silhouette_batch", "kbet", "kbet_per_label"] {
        assert!(value(&found, metric) > 0.8, "{metric} {}", value(&found, metric));
    }
    // Studies of unequal size: even a perfect mixture stays below 1.
    assert!(value(&found, "cilisi") > 0.6);
    assert!(value(&found, "kbet_effect_size") < 0.4);
    let total = 0.6 * value(&found, "scib_bio_conservation") + 0.4 * value(&found, "scib_batch_correction");
    assert!((value(&found, "scib_total") - total).abs() < 1e-12);
    let bio = ["nmi_leiden", "ari_leiden", "silhouette_label"].map(|metric| value(&found, metric));
    assert!((value(&found, "avg_bio") - bio.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    // Every type is in every study, so none is isolated.
    assert!(row(&found, "isolated_labels")["value"].is_null());
    let of_labels = found.iter().filter(|row| row["metric"] == "kbet_per_label" && row["group"] != "all");
    assert_eq!(of_labels.count(), 4);
}

#[test]
fn principal_components_of_the_counts_stand_beside_the_embedding() {
    let found = rows(World::default(), "--tokens tokens --batch study", "pca_counts");
    // Counts give the types away, but 50 of 60 components are noise; unrelated clusters would be near 0.
    assert!(value(&found, "nmi_kmeans") > 0.7);
    // Compared with itself.
    assert_eq!(value(&found, "pcr_comparison"), 0.0);
    assert_eq!(value(&found, "pcr_before"), value(&found, "pcr_after"));
}

#[test]
fn what_is_missing_is_null_with_the_reason() {
    let found = rows(World::default(), "--batch study", "embedding");
    let reason = |rows: &[Value], metric: &str| {
        let row = row(rows, metric).clone();
        assert!(row["value"].is_null(), "{metric}");
        row["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason(&found, "pcr_comparison").contains("no tokens"));
    assert!(reason(&found, "scib_total").contains("undefined"));
    assert!(rows(World::default(), "--batch study", "pca_counts").is_empty());
    // 60 test cells are too few for LISI, 12 for anything with a graph.
    let few = World { n_cells: 300, ..World::default() };
    assert!(reason(&rows(few, "--batch study", "embedding"), "ilisi").contains("fewer than 90 cells"));
    let fewer = World { n_cells: 60, ..World::default() };
    let found = rows(fewer, "--batch study", "embedding");
    for metric in ["ilisi", "clisi", "kbet", "kbet_per_label", "graph_connectivity", "nmi_leiden"] {
        reason(&found, metric);
    }
    // Without a batch column nothing is said about batches.
    let found = rows(World::default(), "", "embedding");
    assert!(found.iter().all(|row| row["metric"] != "bras") && value(&found, "avg_bio") > 0.5);
}
