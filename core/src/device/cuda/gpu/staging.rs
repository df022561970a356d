//! Page-locked memory that the host's bytes go through on their way to the device.
//!
//! The driver copies from ordinary memory only when everything before has happened, and the GPU then waits for the host. From
//! page-locked memory it copies beside whatever else it does.

use crate::device::cuda::driver::Address;
use cudarc::driver::result::{self, DriverError, event};
use cudarc::driver::sys;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Bytes of a piece, and most pieces: a host that is further ahead waits for the oldest copy.
const PIECE: usize = 1 << 20;
const MOST: usize = 64;

/// Pieces, the one that was used longest ago first.
#[derive(Default)]
pub struct Staging {
    pieces: Mutex<VecDeque<Piece>>,
}

/// A piece, and when the copy from it has happened.
struct Piece {
    at: *mut u8,
    copied: sys::CUevent,
}

impl Staging {
    /// Copies bytes to the device, in a stream's order; they may be dropped when this returns.
    ///
    /// # Safety
    /// The device has room for them at `to`, and the stream belongs to the current context.
    pub unsafe fn upload(&self, to: Address, bytes: &[u8], stream: sys::CUstream) -> Result<(), DriverError> {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        for (i, part) in bytes.chunks(PIECE).enumerate() {
            let piece = Self::free(&mut pieces)?;
            // SAFETY: the last copy from the piece has happened, it is as long as a part, and it stays until `release`.
            unsafe {
                piece.at.copy_from_nonoverlapping(part.as_ptr(), part.len());
                let from = std::slice::from_raw_parts(piece.at, part.len());
                result::memcpy_htod_async(to + (i * PIECE) as u64, from, stream)?;
                event::record(piece.copied, stream)?;
            }
            pieces.push_back(piece);
        }
        Ok(())
    }

    /// A piece that no copy reads any more.
    fn free(pieces: &mut VecDeque<Piece>) -> Result<Piece, DriverError> {
        // SAFETY: events live until `release`.
        let has_free = pieces.front().is_some_and(|piece| unsafe { event::query(piece.copied) }.is_ok());
        if !has_free && pieces.len() < MOST {
            // SAFETY: nothing but `release` gives the memory back.
            let at = unsafe { result::malloc_host(PIECE, 0) }?.cast();
            let copied = event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
            return Ok(Piece { at, copied });
        }
        let piece = pieces.pop_front().expect("there are as many as there may be");
        // SAFETY: as above.
        unsafe { event::synchronize(piece.copied) }?;
        Ok(piece)
    }

    /// Gives everything back; the context is current and no copy is under way.
    pub fn release(&mut self) {
        for piece in self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // SAFETY: both were made by `free`; what fails now is of no use to anyone.
            unsafe {
                let _ = result::free_host(piece.at.cast());
                let _ = event::destroy(piece.copied);
            }
        }
    }
}
