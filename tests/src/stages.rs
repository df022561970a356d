//! The stage binaries, run as a user would run them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The stages in the order in which a cohort passes through them.
pub const STAGES: [&str; 7] = ["qc", "tokenize", "pretrain", "finetune", "embed", "grn", "evaluate"];

/// Stages that run a model, and so take a device.
pub const WITH_MODEL: [&str; 4] = ["pretrain", "finetune", "embed", "grn"];

/// How a stage ended.
#[derive(Debug)]
pub struct Ended {
    /// The command, for messages.
    pub command: String,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed as its result.
    pub stdout: String,
    /// Its logs and errors.
    pub stderr: String,
}

impl Ended {
    /// Panics with everything there is to know unless the stage ended with this code.
    #[track_caller]
    pub fn expect_code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }

    /// Panics unless stderr holds this text.
    #[track_caller]
    pub fn expect_stderr(self, expected: &str) -> Self {
        assert!(
            self.stderr.contains(expected),
            "{}\nexpected `{expected}` in: {}",
            self.command,
            self.stderr
        );
        self
    }
}

/// The binary of a stage, beside this test's own executable.
pub fn binary(stage: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its executable");
    let profile = test.ancestors().find(|path| path.join(format!("panfoma-{stage}")).is_file());
    profile.map(|directory| directory.join(format!("panfoma-{stage}"))).unwrap_or_else(|| {
        panic!(
            "no panfoma-{stage} above `{}`: run `cargo build --release --workspace --bins` first",
            test.display()
        )
    })
}

/// Runs a stage and waits for it.
pub fn run<S: AsRef<OsStr>>(stage: &str, arguments: impl IntoIterator<Item = S>) -> Ended {
    let mut command = command(stage, arguments);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    ended(&command, output)
}

/// Runs a stage; kills it, and returns `None`, if it is not done in time.
pub fn run_within<S: AsRef<OsStr>>(
    stage: &str,
    arguments: impl IntoIterator<Item = S>,
    limit: Duration,
) -> Option<Ended> {
    let mut command = command(stage, arguments);
    // Into files: a pipe would have to be emptied meanwhile.
    let file = || tempfile::tempfile().expect("a temporary file");
    let (mut stdout, mut stderr) = (file(), file());
    let copy = |file: &File| file.try_clone().expect("another handle");
    let spawned = command.stdout(copy(&stdout)).stderr(copy(&stderr)).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        if started.elapsed() > limit {
            child.kill().and_then(|()| child.wait()).expect("the child is ours");
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("what was written is read");
        bytes
    };
    Some(ended(&command, Output { status, stdout: read(&mut stdout), stderr: read(&mut stderr) }))
}

fn command<S: AsRef<OsStr>>(stage: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary(stage));
    // What the machine that runs the tests has set must not decide.
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("SLURM_CPUS_PER_TASK")
        .env_remove("OMP_NUM_THREADS");
    command
}

fn ended(command: &Command, output: Output) -> Ended {
    Ended {
        command: format!("{command:?}"),
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every file under a directory by its relative path, sorted.
pub fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("`{}`: {error}", next.display()))
        {
            let path = entry.expect("a directory can be listed").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).expect("it lies inside").display().to_string();
                files.push((name, std::fs::read(&path).expect("a file can be read")));
            }
        }
    }
    files.sort();
    files
}

/// Copies a directory with everything in it.
pub fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory can be made");
        std::fs::write(path, bytes).expect("a file can be written");
    }
}
