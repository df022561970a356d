//! Micro-batches that are on the device before it comes to them.

use super::ModelError;
use crate::device::Ahead;
use crate::ops::Backend;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Micro-batches that were brought to the device ahead, by their first cell; or none.
pub struct Brought<T, B: Backend>(Mutex<BTreeMap<usize, Ahead<T, B>>>);

impl<T, B: Backend> Default for Brought<T, B> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T, B: Backend> Brought<T, B> {
    /// Brings every micro-batch through `ahead`, which [`crate::device::Device::ahead`] gave.
    ///
    /// Errors: those of `bring`, and the device's.
    pub fn new(
        ahead: &B,
        n_cells: usize,
        micro_batch: usize,
        bring: impl Fn(Range<usize>) -> Result<T, ModelError>,
    ) -> Result<Self, ModelError> {
        let each =
            ranges(n_cells, micro_batch).map(|cells| Ok((cells.start, Ahead::new(ahead, bring(cells)?)?)));
        Ok(Self(Mutex::new(each.collect::<Result<_, ModelError>>()?)))
    }

    /// The micro-batch that was brought, or else one that is brought now.
    pub(super) fn take(
        &self,
        b: &B,
        cells: Range<usize>,
        bring: impl Fn(Range<usize>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let brought = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cells.start);
        match brought {
            Some(ahead) => Ok(ahead.arrived(b)?),
            None => bring(cells),
        }
    }
}

/// The cells of each micro-batch.
pub(super) fn ranges(n_cells: usize, micro_batch: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_cells).step_by(micro_batch).map(move |from| from..(from + micro_batch).min(n_cells))
}
