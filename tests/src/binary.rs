//! Runs the stage binaries, which `tests/run.sh` builds before the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `panfoma-<stage>` beside the test's own executable. Panics with the remedy where it is not built.
pub fn path(stage: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let directory = test.parent().and_then(Path::parent).expect("tests stand in target/release/deps");
    let binary = directory.join(format!("panfoma-{stage}"));
    assert!(
        binary.exists(),
        "`{}` is not built: run `cargo build --release --workspace --bins`",
        binary.display()
    );
    binary
}

/// A command of a stage.
pub fn command(stage: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path(stage));
    command.args(arguments);
    command
}

/// Runs a stage to its end.
pub fn run(stage: &str, arguments: &[&str]) -> Output {
    command(stage, arguments).output().expect("the binary runs")
}

/// Runs a stage that must succeed; panics with its log otherwise.
pub fn succeed(stage: &str, arguments: &[&str]) {
    let output = run(stage, arguments);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "panfoma-{stage} {} ended with {}\n{log}",
        arguments.join(" "),
        output.status
    );
}

/// BLAKE3 of a file or directory.
pub fn digest(path: &Path) -> String {
    panfoma_core::artifact::provenance::Input::digest(path).expect("it can be read").blake3
}
