//! A `libcuda` and a `libcublasLt` whose device is the PTX interpreter: programs that drive a GPU run where there is none.
//!
//! For tests only. Put under both names into a folder of `LD_LIBRARY_PATH`, it is found as NVIDIA's libraries would be. It
//! has the functions that the CUDA backend calls and no others; a kernel that the interpreter finds wrong fails its launch
//! and says why on stderr.

// The functions are NVIDIA's, and so are their conditions.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, non_snake_case)]

mod cublaslt;
mod driver;
mod streams;

use panfoma_ptx_interpreter::Memory;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use streams::Streams;

/// The one device.
#[derive(Default)]
struct Device {
    memory: Memory,
    streams: Streams,
    /// Page-locked memory of the host: where, and how much. Copies read it when they happen.
    pinned: BTreeMap<usize, usize>,
}

impl Device {
    /// Asks for a copy from the host.
    fn push_copy(
        &mut self,
        stream: *mut c_void,
        task: impl FnOnce(&mut Memory) -> Result<(), c_int> + Send + 'static,
    ) -> Result<(), c_int> {
        self.streams.push_copy(&mut self.memory, stream.addr(), Box::new(task))
    }

    /// Asks for something else in a stream.
    fn push(
        &mut self,
        stream: *mut c_void,
        task: impl FnOnce(&mut Memory) -> Result<(), c_int> + Send + 'static,
    ) -> Result<(), c_int> {
        self.streams.push(&mut self.memory, stream.addr(), Box::new(task))
    }
}

/// A result as the libraries have it: 0, or an error.
fn code(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(0)
}

static DEVICE: LazyLock<Mutex<Device>> = LazyLock::new(Mutex::default);

fn device() -> MutexGuard<'static, Device> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}
