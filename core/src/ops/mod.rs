//! Operations on tensors: one folder an operation, with its equations, and its loops for each backend.

use crate::device::Device;

/// Everything the model needs of a device.
pub trait Backend: Device {}
impl<B: Device> Backend for B {}
