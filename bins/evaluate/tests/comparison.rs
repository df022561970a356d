//! What stands beside the model: other models, probes, controls, and what knows no gene.

mod world;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use world::World;

fn evaluate(directory: &Path, flags: &str) -> Output {
    let inputs =
        "-i embeddings.parquet --predictions predictions.parquet --tokens tokens --max-map-cells 10 -o out";
    let clustered = if flags.contains("--max-cluster-cells") { "" } else { "--max-cluster-cells 10" };
    let flags = [inputs, clustered, flags].map(|flags| flags.split(' ').filter(|flag| !flag.is_empty()));
    Command::new(env!("CARGO_BIN_EXE_panfoma-evaluate"))
        .current_dir(directory)
        .args(flags.into_iter().flatten())
        .output()
        .unwrap()
}

/// The worlds in `a`, `b`, … and metrics.json of an evaluation in `a`.
fn outcome(worlds: &[World], flags: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let root = write(directory.path(), worlds);
    let run = evaluate(&root, flags);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&std::fs::read(root.join("out/metrics.json")).unwrap()).unwrap()
}

fn write(directory: &Path, worlds: &[World]) -> std::path::PathBuf {
    for (world, name) in worlds.iter().zip(["a", "b", "c"]) {
        std::fs::create_dir(directory.join(name)).unwrap();
        world.write(&directory.join(name));
    }
    directory.join("a")
}

fn rows<'a>(outcome: &'a Value, metric: &'a str, method: &'a str) -> impl Iterator<Item = &'a Value> {
    let rows = outcome["metrics"].as_array().unwrap().iter();
    rows.filter(move |row| row["metric"] == metric && row["split"] == "test" && row["method"] == method)
}

#[track_caller]
fn metric(outcome: &Value, metric: &str, method: &str) -> f64 {
    let row = rows(outcome, metric, method).find(|row| row["group"] == "all");
    row.and_then(|row| row["value"].as_f64()).unwrap_or_else(|| panic!("no {metric} of {method}"))
}

const SMALL: World = World {
    n_cells: 450,
    n_patients: 15,
    apart: 4.0,
    skill: 0.85,
    confounded: false,
    random_split: false,
    twins: false,
};

#[test]
fn other_models_stand_beside_and_the_headline_compares_with_the_best() {
    let others = [SMALL, World { skill: 1.0, ..SMALL }, World { apart: 0.0, ..SMALL }];
    let flags =
        "--predictions from_scratch=../b/predictions.parquet --probe random_weights=../c/embeddings.parquet";
    let found = outcome(&others, flags);
    assert_eq!(metric(&found, "macro_f1", "from_scratch"), 1.0);
    // Four types that lie on top of one another, so chance; the model's own embedding keeps them apart.
    assert!(metric(&found, "balanced_accuracy", "random_weights") < 0.45);
    assert!(metric(&found, "balanced_accuracy", "embedding_logistic") > 0.9);
    let headline = found["headline"].as_str().unwrap();
    assert!(
        headline.contains("is from_scratch") && headline.contains("The baseline is better"),
        "{headline}"
    );
    assert_eq!(found["roles"]["from_scratch"], "rival");
    assert_eq!(found["provenance"]["config"]["predictions"], serde_json::json!([null, "from_scratch"]));
}

#[test]
fn files_of_other_cells_or_another_split_and_doubled_names_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let others = [SMALL, World { random_split: true, ..SMALL }, World { n_cells: 300, ..SMALL }];
    let root = write(directory.path(), &others);
    for (flags, code, says) in [
        ("--predictions other=../b/predictions.parquet", 65, "in the embeddings"),
        ("--predictions other=../c/predictions.parquet", 65, "lacks"),
        ("--probe other=../b/embeddings.parquet", 65, "another split or label"),
        ("--probe other=../c/embeddings.parquet", 65, "lacks"),
        ("--probe logistic=embeddings.parquet", 64, "two methods would be called `logistic`"),
        ("--probe embeddings.parquet", 64, "lacks a name"),
        ("--predictions predictions.parquet", 64, "2 files of predictions have no name"),
    ] {
        let run = evaluate(&root, flags);
        let message = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(code), "{flags}: {message}");
        assert!(message.contains(says), "{flags}: {message}");
    }
}

#[test]
fn baselines_that_can_learn_do_and_shuffled_labels_teach_nothing() {
    let found = outcome(&[World::default()], "");
    for method in ["logistic", "logistic_l1", "pca_logistic", "pca_knn"] {
        assert!(metric(&found, "accuracy", method) > 0.9, "{method}");
        assert_eq!(found["roles"][method], "rival");
    }
    // Four types: 0.25 by chance, and 180 cells stray by 0.03 a class.
    let control = metric(&found, "balanced_accuracy", "shuffled_labels");
    assert!((0.1..0.4).contains(&control), "{control}");
}

