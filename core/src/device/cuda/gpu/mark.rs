//! A place in a stream.

use cudarc::driver::result::{self, DriverError, event};
use cudarc::driver::sys;

/// A place in a stream of one device, which another stream can wait for.
pub struct Mark {
    event: sys::CUevent,
    context: sys::CUcontext,
}

// SAFETY: events may be used from any thread.
unsafe impl Send for Mark {}
// SAFETY: as above.
unsafe impl Sync for Mark {}

impl Mark {
    /// Behind everything in the stream.
    ///
    /// # Safety
    /// The stream belongs to the context, which is current and outlives the mark.
    pub unsafe fn new(context: sys::CUcontext, stream: sys::CUstream) -> Result<Self, DriverError> {
        let mark = Self { event: event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?, context };
        // SAFETY: the caller's promise.
        unsafe { event::record(mark.event, stream) }?;
        Ok(mark)
    }

    /// What a stream is asked from now on happens after it.
    ///
    /// # Safety
    /// The stream belongs to the context, which is current.
    pub unsafe fn hold(&self, stream: sys::CUstream) -> Result<(), DriverError> {
        let flags = sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT;
        // SAFETY: the caller's promise.
        unsafe { result::stream::wait_event(stream, self.event, flags) }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // SAFETY: the event was made by `new`; what fails now is of no use to anyone.
        unsafe {
            if result::ctx::set_current(self.context).is_ok() {
                let _ = event::destroy(self.event);
            }
        }
    }
}
