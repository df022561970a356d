//! What the seven binaries share: flags, configuration files, logs, progress, signals, exit codes.

pub mod args;
pub mod config_file;
pub mod error;
pub mod interrupt;
pub mod logging;
mod memory;
pub mod progress;
mod status;
pub mod threads;

pub use args::{Common, Device};
pub use error::{Kind, UserError};
pub use interrupt::Interrupt;
pub use progress::Progress;

use clap::builder::Resettable;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser};
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// One stage of the workflow.
///
/// The implementing type is the stage's own flags. Its `Serialize` form is written into every artifact as the
/// resolved configuration, so fields that must not change the output's bytes (paths, verbosity) are `#[serde(skip)]`.
pub trait Stage: Args + Serialize {
    /// The binary's name, `panfoma-qc`.
    const NAME: &'static str;
    /// One line for `--help`.
    const ABOUT: &'static str;
    /// Commands with a comment each, printed at the end of `--help`.
    const EXAMPLES: &'static str;

    /// Does the work.
    fn run(self, context: &Context) -> anyhow::Result<()>;
}

/// What a stage gets besides its own flags.
pub struct Context {
    /// The stage's binary name.
    pub tool: &'static str,
    /// The commit this binary was built from.
    pub commit: &'static str,
    /// The resolved configuration for provenance: the stage's flags as JSON.
    pub config: serde_json::Value,
    /// Seed of every random choice.
    pub seed: u64,
    /// Size of the thread pool; must not change results.
    pub threads: usize,
    /// Where the model runs.
    pub device: Device,
    /// Check and print the plan, write nothing.
    pub dry_run: bool,
    /// Replace outputs that exist.
    pub force: bool,
    /// Must the stage stop?
    pub interrupt: Interrupt,
}

#[derive(Parser)]
struct CommandLine<S: Args> {
    #[command(flatten)]
    stage: S,
    #[command(flatten)]
    common: Common,
}

/// The body of every binary's `main`.
pub fn main<S: Stage>(commit: &'static str) -> ExitCode {
    memory::keep_freed();
    match parse::<S>(std::env::args_os().collect()) {
        Ok(Some(line)) => {
            let verbosity = if line.common.quiet { -1 } else { line.common.verbose as i8 };
            logging::install(line.common.log_format, verbosity);
            let started = std::time::Instant::now();
            let status = line.common.status.clone();
            let ended = run(line, commit);
            let seconds = started.elapsed().as_secs_f64();
            if let Some(path) = status
                && let Err(error) = status::write(&path, S::NAME, &ended, seconds)
            {
                // The run has ended as it has, whether this can be written or not.
                tracing::warn!("`{}` cannot be written: {error}", path.display());
            }
            match ended {
                Ok(()) => {
                    tracing::debug!(seconds, peak_mib = progress::peak_memory_mib(), "done");
                    ExitCode::SUCCESS
                }
                Err(error) => report(&error),
            }
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    let (code, hint) = error::classify(error);
    // A closed stderr must not turn an error into a panic.
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "error: {error:#}");
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    ExitCode::from(code)
}

fn command<S: Stage>() -> Command {
    CommandLine::<S>::command()
        .name(S::NAME)
        .bin_name(S::NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about(S::ABOUT)
        .after_help(format!("Examples:\n{}", S::EXAMPLES))
        .max_term_width(110)
}

/// The command line without what is required.
fn lenient<S: Stage>() -> Command {
    command::<S>().mut_args(|arg| arg.required(false).required_unless_present(Resettable::Reset))
}

/// Parses a command line with its configuration file; `None` after `--help` and the like were answered.
fn parse<S: Stage>(mut arguments: Vec<OsString>) -> anyhow::Result<Option<CommandLine<S>>> {
    // These two answer before anything is required.
    let asks = |flag: &str| arguments.iter().any(|argument| is_flag(argument, flag));
    if asks("--completions") || asks("--man") {
        return answer::<S>(&arguments);
    }
    if asks("--config") {
        // Required flags may stand in the file, so the first reading asks for none.
        let matches = match lenient::<S>().try_get_matches_from(&arguments) {
            Ok(matches) => matches,
            Err(error) => return exit_by_clap(&error),
        };
        if let Some(path) = matches.get_one::<std::path::PathBuf>("config") {
            arguments.extend(config_file::arguments(path, &command::<S>(), &matches)?);
        }
    }
    let matches = match command::<S>().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return exit_by_clap(&error),
    };
    CommandLine::from_arg_matches(&matches).map(Some).or_else(|error| exit_by_clap(&error))
}

/// `--flag` or `--flag=value`, and not `--flags`.
fn is_flag(argument: &OsStr, flag: &str) -> bool {
    let rest = argument.to_str().and_then(|argument| argument.strip_prefix(flag));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn answer<S: Stage>(arguments: &[OsString]) -> anyhow::Result<Option<CommandLine<S>>> {
    let matches = match lenient::<S>().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return exit_by_clap(&error),
    };
    let mut stdout = std::io::stdout().lock();
    if let Some(&shell) = matches.get_one::<clap_complete::Shell>("completions") {
        clap_complete::generate(shell, &mut command::<S>(), S::NAME, &mut stdout);
    } else {
        clap_mangen::Man::new(command::<S>()).render(&mut stdout)?;
    }
    Ok(None)
}

/// Prints what clap has to say; its errors become exit code 64 instead of clap's 2.
fn exit_by_clap<T>(error: &clap::Error) -> anyhow::Result<Option<T>> {
    if error.use_stderr() {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error:").trim().to_owned();
        return Err(UserError::usage(text).into());
    }
    // `--help | head` closes the pipe early; that is no failure.
    let _ = error.print();
    Ok(None)
}

fn run<S: Stage>(line: CommandLine<S>, commit: &'static str) -> anyhow::Result<()> {
    let threads = threads::count(line.common.threads.map(usize::from));
    threads::install(threads);
    let context = Context {
        tool: S::NAME,
        commit,
        config: serde_json::to_value(&line.stage)?,
        seed: line.common.seed,
        threads,
        device: line.common.device,
        dry_run: line.common.dry_run,
        force: line.common.force,
        interrupt: Interrupt::install()?,
    };
    line.stage.run(&context)
}

impl Context {
    /// Refuses to replace an existing output unless `--force` was given.
    pub fn refuse_existing(&self, output: &Path) -> Result<(), UserError> {
        if output.exists() && !self.force {
            return Err(UserError::usage(format!("the output `{}` exists", output.display()))
                .hint("pass `--force` to replace it"));
        }
        Ok(())
    }

    /// A context for tests and for use of a stage as a library.
    pub fn for_library(tool: &'static str, seed: u64) -> Self {
        Self {
            tool,
            commit: "library",
            config: serde_json::Value::Null,
            seed,
            threads: rayon::current_num_threads(),
            device: Device::Cpu,
            dry_run: false,
            force: false,
            interrupt: Interrupt::never(),
        }
    }
}