#[test]
fn every_headline_number_has_an_interval_and_patients_add_up() {
    let found = outcome(&[SMALL], "");
    for name in [
        "accuracy",
        "macro_f1",
        "balanced_accuracy",
        "weighted_f1",
        "micro_f1",
        "kappa",
        "mcc",
        "auroc",
        "auprc",
        "log_loss",
        "brier",
        "ece",
    ] {
        let row = rows(&found, name, "panfoma").find(|row| row["group"] == "all").unwrap();
        let (value, ci) = (row["value"].as_f64().unwrap(), &row["interval"]);
        let (low, high) = (ci["low"].as_f64().unwrap(), ci["high"].as_f64().unwrap());
        assert!(low < high && (low..=high).contains(&value) || name == "ece", "{row}");
        // Three of fifteen patients are held out, fewer than the five that an interval over patients needs.
        assert_eq!(ci["over"], "cells");
    }
    let patients: Vec<&Value> = rows(&found, "patient_accuracy", "panfoma").collect();
    assert_eq!(patients.len(), 3);
    let (mut right, mut n) = (0.0, 0.0);
    for row in patients {
        right += row["value"].as_f64().unwrap() * row["n"].as_f64().unwrap();
        n += row["n"].as_f64().unwrap();
    }
    assert!((right / n - metric(&found, "accuracy", "panfoma")).abs() < 1e-12);
}

#[test]
fn with_enough_patients_intervals_are_over_patients() {
    let found = outcome(&[World { n_patients: 25, ..SMALL }], "");
    let row = rows(&found, "auroc", "panfoma").find(|row| row["group"] == "all").unwrap();
    assert_eq!(row["interval"]["over"], "patients");
}

#[test]
fn what_knows_no_gene_is_reported_first() {
    let found = outcome(&[World { confounded: true, ..SMALL }], "");
    assert_eq!(metric(&found, "accuracy", "study_only"), 1.0);
    let first = &found["metrics"][0];
    assert_eq!(
        (&first["metric"], &first["group"], &first["value"]),
        (&"confounding_lambda".into(), &"study".into(), &1.0.into())
    );
    assert!(found["warnings"][0].as_str().unwrap().starts_with("The label is confounded with study"));
    // In the fair world neither study nor library size knows the type: every type has as many counts.
    let fair = outcome(&[World::default()], "");
    for method in ["study_only", "total_counts_only", "n_genes_only"] {
        let score = metric(&fair, "balanced_accuracy", method);
        assert!((0.1..0.45).contains(&score), "{method} {score}");
        assert_eq!(fair["roles"][method], "confounder");
    }
}

#[test]
fn cells_that_stand_in_two_splits_are_counted_and_named() {
    let found = outcome(&[World { twins: true, ..SMALL }], "");
    let test = &found["twins"]["splits"][1];
    // The fifth of every five cells below a hundred.
    assert_eq!((&test["split"], &test["identical"], &test["near"]), (&"test".into(), &20.into(), &20.into()));
    assert!(
        found["warnings"][0].as_str().unwrap().starts_with("Cells stand in two splits: 20 of 90 test cells")
    );
    let studies = found["twins"]["studies"].as_array().unwrap();
    assert_eq!(studies.iter().map(|pair| pair["n"].as_u64().unwrap()).sum::<u64>(), 20);
    let fair = outcome(&[SMALL], "");
    assert_eq!(fair["twins"]["splits"][1]["near"], 0);
    assert!(!fair["warnings"].to_string().contains("two splits"));
}

#[test]
fn cells_find_themselves_in_a_paired_embedding() {
    // The very same vectors; and those of the same types with noise of their own.
    let found = outcome(&[SMALL], "--paired same=embeddings.parquet");
    assert_eq!((metric(&found, "foscttm", "same"), metric(&found, "recall_at_1", "same")), (0.0, 1.0));
    let run = "--max-cluster-cells 400 --paired protein=../b/embeddings.parquet";
    let found = outcome(&[SMALL, World { apart: 40.0, ..SMALL }], run);
    assert!(metric(&found, "foscttm", "protein") < 0.35);
    assert!(metric(&found, "recall_at_1", "protein") < metric(&found, "recall_at_10", "protein"));
}

/// The types lie on top of one another in the embedding, so whatever the control scores comes from the labels.
#[test]
fn embedded_labels_are_the_ceiling_of_keeping_labels_apart() {
    let found = outcome(&[World { apart: 0.0, ..SMALL }], "--batch study --max-cluster-cells 400");
    let silhouette = |method: &str| metric(&found, "silhouette_label", method);
    // Jitter of 0.01 beside a distance of 1.4: (1 + 0.99) / 2.
    assert!(silhouette("embedded_labels") > 0.98 && silhouette("embedding") < 0.6);
    assert_eq!(metric(&found, "nmi_kmeans", "embedded_labels"), 1.0);
}
