//! A cohort through all seven binaries: each reads what the one before it wrote, and threads change nothing.

use panfoma_tests::stages::{self, STAGES, files};
use panfoma_tests::tiny_run::TinyRun;
use std::collections::BTreeSet;
use std::path::Path;

/// What a run wrote, without the records of when and where.
fn written(root: &Path) -> Vec<(String, Vec<u8>)> {
    files(root).into_iter().filter(|(name, _)| !name.ends_with(".run.json")).collect()
}

#[track_caller]
fn assert_same(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) {
    let names =
        |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    let (a, b) = (names(one), names(other));
    assert_eq!(a, b, "different files");
    let differ: Vec<&str> =
        one.iter().zip(other).filter(|(a, b)| a.1 != b.1).map(|((name, _), _)| name.as_str()).collect();
    assert!(differ.is_empty(), "different bytes: {differ:#?}");
}

#[test]
fn a_cohort_passes_through_every_stage_with_the_same_bytes_for_any_threads() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = TinyRun::complete(one.path(), 1);
    TinyRun::complete(two.path(), 2);
    let first = written(one.path());
    for stage in STAGES {
        for output in TinyRun::outputs(stage) {
            assert!(one.path().join(output).exists(), "panfoma-{stage} wrote no `{output}`");
        }
        let record = format!("{}.run.json", TinyRun::outputs(stage)[0]);
        assert!(one.path().join(&record).is_file(), "panfoma-{stage} wrote no `{record}`");
    }
    the_vocabularys_digest_stands_in_every_artifact(one.path());
    a_run_crate_leads_from_the_report_to_the_matrices(one.path());
    assert_same(&first, &written(two.path()));
    // Once more over what is there: nothing of the old output may leak into the new one.
    run.run_all(&["--threads", "2", "--force"]);
    assert_same(&first, &written(one.path()));
}

/// Headers are text, in Parquet too.
fn the_vocabularys_digest_stands_in_every_artifact(root: &Path) {
    let index = std::fs::read_to_string(root.join("tokens/_index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let digest = index["vocabulary"]["digest"].as_str().unwrap().as_bytes();
    for file in [
        "model/config.json",
        "annotator/config.json",
        "embeddings.parquet",
        "predictions.parquet",
        "edges.parquet",
        "evaluation/metrics.json",
    ] {
        let bytes = std::fs::read(root.join(file)).unwrap();
        assert!(bytes.windows(digest.len()).any(|window| window == digest), "`{file}` does not name it");
    }
}

/// From each result to what it was made of, until nothing is left but the cohort's files.
fn a_run_crate_leads_from_the_report_to_the_matrices(root: &Path) {
    let path = |name: &str| root.join(name).display().to_string();
    let artifacts = STAGES.iter().flat_map(|stage| TinyRun::outputs(stage));
    let artifacts = artifacts.filter(|name| !name.ends_with(".tsv")).map(|name| path(name));
    let file = path("ro-crate-metadata.json");
    let flags = ["--run-crate".to_owned()].into_iter().chain(artifacts);
    stages::run("evaluate", flags.chain(["--output".to_owned(), file.clone()])).expect_code(0);
    let text = std::fs::read_to_string(&file).unwrap();
    // Written anew each time, and no part of what is compared below.
    std::fs::remove_file(&file).unwrap();
    let crate_: serde_json::Value = serde_json::from_str(&text).unwrap();
    let graph = crate_["@graph"].as_array().unwrap();
    let ids = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|one| one["@id"].as_str().unwrap().to_owned()).collect()
    };
    let actions: Vec<_> = graph.iter().filter(|entity| entity["@type"] == "CreateAction").collect();
    assert_eq!(actions.len(), STAGES.len(), "{text}");
    let (mut open, mut sources) = (vec!["evaluation/".to_owned()], BTreeSet::new());
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        assert!(graph.iter().any(|entity| entity["@id"] == *id), "{id} is not described");
        match actions.iter().find(|action| ids(&action["result"]).contains(&id)) {
            Some(action) => {
                assert!(action["startTime"].is_string() && action["endTime"].is_string(), "{action}");
                open.extend(ids(&action["object"]).into_iter().filter(|id| seen.insert(id.clone())));
            }
            None => {
                sources.insert(id);
            }
        }
    }
    let name = |id: &String| {
        let entity = graph.iter().find(|entity| entity["@id"] == **id).unwrap();
        entity["name"].as_str().unwrap().to_owned()
    };
    let sources: BTreeSet<String> = sources.iter().map(name).collect();
    for study in ["study_1.h5ad", "study_2.h5ad", "network.csv"] {
        assert!(sources.contains(study), "{sources:?}");
    }
    assert!(!sources.iter().any(|name| name.ends_with(".parquet") || name == "tokens"), "{sources:?}");
}

#[test]
fn another_seed_trains_another_model() {
    let root = tempfile::tempdir().unwrap();
    let run = TinyRun::new(root.path());
    for stage in ["qc", "tokenize", "pretrain"] {
        run.run(stage, &[]).expect_code(0);
    }
    let weights = root.path().join("model/model.safetensors");
    let first = std::fs::read(&weights).unwrap();
    run.run("pretrain", &["--seed", "1", "--force"]).expect_code(0);
    assert!(first != std::fs::read(&weights).unwrap());
}

#[test]
fn studies_that_pass_qc_one_by_one_make_the_tokens_of_a_qc_of_all() {
    let root = tempfile::tempdir().unwrap();
    let run = TinyRun::new(root.path());
    let path = |name: &str| root.path().join(name).display().to_string();
    run.run("qc", &[]).expect_code(0);
    run.run("tokenize", &[]).expect_code(0);
    for study in ["study_1", "study_2"] {
        let (input, output) = (path(&format!("cohort/{study}.h5ad")), path(&format!("{study}.zarr")));
        let flags = ["--input", &input, "--output", &output, "--min-genes", "60"];
        stages::run("qc", flags).expect_code(0);
    }
    let (one, two, joined) = (path("study_1.zarr"), path("study_2.zarr"), path("joined"));
    let split = ["--split", "patient:0.5,0.25,0.25", "--stratify", "cancer_type"];
    let flags = ["--input", &one, &two, "--output", &joined];
    stages::run("tokenize", flags.into_iter().chain(split)).expect_code(0);
    // The index names its inputs.
    let without_index = |name: &str| {
        let files = files(&root.path().join(name));
        files.into_iter().filter(|(name, _)| name != "_index.json").collect::<Vec<_>>()
    };
    assert_same(&without_index("tokens"), &without_index("joined"));
    // The same study twice: ids would name two cells.
    let flags = ["--input", &one, &one, "--output", &path("twice")];
    stages::run("tokenize", flags.into_iter().chain(split)).expect_code(65).expect_stderr("have the id");
}
