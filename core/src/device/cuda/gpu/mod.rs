//! A GPU, driven through cudarc's bindings of the driver and of cuBLASLt.
//!
//! The libraries are opened when a GPU is asked for, so the program starts without them. Each [`Queue`] is a stream.

mod mark;
mod open;
mod products;
mod staging;

use super::driver::{Address, Driver, Launch, Memory, Product, Queue};
use crate::device::{DeviceError, Result};
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;
use mark::Mark;
use products::Products;
use staging::Staging;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::sync::{Mutex, PoisonError};

/// Room for what the driver says of a module it cannot load.
const LOG_BYTES: usize = 16 << 10;

/// Dynamic shared memory a kernel may use without asking.
const PLAIN_SHARED: u32 = 48 << 10;

/// One device with its streams.
pub struct Gpu {
    name: String,
    device: sys::CUdevice,
    context: sys::CUcontext,
    work: sys::CUstream,
    copies: sys::CUstream,
    staging: Staging,
    products: Products,
    functions: Mutex<HashMap<&'static str, Function>>,
}

/// A kernel that is loaded.
#[derive(Clone, Copy)]
struct Function {
    handle: sys::CUfunction,
    /// The most dynamic shared memory it was allowed so far.
    shared: u32,
}

// SAFETY: the driver's handles may be used from any thread that has made the context current, which every method does;
// what is not a handle is behind a lock.
unsafe impl Send for Gpu {}
// SAFETY: as above.
unsafe impl Sync for Gpu {}

impl Gpu {
    /// The device with this index. Errors: why it cannot be used, for the person who asked for it.
    pub fn open(index: u32) -> std::result::Result<Self, String> {
        open::open(index)
    }

    /// Multiprocessors, and their clock in Hz.
    ///
    /// Errors: the driver does not say.
    pub fn processors(&self) -> Result<(u32, f64)> {
        let attribute = |attribute| {
            // SAFETY: the device was found when `self` was made.
            let found = unsafe { result::device::get_attribute(self.device, attribute) };
            found.map_err(|error| self.failed("its attributes", error))
        };
        let count = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let khz = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?;
        Ok((count as u32, 1e3 * f64::from(khz)))
    }

    fn stream(&self, queue: Queue) -> sys::CUstream {
        match queue {
            Queue::Work => self.work,
            Queue::Copies => self.copies,
        }
    }

    fn failed(&self, what: &str, error: DriverError) -> DeviceError {
        DeviceError::Failed { device: self.name.clone(), message: format!("{what}: {}", words(error)) }
    }

    fn bind(&self) -> Result<()> {
        // SAFETY: the context lives as long as `self`.
        unsafe { result::ctx::set_current(self.context) }.map_err(|error| self.failed("its context", error))
    }

