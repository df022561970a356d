//! Batches on their way to the device: brought by another thread, while the device computes those before.

use crate::model::lanes::Lanes;
use crate::model::{Brought, CellBatch, Hidden, ModelConfig, ModelError, PretrainBatch, Tokens};
use crate::ops::Backend;
use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// A batch, and what of it is on the device already. A batch alone becomes one that is not: it is brought when it is used.
pub struct Staged<T> {
    /// The batch.
    pub batch: T,
    /// A `Brought` of the device's; the first use takes it.
    brought: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<T> From<T> for Staged<T> {
    fn from(batch: T) -> Self {
        Self { batch, brought: Mutex::new(None) }
    }
}

impl<T> Staged<T> {
    /// What was brought to this kind of device, if anything was.
    pub(super) fn brought<P: Send + 'static, B: Backend>(&self) -> Brought<P, B> {
        let brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner).take();
        brought.and_then(|brought| brought.downcast().ok()).map(|brought| *brought).unwrap_or_default()
    }
}

/// Brings batches to a device, from any thread.
pub trait Stager: Send + Sync {
    /// Cells to embed, or with `trains` to learn from.
    ///
    /// Errors: a batch that does not fit the configuration, or the device; here and below.
    fn cells(&self, cells: CellBatch, trains: bool) -> Result<Staged<CellBatch>, ModelError>;

    /// Cells with hidden values to learn from.
    fn hidden(&self, batch: PretrainBatch) -> Result<Staged<PretrainBatch>, ModelError>;
}

/// Brings batches to a backend; to the host's there is nothing to bring.
pub(super) struct Bringer<B: Backend> {
    config: ModelConfig,
    /// The backend and the cells of a call.
    to: Option<(B, usize)>,
}

impl<B: Backend> Bringer<B> {
    pub fn new(b: &B, config: &ModelConfig, lanes: &Lanes<B>) -> Self {
        Self { config: config.clone(), to: b.ahead().zip(lanes.in_order()) }
    }

    fn staged<T, P: Send + 'static>(
        &self,
        batch: T,
        n_cells: usize,
        bring: impl Fn(&B, &T, std::ops::Range<usize>) -> Result<P, ModelError>,
    ) -> Result<Staged<T>, ModelError> {
        let Some((ahead, cells)) = &self.to else { return Ok(batch.into()) };
        let brought = Brought::new(ahead, n_cells, *cells, |range| bring(ahead, &batch, range))?;
        Ok(Staged { batch, brought: Mutex::new(Some(Box::new(brought))) })
    }
}

impl<B: Backend> Stager for Bringer<B> {
    fn cells(&self, cells: CellBatch, trains: bool) -> Result<Staged<CellBatch>, ModelError> {
        let n_cells = cells.n_cells;
        self.staged(cells, n_cells, |b, cells, range| {
            Tokens::new(&self.config, b, &cells.slice(range), trains)
        })
    }

    fn hidden(&self, batch: PretrainBatch) -> Result<Staged<PretrainBatch>, ModelError> {
        let n_cells = batch.cells.n_cells;
        self.staged(batch, n_cells, |b, batch, range| Hidden::new(&self.config, b, &batch.slice(range), true))
    }
}
