//! What is brought to a device while it computes something else.

use super::{Device, Result};

/// Ids on their way to a device. They can be used only by who awaits them.
pub struct Ahead<T, B: Device> {
    /// Goes before what arrives, which holds the device.
    arrival: B::Arrival,
    value: T,
}

impl<T, B: Device> Ahead<T, B> {
    /// What was brought through `b`, which [`Device::ahead`] gave.
    ///
    /// Errors: the device.
    pub fn new(b: &B, value: T) -> Result<Self> {
        Ok(Self { arrival: b.arrival()?, value })
    }

    /// What has arrived when `b` comes to what it is asked for next.
    ///
    /// Errors: the device.
    pub fn arrived(self, b: &B) -> Result<T> {
        b.await_arrival(&self.arrival)?;
        Ok(self.value)
    }
}
