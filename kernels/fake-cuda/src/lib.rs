//! A `libcuda` and a `libcublasLt` whose device is the PTX interpreter: programs that drive a GPU run where there is none.
//!
//! For tests only. Put under both names into a folder of `LD_LIBRARY_PATH`, it is found as NVIDIA's libraries would be. It
//! has the functions that the CUDA backend calls and no others; a kernel that the interpreter finds wrong fails its launch
//! and says why on stderr.

// The functions are NVIDIA's, and so are their conditions.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, non_snake_case)]

mod cublaslt;
mod driver;

use panfoma_ptx_interpreter::Memory;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The one device.
#[derive(Default)]
struct Device {
    memory: Memory,
}

static DEVICE: LazyLock<Mutex<Device>> = LazyLock::new(Mutex::default);

fn device() -> MutexGuard<'static, Device> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}
