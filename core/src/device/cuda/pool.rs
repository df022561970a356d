//! Blocks of device memory that are used again instead of being given back.
//!
//! A step allocates the same hundreds of blocks over and over, and the driver's allocator makes the GPU wait. Work happens
//! in the order it was asked for, so a block may be handed out again as soon as its last use has been asked for.

use super::driver::{Address, Driver};
use crate::device::{DeviceError, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Reused blocks are a multiple of this, so that near-equal sizes share them.
const GRAIN: usize = 512;

/// A device with its free blocks, by size.
pub(super) struct Shared<D: Driver> {
    pub driver: D,
    free: Mutex<BTreeMap<usize, Vec<Address>>>,
}

/// A block in use; dropping it makes it free.
pub(crate) struct Block<D: Driver> {
    pub at: Address,
    size: usize,
    shared: Arc<Shared<D>>,
}

impl<D: Driver> Shared<D> {
    pub fn new(driver: D) -> Self {
        Self { driver, free: Mutex::new(BTreeMap::new()) }
    }

    /// A block of at least so many bytes; its contents are anything.
    pub fn block(self: &Arc<Self>, bytes: usize) -> Result<Block<D>> {
        let reuses = self.driver.reuses_memory();
        let size = if reuses { bytes.max(1).next_multiple_of(GRAIN) } else { bytes.max(1) };
        let at = match self.take(size) {
            Some(free) => return Ok(Block { at: free.1, size: free.0, shared: self.clone() }),
            None => match self.driver.allocate(size) {
                Err(DeviceError::OutOfMemory { .. }) if reuses => {
                    self.give_back()?;
                    self.driver.allocate(size)?
                }
                other => other?,
            },
        };
        Ok(Block { at, size, shared: self.clone() })
    }

    /// A free block with at most an eighth to spare.
    fn take(&self, size: usize) -> Option<(usize, Address)> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (&found, stack) = free.range_mut(size..=size + size / 8).next()?;
        let at = stack.pop()?;
        if stack.is_empty() {
            free.remove(&found);
        }
        Some((found, at))
    }

    /// Gives every free block back to the device.
    pub fn give_back(&self) -> Result<()> {
        self.driver.synchronize()?;
        let free = std::mem::take(&mut *self.free.lock().unwrap_or_else(PoisonError::into_inner));
        for at in free.into_values().flatten() {
            // SAFETY: the block was allocated, no `Block` holds it, and all work on it has happened.
            unsafe { self.driver.free(at) };
        }
        Ok(())
    }
}

impl<D: Driver> Drop for Shared<D> {
    fn drop(&mut self) {
        // A device that failed has nothing left to give back.
        let _ = self.give_back();
    }
}

impl<D: Driver> Drop for Block<D> {
    fn drop(&mut self) {
        if self.shared.driver.reuses_memory() {
            let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
            free.entry(self.size).or_default().push(self.at);
        } else {
            // SAFETY: the block was allocated and its only holder goes away.
            unsafe { self.shared.driver.free(self.at) };
        }
    }
}
