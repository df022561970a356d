//! How a run ended, for engines and for runs of many ranks, of which a launcher tells one exit code only.

use super::{error, progress};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Status<'a> {
    tool: &'a str,
    version: &'a str,
    /// `done`, `stopped` (the state is saved, the same command goes on) or `failed`.
    status: &'a str,
    exit_code: u8,
    /// The whole chain of causes.
    message: Option<String>,
    hint: Option<&'a str>,
    seconds: f64,
    peak_memory_mib: u64,
}

/// Writes the file, whole or not at all; an earlier one is replaced.
pub fn write(path: &Path, tool: &str, ended: &anyhow::Result<()>, seconds: f64) -> std::io::Result<()> {
    let (exit_code, hint) = ended.as_ref().err().map_or((0, None), error::classify);
    let status = match exit_code {
        0 => "done",
        // Signals after which the state was saved, and `--max-walltime`.
        129..=192 => "stopped",
        _ => "failed",
    };
    let status = Status {
        tool,
        version: env!("CARGO_PKG_VERSION"),
        status,
        exit_code,
        message: ended.as_ref().err().map(|error| format!("{error:#}")),
        hint,
        seconds,
        peak_memory_mib: progress::peak_memory_mib(),
    };
    let mut text = serde_json::to_vec_pretty(&status)?;
    text.push(b'\n');
    // Beside it, for a rename to be one step.
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    std::fs::write(&temporary, text)?;
    std::fs::rename(&temporary, path)
}
