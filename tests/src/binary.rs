//! Stages on a small corpus of tokens: run, killed, and their outputs compared.

use crate::stages;
use std::path::Path;
use std::process::{Command, Output};

/// A command of a stage.
pub fn command(stage: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(stages::binary(stage));
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
