//! Buffers that are used again instead of being returned to the system.
//!
//! A step allocates the same hundreds of buffers over and over; fresh pages cost more than the arithmetic of a
//! small layer. Every thread keeps its own, so nothing is shared and nothing locks.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use super::Real;

/// Free buffers of one thread by capacity. It holds at most what was in use at once.
pub struct Pool<T> {
    free: BTreeMap<usize, Vec<Vec<T>>>,
}

impl<T> Pool<T> {
    pub const fn new() -> Self {
        Self { free: BTreeMap::new() }
    }

    /// A free buffer that fits with at most a quarter to spare.
    fn take(&mut self, len: usize) -> Option<Vec<T>> {
        let (&capacity, stack) = self.free.range_mut(len..=len + len / 4).next()?;
        let buffer = stack.pop();
        if stack.is_empty() {
            self.free.remove(&capacity);
        }
        buffer
    }

    fn put(&mut self, buffer: Vec<T>) {
        self.free.entry(buffer.capacity()).or_default().push(buffer);
    }
}

/// Storage of a CPU tensor: a vector that goes back to its thread's pool when dropped.
pub struct Buffer<T: Real>(Vec<T>);

impl<T: Real> Buffer<T> {
    /// A buffer whose values are whatever was there before: the caller writes every one.
    pub fn stale(len: usize) -> Self {
        let mut buffer =
            T::with_pool(|pool| pool.take(len)).flatten().unwrap_or_else(|| Vec::with_capacity(len));
        buffer.resize(len, T::ZERO);
        if cfg!(test) {
            // A read before the first write shows as NaN.
            buffer.fill(T::from_f64(f64::NAN));
        }
        Self(buffer)
    }

    /// A buffer of zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(T::ZERO);
        buffer
    }

    /// A copy of some numbers.
    pub fn copy_of(values: &[T]) -> Self {
        let mut buffer = Self::stale(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // At thread exit the pool may be gone already; then the buffer is simply freed.
        T::with_pool(|pool| pool.put(buffer));
    }
}

impl<T: Real> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Real> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}
