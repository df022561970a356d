//! Panics of the HDF5 decoder, turned into errors: a damaged file must end with a message, whatever it breaks.

use crate::matrix::Rows;
use crate::matrix::counts::Counts;
use crate::stage::UserError;
use anyhow::Result;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;

thread_local! {
    /// Is this thread within [`guard`]?
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, which reads the file at `path`.
///
/// Errors: those of `work`; 65 if it panics.
pub(super) fn guard<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    quieten_decoder();
    let outer = GUARDED.replace(true);
    // A file that made the decoder panic is not read on: what is left behind is never looked at.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(UserError::bad_data(format!("`{}`: cannot be decoded as HDF5: {reason}", path.display()))
            .hint("the file is damaged or cut short: fetch it again and compare its checksum")
            .into())
    })
}

/// The message of a panic within the decoder reaches the user as an error; its backtrace would only frighten.
fn quieten_decoder() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            // The decoder also works on threads of its own.
            let file = info.location().map_or("", |location| location.file());
            if GUARDED.get() || file.contains("hdf5-reader-") {
                tracing::debug!("the HDF5 decoder failed: {info}");
            } else {
                usual(info);
            }
        }));
    });
}

/// Counts of an HDF5 file, read under [`guard`].
pub(super) struct Guarded {
    path: PathBuf,
    counts: Box<dyn Counts>,
}

impl Guarded {
    /// Guards every reading of `counts`.
    pub fn boxed(path: &Path, counts: Box<dyn Counts>) -> Box<dyn Counts> {
        Box::new(Self { path: path.to_owned(), counts })
    }
}

impl Counts for Guarded {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        guard(&self.path, || self.counts.read(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::error::classify;

    #[test]
    fn a_panic_is_bad_data_that_names_the_file() {
        let error =
            guard(Path::new("a.h5ad"), || -> Result<()> { panic!("index out of bounds") }).unwrap_err();
        assert_eq!(classify(&error).0, 65);
        assert!(error.to_string().contains("`a.h5ad`: cannot be decoded as HDF5: index out of bounds"));
    }
}
