//! Progress: a bar on a terminal, one log line a minute otherwise.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two log lines when stderr is not a terminal.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Counts units of work (cells, steps) and shows how it goes.
pub struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    logged: Instant,
}

impl Progress {
    /// `what` names the unit in the plural: "cells", "steps". A `total` of 0 means unknown.
    pub fn new(what: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = if total == 0 {
                "{spinner} {pos} {msg} ({per_sec})"
            } else {
                "[{elapsed_precise}] {wide_bar} {pos}/{len} {msg} ({per_sec}, {eta} left)"
            };
            let style = ProgressStyle::with_template(template).expect("the template is valid");
            ProgressBar::new(total).with_style(style).with_message(what)
        });
        let now = Instant::now();
        Self { bar, what, total, done: 0, started: now, logged: now }
    }

    /// Counts `n` more units.
    pub fn add(&mut self, n: u64) {
        self.done += n;
        match &self.bar {
            Some(bar) => bar.inc(n),
            None if self.logged.elapsed() >= LOG_EVERY => {
                self.logged = Instant::now();
                let (done, total, per_second) = (self.done, self.total, self.rate());
                tracing::info!(done, total, per_second, "{} so far", self.what);
            }
            None => {}
        }
    }

    /// Units a second since the start.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }

    /// Ends the bar and logs the total, the rate and this process's peak memory.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let (done, per_second, peak_mib) = (self.done, self.rate(), peak_memory_mib());
        tracing::info!(done, seconds, per_second, peak_mib, "{} done", self.what);
    }
}

/// Peak resident memory of this process in MiB, where the system tells (Linux), else 0.
pub fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
