//! The directory of a run that is not finished: `step-00000100/`, `step-00000200/`, each whole or absent.

use super::flags::{CheckpointFlags, Resume};
use crate::artifact::checkpoint::State;
use crate::artifact::checkpoint::state::{self, Restored, Snapshot};
use crate::stage::UserError;
use anyhow::Context as _;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where and how often a run saves itself. Nothing here changes a byte of the final model.
pub struct Checkpoints {
    directory: PathBuf,
    keep_last: usize,
    every_steps: Option<u64>,
    every: Duration,
    saved_at: Instant,
}

impl Checkpoints {
    /// The directory that the flags name, or `<output>.ckpt`; it need not exist.
    pub fn new(output: &Path, flags: &CheckpointFlags) -> Self {
        let beside = || {
            let mut name = OsString::from(output);
            name.push(".ckpt");
            PathBuf::from(name)
        };
        Self {
            directory: flags.checkpoint_dir.clone().unwrap_or_else(beside),
            keep_last: flags.keep_last,
            every_steps: flags.checkpoint_every_steps,
            every: flags.checkpoint_every,
            saved_at: Instant::now(),
        }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The newest whole checkpoint, if there is one and `resume` asks for it.
    ///
    /// Errors: it belongs to another run, naming what differs. A damaged one is passed over for the one before it.
    pub fn restore(&self, resume: &Resume, identity: &str) -> anyhow::Result<Option<Restored>> {
        let candidates = match resume {
            Resume::Never => return Ok(None),
            Resume::Auto => steps(&self.directory)?,
            Resume::From(path) => match path.join("state.json").exists() {
                true => vec![path.clone()],
                false => steps(path)?,
            },
        };
        for path in candidates.iter().rev() {
            match read(path, identity) {
                Ok(restored) => return Ok(Some(restored)),
                Err(error) if error.downcast_ref::<Differs>().is_some() => {
                    return Err(user_error(error, path));
                }
                Err(error) => tracing::warn!("passing over a damaged checkpoint: {error:#}"),
            }
        }
        match (candidates.last(), resume) {
            (Some(newest), _) => Err(UserError::bad_data(format!(
                "no checkpoint in `{}` can be read",
                newest.parent().unwrap_or(newest).display()
            ))
            .hint("pass `--resume never` to begin anew")
            .into()),
            (None, Resume::From(path)) => {
                Err(UserError::bad_data(format!("`{}` holds no checkpoint", path.display())).into())
            }
            (None, _) => Ok(None),
        }
    }

    /// Removes what an earlier run left: all of it before a run that begins anew, else half-written ones only.
    pub fn clear(&self, begins_anew: bool) -> anyhow::Result<()> {
        if !self.directory.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let half_written = name.starts_with(".step-") && name.contains(".tmp-");
            if half_written || begins_anew && number(&entry.path()).is_some() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Is it time to save after this step?
    pub fn is_due(&self, step: u64) -> bool {
        self.every_steps.is_some_and(|every| step.is_multiple_of(every))
            || self.saved_at.elapsed() >= self.every
    }

    /// Saves a snapshot and removes the oldest beyond those kept.
    pub fn save(&mut self, snapshot: &Snapshot<'_>) -> anyhow::Result<()> {
        let path = self.directory.join(format!("step-{:08}", snapshot.state.step));
        state::write(&path, snapshot)?;
        self.saved_at = Instant::now();
        tracing::debug!("saved `{}`", path.display());
        let saved = steps(&self.directory)?;
        for old in saved.iter().rev().skip(self.keep_last) {
            fs::remove_dir_all(old).with_context(|| format!("removing `{}`", old.display()))?;
        }
        Ok(())
    }

    /// Removes every checkpoint, and the directory if nothing else is in it.
    pub fn remove(&self) -> anyhow::Result<()> {
        self.clear(true)?;
        // Something else may lie there; then the directory stays.
        let _ = fs::remove_dir(&self.directory);
        Ok(())
    }
}

/// A checkpoint of another run.
#[derive(Debug, thiserror::Error)]
#[error("it belongs to another run: {0}")]
struct Differs(String);

fn user_error(error: anyhow::Error, path: &Path) -> anyhow::Error {
    UserError::config(format!("cannot go on from `{}`: {error}", path.display()))
        .hint("repeat the flags and inputs of that run, or pass `--resume never` to begin anew (its checkpoints are removed)")
        .into()
}

fn read(path: &Path, identity: &str) -> anyhow::Result<Restored> {
    let found = State::read(path)?.identity;
    if found != identity {
        let difference = differences(&serde_json::from_str(&found)?, &serde_json::from_str(identity)?);
        return Err(Differs(difference.join("; ")).into());
    }
    state::read(path)
}

/// What differs, by the path of its keys: `config.lr is 0.001 there, 0.002 here`.
fn differences(there: &Value, here: &Value) -> Vec<String> {
    let (Value::Object(a), Value::Object(b)) = (there, here) else {
        return if there == here { Vec::new() } else { vec![format!("is {there} there, {here} here")] };
    };
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        let inner = differences(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
        found.extend(inner.into_iter().map(|rest| match rest.starts_with("is ") {
            true => format!("`{key}` {rest}"),
            false => rest,
        }));
    }
    found
}

/// The checkpoints of a directory, oldest first.
fn steps(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory).with_context(|| format!("reading `{}`", directory.display()))?;
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        found.extend(number(&path).map(|step| (step, path)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_named_by_its_key() {
        let there = json!({"config": {"lr": 0.001, "epochs": 3}, "seed": 0, "inputs": {"tokens": "aa"}});
        let here = json!({"config": {"lr": 0.002, "epochs": 3}, "seed": 0, "inputs": {"tokens": "bb"}});
        assert_eq!(
            differences(&there, &here),
            ["`lr` is 0.001 there, 0.002 here", "`tokens` is \"aa\" there, \"bb\" here"]
        );
        assert!(differences(&here, &here).is_empty());
    }

    #[test]
    fn checkpoints_are_ordered_by_step_and_other_names_ignored() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["step-00000100", "step-00000020", ".step-00000200.tmp-1-0", "notes"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let found: Vec<u64> =
            steps(directory.path()).unwrap().iter().filter_map(|path| number(path)).collect();
        assert_eq!(found, [20, 100]);
    }
}
