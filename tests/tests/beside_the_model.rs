//! The same architecture from scratch, random weights and labels of a reference stand beside a model in one evaluation.

use panfoma_tests::stages::{self, Ended};
use panfoma_tests::tiny_run::{TinyRun, command_line};
use std::path::Path;

/// The stage with the flags of the tiny run, of which some are replaced or left out.
fn run(run: &TinyRun, stage: &str, but: &[(&str, Option<&str>)], more: &[&str]) -> Ended {
    let mut flags = run.flags(stage);
    for (name, value) in but {
        flags.retain(|(flag, _)| flag != name || value.is_some());
        for (flag, values) in &mut flags {
            if flag == name {
                *values = value.iter().map(|value| run.root.join(value).display().to_string()).collect();
            }
        }
    }
    let mut arguments = command_line(&flags);
    arguments.extend(more.iter().map(|&word| match word.starts_with('@') {
        true => run.root.join(&word[1..]).display().to_string(),
        false => word.to_owned(),
    }));
    stages::run(stage, arguments)
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn scratch_random_and_transferred_labels_are_scored_on_the_same_cells() {
    let root = tempfile::tempdir().unwrap();
    let tiny = TinyRun::new(root.path());
    for stage in ["qc", "tokenize", "pretrain", "finetune", "embed"] {
        tiny.run(stage, &[]).expect_code(0);
    }
    run(&tiny, "finetune", &[("output", Some("scratch"))], &["--mode", "scratch"]).expect_code(0);
    run(
        &tiny,
        "pretrain",
        &[("output", Some("random"))],
        &["--max-steps", "0", "--embedding-init", "random"],
    )
    .expect_code(0);
    let no_table = [("zarr", None), ("cells", None)];
    let of_scratch = [("model", Some("scratch")), ("output", Some("scratch.parquet"))];
    let predicted = [("predictions", Some("scratch_predictions.parquet"))];
    run(&tiny, "embed", &[&no_table[..], &of_scratch, &predicted].concat(), &[]).expect_code(0);
    let of_random = [("model", Some("random")), ("output", Some("random.parquet")), ("predictions", None)];
    run(&tiny, "embed", &[&no_table[..], &of_random].concat(), &[]).expect_code(0);

    // The train cells are the reference of the others.
    let again = [("output", Some("again.parquet")), ("predictions", None)];
    let mapping = ["--reference", "@embeddings.parquet", "--transfer", "@transfer.parquet"];
    let mapped = run(&tiny, "embed", &[&no_table[..], &again].concat(), &mapping);
    mapped.expect_code(0);
    let other = ["--reference", "@random.parquet", "--transfer", "@other.parquet"];
    let refused =
        run(&tiny, "embed", &[&no_table[..], &again].concat(), &[&other[..], &["--force"]].concat());
    let refused = refused.expect_code(65);
    assert!(refused.stderr.contains("was not embedded by"), "{}", refused.stderr);

    let beside = format!("from_scratch={}", root.path().join("scratch_predictions.parquet").display());
    let transferred = format!("transfer={}", root.path().join("transfer.parquet").display());
    let probe = format!("random_weights={}", root.path().join("random.parquet").display());
    let files = ["--predictions", &beside, "--predictions", &transferred, "--probe", &probe];
    let no_network = [("edges", None), ("reference-network", None), ("universe", None)];
    run(&tiny, "evaluate", &no_network, &files).expect_code(0);
    let metrics = json(&root.path().join("evaluation/metrics.json"));
    let rows = metrics["metrics"].as_array().unwrap();
    for method in ["panfoma", "from_scratch", "transfer", "random_weights", "logistic"] {
        let scored = rows
            .iter()
            .find(|row| row["method"] == method && row["metric"] == "macro_f1" && row["split"] == "test");
        let scored = scored.unwrap_or_else(|| panic!("{method} was not scored"));
        assert!(scored["interval"]["low"].is_number(), "{scored}");
        let n = |method: &str| {
            rows.iter()
                .find(|row| row["method"] == method && row["metric"] == "accuracy")
                .map(|row| &row["n"])
        };
        assert_eq!(n(method), n("panfoma"));
    }
    // Eight types, so 0.125 by chance. Neighbours in a model that was trained for an instant know more than that.
    let accuracy =
        rows.iter().find(|row| row["method"] == "transfer" && row["metric"] == "accuracy").unwrap();
    assert!(accuracy["value"].as_f64().unwrap() > 0.2, "{accuracy}");
}
