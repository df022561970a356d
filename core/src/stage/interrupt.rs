//! Signals and the wall-clock budget, seen as one question a stage asks between steps: must I stop?

use super::error::{Kind, UserError};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Watches SIGTERM, SIGINT, SIGUSR1 and SIGUSR2, and a budget of time.
///
/// The first signal asks the stage to save and stop; a second SIGTERM or SIGINT ends the process at once.
#[derive(Clone)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
    deadline: Option<Instant>,
    questions: Option<Arc<AtomicUsize>>,
    agreement: Option<Agreement>,
}

/// Makes one answer of this process's own.
type Agreement = Arc<dyn Fn(Option<Kind>) -> Option<Kind> + Send + Sync>;

impl Interrupt {
    /// Installs the handlers.
    pub fn install() -> std::io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let armed = Arc::new(AtomicBool::new(false));
        for number in [SIGTERM, SIGINT] {
            // The shutdown must be registered before the flag that arms it, else the first signal kills.
            signal_hook::flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&armed))?;
            signal_hook::flag::register(number, Arc::clone(&armed))?;
        }
        for number in [SIGTERM, SIGINT, SIGUSR1, SIGUSR2] {
            signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        Ok(Self { signal, deadline: None, questions: None, agreement: None })
    }

    /// No signals, no budget: for tests and for use as a library.
    pub fn never() -> Self {
        Self { signal: Arc::new(AtomicUsize::new(0)), deadline: None, questions: None, agreement: None }
    }

    /// As if the walltime were reached when it is asked for the `n`-th time, from 1: stops a run at an exact place.
    pub fn at_question(n: usize) -> Self {
        Self { questions: Some(Arc::new(AtomicUsize::new(n))), ..Self::never() }
    }

    /// The same watch with a budget of wall-clock time from now on.
    #[must_use]
    pub fn with_budget(mut self, budget: Option<Duration>) -> Self {
        self.deadline = budget.map(|budget| Instant::now() + budget);
        self
    }

    /// The same watch, whose every answer `agreement` makes of this process's own: several processes that ask at the
    /// same places then get the same answers.
    #[must_use]
    pub fn agreed(self, agreement: impl Fn(Option<Kind>) -> Option<Kind> + Send + Sync + 'static) -> Self {
        Self { agreement: Some(Arc::new(agreement)), ..self }
    }

    /// As if this process had got a signal.
    pub fn ask(&self, signal: i32) {
        self.signal.store(signal as usize, Ordering::Relaxed);
    }

    /// Why to stop now, if there is a reason.
    pub fn reason(&self) -> Option<Kind> {
        match &self.agreement {
            Some(agreement) => agreement(self.own_reason()),
            None => self.own_reason(),
        }
    }

    fn own_reason(&self) -> Option<Kind> {
        if let Some(questions) = &self.questions {
            let left = questions.load(Ordering::Relaxed).saturating_sub(1);
            questions.store(left, Ordering::Relaxed);
            return (left == 0).then_some(Kind::Walltime);
        }
        match self.signal.load(Ordering::Relaxed) {
            0 if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => Some(Kind::Walltime),
            0 => None,
            signal => Some(Kind::Signal(signal as i32)),
        }
    }

    /// An error with the right exit code if the stage must stop; for loops that have no state to save.
    pub fn check(&self) -> Result<(), UserError> {
        match self.reason() {
            None => Ok(()),
            Some(kind) => Err(stopped(kind, "nothing was written")),
        }
    }
}

/// The error a stage ends with after it stopped for `kind`; `state` says what was saved.
pub fn stopped(kind: Kind, state: &str) -> UserError {
    let cause = match kind {
        Kind::Signal(signal) => format!("stopped by signal {signal}"),
        _ => "stopped: `--max-walltime` is reached".to_owned(),
    };
    UserError::new(kind, format!("{cause}; {state}"))
}