    /// The kernel, loaded at its first use.
    fn function(&self, launch: &Launch<'_>) -> Result<Function> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut function = match functions.get(launch.kernel.name) {
            Some(function) => *function,
            None => self.load(launch.kernel.name, launch.kernel.module.ptx)?,
        };
        if launch.shared > function.shared {
            let attribute = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function belongs to a module that is never unloaded.
            unsafe {
                result::function::set_function_attribute(function.handle, attribute, launch.shared as i32)
            }
            .map_err(|error| self.failed(launch.kernel.name, error))?;
            function.shared = launch.shared;
        }
        functions.insert(launch.kernel.name, function);
        Ok(function)
    }

    fn load(&self, kernel: &str, ptx: &str) -> Result<Function> {
        let refuse = |message: String| DeviceError::Failed { device: self.name.clone(), message };
        let text = CString::new(ptx).map_err(|_| refuse(format!("`{kernel}` has a zero byte")))?;
        let mut log = vec![0u8; LOG_BYTES];
        let mut options = [
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        let mut values = [log.as_mut_ptr().cast::<c_void>(), std::ptr::without_provenance_mut(LOG_BYTES)];
        let mut module: sys::CUmodule = std::ptr::null_mut();
        // SAFETY: text is terminated, the log has LOG_BYTES bytes, and both outlive the call.
        let status = unsafe {
            sys::cuModuleLoadDataEx(
                &mut module,
                text.as_ptr().cast(),
                options.len() as u32,
                options.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        };
        status.result().map_err(|error| {
            let said = CStr::from_bytes_until_nul(&log).map_or("", |log| log.to_str().unwrap_or_default());
            refuse(format!("the driver does not take `{kernel}`: {}\n{}", words(error), said.trim()))
        })?;
        let name = CString::new(kernel).map_err(|_| refuse(format!("`{kernel}` has a zero byte")))?;
        // SAFETY: the module was just loaded; it is never unloaded.
        let handle = unsafe { result::module::get_function(module, name) }
            .map_err(|error| self.failed(kernel, error))?;
        let local = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES;
        // SAFETY: the function was just found.
        let local = unsafe { result::function::get_function_attribute(handle, local) }
            .map_err(|error| self.failed(kernel, error))?;
        if local != 0 {
            return Err(refuse(format!("`{kernel}` spills {local} bytes of registers a thread")));
        }
        Ok(Function { handle, shared: PLAIN_SHARED })
    }
}

/// The driver's name of an error and what it means.
fn words(error: DriverError) -> String {
    let text = |text: std::result::Result<&CStr, DriverError>| {
        text.map_or(String::new(), |text| text.to_string_lossy().into_owned())
    };
    format!("{} ({})", text(error.error_string()), text(error.error_name()))
}

impl Driver for Gpu {
    type Mark = Mark;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn memory(&self) -> Result<Memory> {
        self.bind()?;
        let (free, total) = result::mem_get_info().map_err(|error| self.failed("its memory", error))?;
        Ok(Memory { free, total })
    }

    fn reuses_memory(&self) -> bool {
        true
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        self.bind()?;
        // SAFETY: the block is written before it is read: see `Driver`.
        unsafe { result::malloc_sync(bytes) }.map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                DeviceError::OutOfMemory { device: self.name.clone(), bytes }
            }
            _ => self.failed("allocating", error),
        })
    }

    unsafe fn free(&self, at: Address) {
        if self.bind().is_ok() {
            // A device that failed has nothing left to free.
            // SAFETY: the caller's promise.
            let _ = unsafe { result::free_sync(at) };
        }
    }

    unsafe fn upload(&self, queue: Queue, to: Address, bytes: &[u8]) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise.
        unsafe { self.staging.upload(to, bytes, self.stream(queue)) }
            .map_err(|error| self.failed("uploading", error))
    }

    fn mark(&self, queue: Queue) -> Result<Mark> {
        self.bind()?;
        // SAFETY: the streams live as long as `self`, and the marks no longer: see `Driver`.
        unsafe { Mark::new(self.context, self.stream(queue)) }.map_err(|error| self.failed("an event", error))
    }

    fn wait(&self, queue: Queue, mark: &Mark) -> Result<()> {
        self.bind()?;
        // SAFETY: as above.
        unsafe { mark.hold(self.stream(queue)) }.map_err(|error| self.failed("an event", error))
    }

    unsafe fn download(&self, from: Address, bytes: &mut [u8]) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise; the bytes are not touched before the stream is idle.
        unsafe {
            result::memcpy_dtoh_async(bytes, from, self.work)
                .and_then(|()| result::stream::synchronize(self.work))
        }
        .map_err(|error| self.failed("downloading", error))
    }

    unsafe fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.work) }
            .map_err(|error| self.failed("copying", error))
    }

    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise.
        unsafe { result::memset_d8_async(at, 0, bytes, self.work) }
            .map_err(|error| self.failed("zeroing", error))
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        self.bind()?;
        let function = self.function(&launch)?;
        let mut bytes = launch.arguments.len();
        // The parameters as one block of memory instead of a pointer each: 1 = the block, 2 = its size, 0 = the end.
        let mut extra: [*mut c_void; 5] = [
            std::ptr::without_provenance_mut(1),
            launch.arguments.as_ptr().cast_mut().cast(),
            std::ptr::without_provenance_mut(2),
            (&raw mut bytes).cast(),
            std::ptr::null_mut(),
        ];
        let [gx, gy, gz] = launch.grid;
        // SAFETY: the caller's promise; the driver copies the parameters before it returns.
        unsafe {
            sys::cuLaunchKernel(
                function.handle,
                gx,
                gy,
                gz,
                launch.threads(),
                1,
                1,
                launch.shared,
                self.work,
                std::ptr::null_mut(),
                extra.as_mut_ptr(),
            )
        }
        .result()
        .map_err(|error| self.failed(launch.kernel.name, error))
    }

    unsafe fn multiply(&self, product: Product) -> Result<()> {
        self.bind()?;
        // SAFETY: the caller's promise.
        unsafe { self.products.multiply(&product, self.work) }
            .map_err(|message| DeviceError::Failed { device: self.name.clone(), message })
    }

    fn synchronize(&self) -> Result<()> {
        self.bind()?;
        [self.copies, self.work].into_iter().try_for_each(|stream| {
            // SAFETY: the streams live as long as `self`.
            unsafe { result::stream::synchronize(stream) }.map_err(|error| self.failed("running", error))
        })
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        if self.bind().is_err() {
            return;
        }
        // What fails while going away is of no use to anyone.
        let _ = self.synchronize();
        self.products.release();
        self.staging.release();
        // SAFETY: nothing uses the streams or the context any more.
        unsafe {
            for stream in [self.work, self.copies] {
                let _ = result::stream::destroy(stream);
            }
            let _ = result::primary_ctx::release(self.device);
        }
    }
}
