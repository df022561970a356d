//! `ptxas`, where there is one: what each kernel costs, against what its header promises.
//!
//! The assembler is found through `PANFOMA_PTXAS`. It needs no GPU; `.ci/run` installs it from a Python wheel.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::entries::{ENTRIES, MODULES};

/// The architectures that every kernel is assembled for.
pub const ARCHITECTURES: &[&str] = &["sm_80", "sm_90"];

/// What an entry needs on one architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Name of the entry.
    pub entry: String,
    /// Registers of a thread.
    pub registers: u32,
    /// Bytes of shared memory that the text declares.
    pub shared: u32,
    /// Bytes that a thread stores to and loads from local memory for lack of registers.
    pub spills: u32,
    /// Bytes of a thread's stack.
    pub stack: u32,
}

/// A line `// budget sm_80 [entry] regs<=136 spills=0 smem=24832` of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The architecture it is for.
    pub architecture: String,
    /// The entry it is for; `None`: all of the file that have no line of their own.
    pub entry: Option<String>,
    /// Most registers of a thread.
    pub registers: u32,
    /// Bytes of spills.
    pub spills: u32,
    /// Bytes of declared shared memory.
    pub shared: u32,
}

/// An assembler.
#[derive(Clone, Debug)]
pub struct Assembler {
    program: PathBuf,
}

impl Assembler {
    /// The assembler that `PANFOMA_PTXAS` names.
    pub fn find() -> Option<Assembler> {
        let program = PathBuf::from(env::var_os("PANFOMA_PTXAS")?);
        program.is_file().then_some(Assembler { program })
    }

    /// `V12.9.86`
    pub fn version(&self) -> Result<String, String> {
        let output = Command::new(&self.program).arg("--version").output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split(|c: char| c == ',' || c.is_whitespace()).find(|word| {
            word.strip_prefix('V').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        version.map(str::to_owned).ok_or_else(|| format!("no version in `{text}`"))
    }

    /// Assembles a text for an architecture; warnings and spills are errors.
    ///
    /// Errors: what `ptxas` says, with its line numbers.
    pub fn assemble(&self, ptx: &Path, architecture: &str) -> Result<Vec<Usage>, String> {
        let output = Command::new(&self.program)
            .args(["-v", "-warn-spills", "-Werror", "-o", "/dev/null"])
            .arg(format!("-arch={architecture}"))
            .arg(ptx)
            .output()
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        let log =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{} for {architecture}: {}", ptx.display(), log.trim()));
        }
        Ok(usages(&log))
    }
}

/// What a log of `ptxas -v` says of each entry.
pub fn usages(log: &str) -> Vec<Usage> {
    let mut found: Vec<Usage> = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            let entry = rest.split('\'').next().unwrap_or_default().to_owned();
            found.push(Usage { entry, ..Usage::default() });
        }
        let Some(last) = found.last_mut() else { continue };
        let words: Vec<&str> = line.split_whitespace().collect();
        let before = |what: &[&str]| -> u32 {
            let at = words.windows(what.len()).position(|window| {
                window.iter().zip(what).all(|(word, what)| word.trim_end_matches(',') == *what)
            });
            at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
        };
        if line.contains(" registers") {
            last.registers = before(&["registers"]);
            last.shared = before(&["bytes", "smem"]);
        }
        if line.contains("stack frame") {
            last.stack = before(&["bytes", "stack", "frame"]);
            last.spills = before(&["bytes", "spill", "stores"]) + before(&["bytes", "spill", "loads"]);
        }
    }
    found
}

/// The budget lines of a text.
///
/// Errors: a line that names no architecture or lacks a figure.
pub fn budgets(ptx: &str) -> Result<Vec<Budget>, String> {
    ptx.lines().filter_map(|line| line.trim().strip_prefix("// budget ")).map(budget).collect()
}

fn budget(line: &str) -> Result<Budget, String> {
    let bad = || format!("`// budget {line}`: expected `sm_80 [entry] regs<=N spills=N smem=N`");
    let mut words = line.split_whitespace();
    let architecture = words.next().filter(|word| word.starts_with("sm_")).ok_or_else(bad)?.to_owned();
    let (mut entry, mut registers, mut spills, mut shared) = (None, None, None, None);
    for word in words {
        if let Some(n) = word.strip_prefix("regs<=") {
            registers = n.parse().ok();
        } else if let Some(n) = word.strip_prefix("spills=") {
            spills = n.parse().ok();
        } else if let Some(n) = word.strip_prefix("smem=") {
            shared = n.parse().ok();
        } else if entry.is_none() && !word.contains('=') {
            entry = Some(word.to_owned());
        } else {
            return Err(bad());
        }
    }
    let (Some(registers), Some(spills), Some(shared)) = (registers, spills, shared) else {
        return Err(bad());
    };
    Ok(Budget { architecture, entry, registers, spills, shared })
}

