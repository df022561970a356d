//! What a user did or met, and the exit code it ends with.
//!
//! The codes follow sysexits, chosen so that nf-core's retry rule (130 to 145) retries only what a retry can mend.

use std::path::Path;

/// The class of a failure; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64: the command line is wrong.
    Usage,
    /// 65: an input holds what it must not.
    BadData,
    /// 66: an input does not exist or cannot be opened.
    InputMissing,
    /// 69: the device asked for is not there.
    DeviceUnavailable,
    /// 74: reading or writing failed.
    Io,
    /// 78: a configuration cannot work.
    Config,
    /// 128 + signal: stopped by a signal after the state was saved.
    Signal(i32),
    /// 140: `--max-walltime` was reached and the state saved.
    Walltime,
}

impl Kind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 64,
            Kind::BadData => 65,
            Kind::InputMissing => 66,
            Kind::DeviceUnavailable => 69,
            Kind::Io => 74,
            Kind::Config => 78,
            Kind::Signal(signal) => 128u8.wrapping_add(signal as u8),
            Kind::Walltime => 140,
        }
    }
}

/// An error for the person at the terminal: what, where, found against expected; then a separate hint.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UserError {
    /// Decides the exit code.
    pub kind: Kind,
    /// One sentence in lower case without a final period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl UserError {
    /// An error without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// 64: the command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// 65: an input holds what it must not.
    pub fn bad_data(message: impl Into<String>) -> Self {
        Self::new(Kind::BadData, message)
    }

    /// 66: an input does not exist.
    pub fn missing(path: &Path) -> Self {
        Self::new(Kind::InputMissing, format!("`{}` does not exist", path.display()))
    }

    /// 78: a configuration cannot work.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// The same error with a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The exit code and the hint of any error: the innermost `UserError` decides, else an I/O error, else 1.
pub fn classify(error: &anyhow::Error) -> (u8, Option<&str>) {
    if let Some(user) = error.chain().find_map(|cause| cause.downcast_ref::<UserError>()) {
        return (user.kind.exit_code(), user.hint.as_deref());
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(io) if io.kind() == std::io::ErrorKind::NotFound => (Kind::InputMissing.exit_code(), None),
        Some(_) => (Kind::Io.exit_code(), None),
        None => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_user_error_keeps_its_code_and_hint_under_context() {
        let error = anyhow::Error::new(UserError::bad_data("X is not raw").hint("pass `--layer counts`"))
            .context("reading cells.h5ad");
        assert_eq!(classify(&error), (65, Some("pass `--layer counts`")));
    }

    #[test]
    fn a_missing_file_is_66_and_other_io_is_74() {
        let missing = std::fs::read("no/such/file").context("opening").unwrap_err();
        assert_eq!(classify(&missing).0, 66);
        let broken = anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(classify(&broken).0, 74);
    }

    #[test]
    fn signals_map_to_128_plus_their_number() {
        assert_eq!(Kind::Signal(15).exit_code(), 143);
        assert_eq!(Kind::Walltime.exit_code(), 140);
    }
}
