//! What the stage's tests share.
#![allow(dead_code, reason = "no test uses all of it")]

use clap::Parser;
use panfoma_core::stage::{Context, Stage};
use panfoma_qc::Args;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Runs the stage on these inputs.
pub fn qc(output: &Path, inputs: &[PathBuf], flags: &[&str]) -> anyhow::Result<()> {
    qc_seeded(output, inputs, flags, 0)
}

/// Runs the stage on these inputs with a seed.
pub fn qc_seeded(output: &Path, inputs: &[PathBuf], flags: &[&str], seed: u64) -> anyhow::Result<()> {
    let inputs = inputs.iter().map(|input| input.as_os_str().to_owned());
    let flags = flags.iter().map(|flag| OsString::from(*flag));
    start(output, [OsString::from("-i")].into_iter().chain(inputs).chain(flags), seed)
}

/// Runs the stage with these flags.
pub fn run(output: &Path, flags: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    start(output, flags, 0)
}

fn start(output: &Path, flags: impl Iterator<Item = OsString>, seed: u64) -> anyhow::Result<()> {
    let line = ["panfoma-qc".into(), "-o".into(), output.as_os_str().to_owned()];
    Line::try_parse_from(line.into_iter().chain(flags))?.args.run(&Context::for_library("panfoma-qc", seed))
}

/// A file of `tests/data`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(name)
}

/// The real sets: `PANFOMA_DATA` or `../shared/data` beside the workspace; absent, they must not be in CI.
pub fn data() -> Option<PathBuf> {
    let path = std::env::var_os("PANFOMA_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).to_owned(),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_DATA");
    eprintln!("skipped: `{}` is not there", path.display());
    None
}

/// `<output>.qc.json`.
pub fn report(output: &Path) -> serde_json::Value {
    let path = format!("{}.qc.json", output.display());
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A table beside the output, a row of fields a line.
pub fn table(output: &Path, extension: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(format!("{}.{extension}", output.display())).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Rows of a fixture without quotes.
pub fn csv(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}