/// The budget of an entry on an architecture: its own, else that of its file.
pub fn budget_of<'a>(budgets: &'a [Budget], entry: &str, architecture: &str) -> Option<&'a Budget> {
    let mut here = budgets.iter().filter(|b| b.architecture == architecture);
    let own = here.clone().find(|b| b.entry.as_deref() == Some(entry));
    own.or_else(|| here.find(|b| b.entry.is_none()))
}

/// Why an entry exceeds its budget, if it does.
pub fn exceeds(usage: &Usage, budget: &Budget) -> Option<String> {
    let mut why = String::new();
    if usage.registers > budget.registers {
        let _ = write!(why, " {} registers, at most {};", usage.registers, budget.registers);
    }
    if usage.spills != budget.spills || usage.stack > 0 && budget.spills == 0 {
        let _ =
            write!(why, " {} bytes of spills (stack {}), not {};", usage.spills, usage.stack, budget.spills);
    }
    if usage.shared != budget.shared {
        let _ = write!(why, " {} bytes of shared memory, not {};", usage.shared, budget.shared);
    }
    (!why.is_empty())
        .then(|| format!("`{}` on {}:{}", usage.entry, budget.architecture, why.trim_end_matches(';')))
}

/// What each kernel needs on each architecture: one list of entries a module and architecture, in that order.
pub type Costs = Vec<(&'static str, &'static str, Vec<Usage>)>;

/// Assembles every module of [`MODULES`] for every architecture, on all cores. `root`: the directory of this crate.
///
/// Errors: what `ptxas` says of every text that does not assemble.
pub fn assemble_all(assembler: &Assembler, root: &Path) -> Result<Costs, String> {
    let mut jobs = Vec::new();
    for module in MODULES {
        jobs.extend(ARCHITECTURES.iter().map(|architecture| (module.name, *architecture)));
    }
    let assemble = |&(module, architecture): &(&'static str, &'static str)| {
        let path = root.join("ptx").join(format!("{module}.ptx"));
        assembler.assemble(&path, architecture).map(|usages| (module, architecture, usages))
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<_> = thread::scope(|scope| {
        let chunks = jobs.chunks(jobs.len().div_ceil(workers).max(1));
        let threads: Vec<_> =
            chunks.map(|jobs| scope.spawn(|| jobs.iter().map(assemble).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("assembling does not panic")).collect()
    });
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    if bad.is_empty() {
        return Ok(good.into_iter().flatten().collect());
    }
    Err(bad.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("\n"))
}

/// The costs as a table in Markdown.
pub fn table(version: &str, costs: &Costs) -> String {
    let mut out = format!(
        "# What the kernels cost\n\n\
         `ptxas` {version} with `-warn-spills -Werror`: registers of a thread, shared memory that the text declares (a launch may add\n\
         to it), spills. Written by `PANFOMA_PTXAS=… cargo run -p panfoma-kernels --example ptxas_report`; a test compares.\n\n\
         | kernel | threads | registers {} | shared, bytes | spills, bytes |\n|---|---:|{}---:|---:|\n",
        ARCHITECTURES.join(" | registers "),
        "---:|".repeat(ARCHITECTURES.len()),
    );
    for entry in ENTRIES {
        let own = |usage: &&Usage| usage.entry == entry.name;
        let costs: Vec<&Usage> = costs.iter().flat_map(|(_, _, usages)| usages).filter(own).collect();
        let registers: Vec<String> = costs.iter().map(|usage| usage.registers.to_string()).collect();
        let shared = costs.iter().map(|usage| usage.shared).max().unwrap_or(0);
        let spills = costs.iter().map(|usage| usage.spills).max().unwrap_or(0);
        let threads = entry.threads.map_or("any".to_owned(), |n| n.to_string());
        let (name, registers) = (entry.name, registers.join(" | "));
        let _ = writeln!(out, "| `{name}` | {threads} | {registers} | {shared} | {spills} |");
    }
    out
}
