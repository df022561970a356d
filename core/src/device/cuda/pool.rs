//! Blocks of device memory that are used again instead of being given back.
//!
//! A step allocates the same hundreds of blocks over and over, and the driver's allocator makes the GPU wait. Work happens
//! in the order it was asked for, so a block may be handed out again as soon as its last use has been asked for.
//!
//! Blocks that are filled ahead of the work, by the other queue, are a stock of their own: a copy into one waits for the work
//! that last read it, and for no other.

use super::driver::{Address, Driver, Queue};
use crate::device::{DeviceError, Result};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Reused blocks are a multiple of this, so that near-equal sizes share them.
const GRAIN: usize = 512;

/// Free blocks by size, those that were freed last in front.
struct Stock<T>(BTreeMap<usize, VecDeque<T>>);

impl<T> Stock<T> {
    fn put(&mut self, size: usize, block: T) {
        self.0.entry(size).or_default().push_front(block);
    }

    /// A free block with at most an eighth to spare: the one that was freed last, or the one that was freed first.
    fn take(&mut self, size: usize, is_last: bool) -> Option<(usize, T)> {
        let (&found, blocks) = self.0.range_mut(size..=size + size / 8).next()?;
        let block = if is_last { blocks.pop_front() } else { blocks.pop_back() }?;
        if blocks.is_empty() {
            self.0.remove(&found);
        }
        Some((found, block))
    }
}

/// A device with its free blocks.
pub(super) struct Shared<D: Driver> {
    /// Blocks that copies fill, and the last work on each; the marks go before the device.
    filled: Mutex<Stock<(Address, D::Mark)>>,
    free: Mutex<Stock<Address>>,
    pub driver: D,
}

/// A block in use; dropping it makes it free.
pub(crate) struct Block<D: Driver> {
    pub at: Address,
    size: usize,
    queue: Queue,
    shared: Arc<Shared<D>>,
}

fn lock<T>(stock: &Mutex<T>) -> MutexGuard<'_, T> {
    stock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Driver> Shared<D> {
    pub fn new(driver: D) -> Self {
        let (filled, free) = (Mutex::new(Stock(BTreeMap::new())), Mutex::new(Stock(BTreeMap::new())));
        Self { filled, free, driver }
    }

    /// A block of at least so many bytes that the queue fills first; its contents are anything.
    pub fn block(self: &Arc<Self>, queue: Queue, bytes: usize) -> Result<Block<D>> {
        let reuses = self.driver.reuses_memory();
        let size = if reuses { bytes.max(1).next_multiple_of(GRAIN) } else { bytes.max(1) };
        let (size, at) = match self.take(queue, size)? {
            Some(free) => free,
            None => match self.driver.allocate(size) {
                Err(DeviceError::OutOfMemory { .. }) if reuses => {
                    self.give_back()?;
                    (size, self.driver.allocate(size)?)
                }
                other => (size, other?),
            },
        };
        Ok(Block { at, size, queue, shared: self.clone() })
    }

    fn take(&self, queue: Queue, size: usize) -> Result<Option<(usize, Address)>> {
        if queue == Queue::Work {
            return Ok(lock(&self.free).take(size, true));
        }
        // The work on the block that was freed first is the likeliest to be done.
        let Some((size, (at, last_work))) = lock(&self.filled).take(size, false) else { return Ok(None) };
        self.driver.wait(Queue::Copies, &last_work)?;
        Ok(Some((size, at)))
    }

    /// Gives every free block back to the device.
    pub fn give_back(&self) -> Result<()> {
        self.driver.synchronize()?;
        let free = std::mem::take(&mut lock(&self.free).0).into_values().flatten();
        let filled = std::mem::take(&mut lock(&self.filled).0).into_values().flatten();
        for at in free.chain(filled.map(|(at, _)| at)) {
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
        let Self { at, size, queue, ref shared } = *self;
        if !shared.driver.reuses_memory() {
            // SAFETY: the block was allocated and its only holder goes away.
            unsafe { shared.driver.free(at) };
        } else if queue == Queue::Work {
            lock(&shared.free).put(size, at);
        } else if let Ok(last_work) = shared.driver.mark(Queue::Work) {
            // A device that fails here has failed for good.
            lock(&shared.filled).put(size, (at, last_work));
        }
    }
}
