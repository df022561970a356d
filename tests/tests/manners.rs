//! How every binary behaves at the command line.

use panfoma_tests::stages::{STAGES, WITH_MODEL, copy, files, run};
use panfoma_tests::tiny_run::{Flag, TinyRun, command_line, toml};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One complete run that the tests here read and copy, and never write to.
fn complete() -> &'static TinyRun {
    static RUN: OnceLock<(tempfile::TempDir, TinyRun)> = OnceLock::new();
    let (_, run) = RUN.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let run = TinyRun::complete(directory.path(), 2);
        (directory, run)
    });
    run
}

/// The stage's flags with other values for some of them.
fn with(flags: Vec<Flag>, changes: &[(&'static str, &Path)]) -> Vec<Flag> {
    let change = |(flag, values): Flag| match changes.iter().find(|(changed, _)| *changed == flag) {
        Some((_, path)) => (flag, vec![path.display().to_string()]),
        None => (flag, values),
    };
    flags.into_iter().map(change).collect()
}

/// The first flag of a stage that names an input.
fn input_flag(stage: &str) -> &'static str {
    if stage == "evaluate" { "embeddings" } else { "input" }
}

/// A copy of the complete run that a test may spoil.
fn spoiled(spoil: impl Fn(&Path)) -> (tempfile::TempDir, TinyRun) {
    let directory = tempfile::tempdir().unwrap();
    copy(&complete().root, directory.path());
    spoil(directory.path());
    let run = TinyRun { root: directory.path().to_owned() };
    (directory, run)
}

/// Replaces a text in a file that must hold it.
fn replace(path: PathBuf, from: &str, to: &str) {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
    assert!(text.contains(from), "`{}` does not hold `{from}`", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_flag_that_begins_like_man_is_no_question_for_the_manual() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("cells.zarr");
    let ended = run("qc", ["--manifest", "none.csv", "-o", out.to_str().unwrap()]).expect_code(66);
    assert_eq!(ended.stdout, "");
    ended.expect_stderr("none.csv` does not exist");
}

#[test]
fn a_status_file_says_how_the_run_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let status = |flags: &[&str], code: i32| -> serde_json::Value {
        run("qc", flags.iter().copied().chain(["-o", &path("cells.zarr"), "--status", &path("status.json")]))
            .expect_code(code);
        serde_json::from_slice(&std::fs::read(path("status.json")).unwrap()).unwrap()
    };
    let failed = status(&["--manifest", "none.csv"], 66);
    assert_eq!((failed["status"].as_str(), failed["exit_code"].as_i64()), (Some("failed"), Some(66)));
    assert!(failed["message"].as_str().unwrap().contains("none.csv"), "{failed}");
    let input = complete().root.join("cohort/study_1.h5ad").display().to_string();
    let done = status(&["-i", &input, "--min-genes", "60"], 0);
    assert_eq!((done["status"].as_str(), done["exit_code"].as_i64()), (Some("done"), Some(0)));
    assert!(done["message"].is_null() && done["seconds"].as_f64().unwrap() > 0.0, "{done}");
}

#[test]
fn help_is_on_stdout_shows_defaults_and_ends_with_examples() {
    for stage in STAGES {
        let ended = run(stage, ["--help"]).expect_code(0);
        let (_, examples) =
            ended.stdout.rsplit_once("Examples:").unwrap_or_else(|| panic!("{stage} has no examples"));
        assert!(examples.contains(&format!("panfoma-{stage} ")), "{stage}: {examples}");
        assert!(ended.stdout.contains("[default: "), "{stage} shows no default");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn version_is_exactly_name_and_number() {
    for stage in STAGES {
        let ended = run(stage, ["--version"]).expect_code(0);
        assert_eq!(ended.stdout, format!("panfoma-{stage} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn completions_and_man_pages_are_printed() {
    for stage in STAGES {
        for shell in ["bash", "zsh", "fish"] {
            let ended = run(stage, ["--completions", shell]).expect_code(0);
            assert!(ended.stdout.contains(&format!("panfoma-{stage}")), "{stage} {shell}: {}", ended.stdout);
        }
        let ended = run(stage, ["--man"]).expect_code(0);
        assert!(
            ended.stdout.contains(".TH") && ended.stdout.contains("EXAMPLES")
                || ended.stdout.contains("Examples")
        );
    }
}

#[test]
fn an_unknown_flag_is_64() {
    for stage in STAGES {
        run(stage, ["--no-such-flag"]).expect_code(64).expect_stderr("--no-such-flag");
    }
}

#[test]
fn no_arguments_at_all_are_64_and_not_a_panic() {
    for stage in STAGES {
        run(stage, [] as [&str; 0]).expect_code(64);
    }
}

#[test]
fn a_missing_input_is_66_and_named() {
    for stage in STAGES {
        let output = tempfile::tempdir().unwrap();
        let output = output.path().join("out");
        let flags = with(
            complete().flags(stage),
            &[(input_flag(stage), Path::new("/no/such/place")), ("output", &output)],
        );
        // The embed stage's other outputs exist already.
        let arguments = command_line(&flags).into_iter().chain(["--force".to_owned()]);
        run(stage, arguments).expect_code(66).expect_stderr("/no/such/place");
        assert!(!output.exists());
    }
}

#[test]
fn a_cuda_device_that_is_not_there_is_69() {
    for stage in WITH_MODEL {
        // No machine has a hundredth device.
        complete()
            .run(stage, &["--force", "--dry-run", "--device", "cuda:99"])
            .expect_code(69)
            .expect_stderr("`--device cuda:99` is not available: ")
            .expect_stderr("hint: ");
    }
}

#[test]
fn a_dry_run_prints_a_plan_and_writes_nothing() {
    for stage in STAGES {
        let (_directory, run) = spoiled(|root| {
            for output in TinyRun::outputs(stage) {
                let path = root.join(output);
                if path.is_dir() {
                    std::fs::remove_dir_all(path).unwrap()
                } else {
                    std::fs::remove_file(path).unwrap()
                }
            }
        });
        let before = files(&run.root);
        let ended = run.run(stage, &["--dry-run"]).expect_code(0);
        assert!(!ended.stdout.trim().is_empty(), "panfoma-{stage} --dry-run printed nothing");
        assert!(before == files(&run.root), "panfoma-{stage} --dry-run changed something");
    }
}

#[test]
fn an_output_that_exists_is_kept_unless_forced() {
    let before = files(&complete().root);
    for stage in STAGES {
        complete().run(stage, &[]).expect_code(64).expect_stderr("exists").expect_stderr("--force");
    }
    assert!(before == files(&complete().root));
}

#[test]
fn json_logs_are_one_object_a_line() {
    let (_directory, tiny) = spoiled(|_| {});
    for stage in STAGES {
        let ended = tiny.run(stage, &["--force", "--log-format", "json", "-v"]).expect_code(0);
        assert!(!ended.stderr.is_empty(), "panfoma-{stage} -v logged nothing");
        for line in ended.stderr.lines() {
            let object: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("panfoma-{stage}: {error}: {line}"));
            assert!(object["level"].is_string(), "{line}");
        }
    }
}

#[test]
fn flags_may_stand_in_a_file_and_those_of_the_command_line_win() {
    for stage in STAGES {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("out");
        let flags = with(complete().flags(stage), &[("output", &output)]);
        let file = directory.path().join("stage.toml");
        // The embed stage's other outputs exist already.
        std::fs::write(&file, toml(&flags) + "dry_run = true\nforce = true\n").unwrap();
        let config = ["--config".to_owned(), file.display().to_string()];
        let ended = run(stage, &config).expect_code(0);
        assert!(!ended.stdout.is_empty(), "{}: `dry_run = true` was not heard", ended.command);

        let wrong = with(flags.clone(), &[(input_flag(stage), Path::new("/no/such/place"))]);
        std::fs::write(&file, toml(&wrong) + "dry_run = true\nforce = true\n").unwrap();
        run(stage, &config).expect_code(66);
        let right: Vec<Flag> = flags.into_iter().filter(|(flag, _)| *flag == input_flag(stage)).collect();
        run(stage, config.iter().cloned().chain(command_line(&right))).expect_code(0);

        std::fs::write(&file, "no_such_key = 1\n").unwrap();
        run(stage, &config).expect_code(78).expect_stderr("no_such_key");
    }
}

#[test]
fn a_later_version_of_an_input_is_65_with_what_was_found_and_expected() {
    let check = |stages: &[&str], file: &str, from: &str, to: &str| {
        let (_directory, tiny) = spoiled(|root| replace(root.join(file), from, to));
        for stage in stages {
            let ended = tiny.run(stage, &["--force"]).expect_code(65);
            ended.expect_stderr("version 9").expect_stderr("version 1").expect_stderr("hint:");
        }
    };
    check(
        &["pretrain", "finetune", "embed", "grn"],
        "tokens/_index.json",
        "\"version\": 1",
        "\"version\": 9",
    );
    check(&["finetune", "grn"], "model/config.json", "\"version\": 1", "\"version\": 9");
    check(&["embed"], "annotator/config.json", "\"version\": 1", "\"version\": 9");
}

#[test]
fn damaged_bytes_of_an_input_are_65_and_named() {
    let flip = |path: PathBuf| {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(path, bytes).unwrap();
    };
    let (_directory, tiny) = spoiled(|root| flip(root.join("tokens/part-00000.parquet")));
    for stage in ["pretrain", "finetune", "embed", "grn"] {
        tiny.run(stage, &["--force"]).expect_code(65).expect_stderr("part-00000.parquet");
    }
    let cut = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let (_directory, tiny) = spoiled(|root| {
        cut(root.join("cohort/study_1.h5ad"));
        cut(root.join("annotator/model.safetensors"));
        cut(root.join("embeddings.parquet"));
    });
    tiny.run("qc", &["--force"]).expect_code(65).expect_stderr("study_1.h5ad");
    tiny.run("embed", &["--force"]).expect_code(65).expect_stderr("model.safetensors");
    tiny.run("evaluate", &["--force"]).expect_code(65).expect_stderr("embeddings.parquet");
}

#[test]
fn an_artifact_of_another_kind_is_65_with_both_names() {
    let tiny = complete();
    let output = tempfile::tempdir().unwrap();
    let output = output.path().join("out");
    let flags = with(
        tiny.flags("evaluate"),
        &[("predictions", &tiny.root.join("embeddings.parquet")), ("output", &output)],
    );
    let ended = run("evaluate", command_line(&flags)).expect_code(65);
    ended.expect_stderr("panfoma.embeddings").expect_stderr("panfoma.predictions");
    let changes = [
        ("model", tiny.root.join("tokens")),
        ("output", output.clone()),
        ("programs", output.with_extension("programs.parquet")),
        ("differential", output.with_extension("tsv")),
    ];
    let flags = with(tiny.flags("grn"), &changes.each_ref().map(|(flag, path)| (*flag, path.as_path())));
    run("grn", command_line(&flags)).expect_code(65).expect_stderr("no model directory");
}
