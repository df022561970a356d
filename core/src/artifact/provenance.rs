//! How an artifact was made: tool, commit, configuration, inputs with digests, seed.
//!
//! Nothing here depends on time, host, paths or threads: those stand in `<output>.run.json` beside the artifact,
//! so that the same inputs, seed and configuration give the same bytes.

use super::atomic;
use crate::stage::{Context, progress};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How an artifact was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The binary, `panfoma-qc`.
    pub tool: String,
    /// Its release.
    pub tool_version: String,
    /// The commit it was built from.
    pub commit: String,
    /// The full resolved configuration.
    pub config: serde_json::Value,
    /// What was read.
    pub inputs: Vec<Input>,
    /// Seed of every random choice.
    pub seed: u64,
}

/// One input file or directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its own name, without the directory.
    pub name: String,
    /// BLAKE3 of its bytes; of a directory, of its files' names and bytes in sorted order.
    pub blake3: String,
}

impl Provenance {
    /// Digests the inputs and records the run.
    pub fn new<'a>(context: &Context, inputs: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<Self> {
        let inputs = inputs.into_iter().map(Input::digest).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            tool: context.tool.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: context.commit.to_owned(),
            config: context.config.clone(),
            inputs,
            seed: context.seed,
        })
    }

    /// Records, beside the configuration, the digest of the names that the artifact's genes bear: of the `gene_table` for
    /// cells, of the `vocabulary` for what is made from tokens.
    #[must_use]
    pub fn with_genes(mut self, names: &str, digest: String) -> Self {
        if self.config.is_null() {
            self.config = serde_json::json!({});
        }
        self.config[names] = digest.into();
        self
    }

    /// The digest recorded by [`Provenance::with_genes`].
    pub fn genes(&self, names: &str) -> Option<&str> {
        self.config.get(names)?.as_str()
    }
}

impl Input {
    /// Reads the file or the whole directory once.
    pub fn digest(path: &Path) -> anyhow::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hash_into(&mut hasher, path).with_context(|| format!("reading `{}`", path.display()))?;
        let name =
            path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, blake3: hasher.finalize().to_hex().to_string() })
    }
}

fn hash_into(hasher: &mut blake3::Hasher, path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        return hasher.update_reader(File::open(path)?).map(drop);
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries.into_iter().filter(|entry| !is_foreign(entry)) {
        hasher.update(entry.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.update(b"\0");
        hash_into(hasher, &entry)?;
    }
    Ok(())
}

/// Files that workflow engines and file systems leave in directories: no part of an artifact.
fn is_foreign(entry: &Path) -> bool {
    let name = entry.file_name().unwrap_or_default().as_encoded_bytes();
    name == b".snakemake_timestamp" || name == b".DS_Store" || name.starts_with(b".nfs")
}

/// What differs from run to run, written beside an artifact as `<output>.run.json`.
#[derive(Serialize)]
struct RunRecord {
    started_unix: u64,
    seconds: f64,
    host: String,
    threads: usize,
    peak_memory_mib: u64,
    command: Vec<String>,
}

/// Writes `<output>.run.json`: time, host, threads, memory and the exact command.
pub fn write_run_record(output: &Path, context: &Context, started: Instant) -> anyhow::Result<()> {
    let elapsed = started.elapsed();
    let start = SystemTime::now() - elapsed;
    let record = RunRecord {
        started_unix: start.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        seconds: elapsed.as_secs_f64(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
        threads: context.threads,
        peak_memory_mib: progress::peak_memory_mib(),
        command: std::env::args().collect(),
    };
    let mut name = output.as_os_str().to_owned();
    name.push(".run.json");
    atomic::write_json(Path::new(&name), &record)
        .with_context(|| format!("writing beside `{}`", output.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Snakemake writes a timestamp into every directory that a rule declares, after the stage has ended.
    #[test]
    fn a_digest_does_not_change_with_what_an_engine_leaves_in_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".zattrs"), "{}").unwrap();
        let digest = || Input::digest(directory.path()).unwrap().blake3;
        let before = digest();
        std::fs::write(directory.path().join(".snakemake_timestamp"), "").unwrap();
        assert_eq!(digest(), before);
        std::fs::write(directory.path().join(".zgroup"), "").unwrap();
        assert_ne!(digest(), before, "hidden files of Zarr are part of it");
    }
}
