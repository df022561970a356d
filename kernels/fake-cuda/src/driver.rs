//! The driver's functions.

use crate::{Device, code, device};
use panfoma_ptx_interpreter::{Launch, Module, Options, launch_raw};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::slice;

const SUCCESS: c_int = 0;
const INVALID_VALUE: c_int = 1;
const INVALID_DEVICE: c_int = 101;
const INVALID_PTX: c_int = 218;
const NOT_FOUND: c_int = 500;
const NOT_READY: c_int = 600;
const LAUNCH_FAILED: c_int = 719;

/// Attributes of a device that are asked for.
const MULTIPROCESSORS: c_int = 16;
const CLOCK_RATE: c_int = 13;
const CAPABILITY_MAJOR: c_int = 75;
const CAPABILITY_MINOR: c_int = 76;

/// Options of a module's loading.
const ERROR_LOG: c_int = 5;
const ERROR_LOG_BYTES: c_int = 6;

const NAME: &CStr = c"PTX interpreter";

/// A kernel, as a handle: its module lives as long as the process.
struct Function {
    module: &'static Module,
    name: String,
}

#[unsafe(no_mangle)]
pub extern "C" fn cuInit(_flags: c_uint) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> c_int {
    unsafe { *version = 13000 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> c_int {
    unsafe { *count = 1 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGet(found: *mut c_int, ordinal: c_int) -> c_int {
    if ordinal != 0 {
        return INVALID_DEVICE;
    }
    unsafe { *found = 0 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, len: c_int, _device: c_int) -> c_int {
    let bytes = NAME.to_bytes_with_nul();
    if bytes.len() > len as usize {
        return INVALID_VALUE;
    }
    unsafe { name.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len()) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, _device: c_int) -> c_int {
    let found = match attribute {
        MULTIPROCESSORS => 1,
        CLOCK_RATE => 1_000_000,
        CAPABILITY_MAJOR => 8,
        CAPABILITY_MINOR => 0,
        _ => return INVALID_VALUE,
    };
    unsafe { *value = found };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut *mut c_void, _device: c_int) -> c_int {
    unsafe { *context = std::ptr::without_provenance_mut(1) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDevicePrimaryCtxRelease_v2(_device: c_int) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetCurrent(_context: *mut c_void) -> c_int {
    SUCCESS
}

fn handle(number: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(number)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreate(stream: *mut *mut c_void, _flags: c_uint) -> c_int {
    unsafe { *stream = handle(device().streams.stream()) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamDestroy_v2(stream: *mut c_void) -> c_int {
    cuStreamSynchronize(stream)
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamSynchronize(stream: *mut c_void) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    code(streams.finish(memory, stream.addr()))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuStreamWaitEvent(stream: *mut c_void, event: *mut c_void, _flags: c_uint) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    code(streams.wait(memory, stream.addr(), event.addr()))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventCreate(event: *mut *mut c_void, _flags: c_uint) -> c_int {
    unsafe { *event = handle(device().streams.event()) };
    SUCCESS
}

/// What waits for it goes on waiting.
#[unsafe(no_mangle)]
pub extern "C" fn cuEventDestroy_v2(_event: *mut c_void) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventRecord(event: *mut c_void, stream: *mut c_void) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    code(streams.record(memory, event.addr(), stream.addr()))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventQuery(event: *mut c_void) -> c_int {
    let streams = &device().streams;
    code(streams.status().and(if streams.has_happened(event.addr()) { Ok(()) } else { Err(NOT_READY) }))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuEventSynchronize(event: *mut c_void) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    code(streams.await_event(memory, event.addr()))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> c_int {
    unsafe { (*free, *total) = (1 << 30, 1 << 30) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAlloc_v2(at: *mut u64, bytes: usize) -> c_int {
    unsafe { *at = device().memory.alloc(bytes) };
    SUCCESS
}

/// Waits for the whole device, as the driver's does.
#[unsafe(no_mangle)]
pub extern "C" fn cuMemFree_v2(at: u64) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    let finished = streams.finish_all(memory);
    memory.free(at);
    code(finished)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemHostAlloc(at: *mut *mut c_void, bytes: usize, _flags: c_uint) -> c_int {
    let block = Box::leak(vec![0u8; bytes].into_boxed_slice()).as_mut_ptr();
    device().pinned.insert(block.addr(), bytes);
    unsafe { *at = block.cast() };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemFreeHost(at: *mut c_void) -> c_int {
    let Device { memory, streams, pinned } = &mut *device();
    let Some(bytes) = pinned.remove(&at.addr()) else { return INVALID_VALUE };
    let finished = streams.finish_all(memory);
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at.cast::<u8>(), bytes)) });
    code(finished)
}

/// Bytes of the host that are read later.
struct Pinned(*const u8);

// SAFETY: whoever asked for the copy keeps them until it has happened.
unsafe impl Send for Pinned {}

impl Pinned {
    unsafe fn read(&self, bytes: usize) -> &[u8] {
        unsafe { slice::from_raw_parts(self.0, bytes) }
    }
}

/// Page-locked memory is read when the copy happens, other memory now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    bytes: usize,
    stream: *mut c_void,
) -> c_int {
    if bytes == 0 {
        return SUCCESS;
    }
    let mut device = device();
    let block = device.pinned.range(..=from.addr()).next_back();
    if block.is_some_and(|(start, len)| from.addr() + bytes <= start + len) {
        let from = Pinned(from.cast());
        return code(device.push_copy(stream, move |memory| {
            memory.write(to, unsafe { from.read(bytes) });
            Ok(())
        }));
    }
    let staged = unsafe { slice::from_raw_parts(from.cast::<u8>(), bytes) }.to_vec();
    code(device.push_copy(stream, move |memory| {
        memory.write(to, &staged);
        Ok(())
    }))
}

/// Returns when the bytes are there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: u64,
    bytes: usize,
    stream: *mut c_void,
) -> c_int {
    let Device { memory, streams, .. } = &mut *device();
    let finished = streams.finish(memory, stream.addr());
    if bytes > 0 && finished.is_ok() {
        memory.read(from, unsafe { slice::from_raw_parts_mut(to.cast(), bytes) });
    }
    code(finished)
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: *mut c_void) -> c_int {
    code(device().push(stream, move |memory| {
        let copied = memory.read_bytes(from, bytes);
        memory.write(to, &copied);
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemsetD8Async(at: u64, byte: u8, n: usize, stream: *mut c_void) -> c_int {
    code(device().push(stream, move |memory| {
        memory.fill(at, byte, n);
        Ok(())
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoadDataEx(
    module: *mut *mut c_void,
    image: *const c_void,
    n_options: c_uint,
    options: *const c_int,
    values: *const *mut c_void,
) -> c_int {
    let text = unsafe { CStr::from_ptr(image.cast()) }.to_string_lossy();
    match Module::parse(&text) {
        Ok(parsed) => {
            unsafe { *module = Box::into_raw(Box::new(parsed)).cast() };
            SUCCESS
        }
        Err(error) => {
            let asked = |option: c_int| {
                let place = (0..n_options as usize).find(|&i| unsafe { *options.add(i) } == option);
                place.map(|i| unsafe { *values.add(i) })
            };
            if let (Some(log), Some(room)) = (asked(ERROR_LOG), asked(ERROR_LOG_BYTES)) {
                let said = error.to_string();
                let n = said.len().min(room.addr().saturating_sub(1));
                unsafe { log.cast::<u8>().copy_from_nonoverlapping(said.as_ptr(), n) };
            }
            INVALID_PTX
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleGetFunction(
    function: *mut *mut c_void,
    module: *mut c_void,
    name: *const c_char,
) -> c_int {
    let module: &'static Module = unsafe { &*module.cast() };
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    if module.entry(&name).is_none() {
        return NOT_FOUND;
    }
    unsafe { *function = Box::into_raw(Box::new(Function { module, name })).cast() };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuFuncGetAttribute(
    value: *mut c_int,
    _attribute: c_int,
    _function: *mut c_void,
) -> c_int {
    unsafe { *value = 0 };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cuFuncSetAttribute(_function: *mut c_void, _attribute: c_int, _value: c_int) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuLaunchKernel(
    function: *mut c_void,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared: c_uint,
    stream: *mut c_void,
    _parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> c_int {
    let function: &'static Function = unsafe { &*function.cast() };
    // 1 = the block of parameters, 2 = its size.
    let arguments = unsafe {
        if extra.is_null() || (*extra).addr() != 1 || (*extra.add(2)).addr() != 2 {
            return INVALID_VALUE;
        }
        slice::from_raw_parts((*extra.add(1)).cast::<u8>(), *(*extra.add(3)).cast::<usize>()).to_vec()
    };
    let shape =
        Launch { grid: [grid_x, grid_y, grid_z], block: [block_x, block_y, block_z], dynamic_shared: shared };
    let kernel = function.module.entry(&function.name).expect("found when the handle was made");
    let options = Options { count_memory: false, ..Options::default() };
    code(device().push(stream, move |memory| {
        launch_raw(memory, kernel, &shape, &arguments, &options).map(|_| ()).map_err(|finding| {
            eprintln!("{finding}");
            LAUNCH_FAILED
        })
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorName(error: c_int, name: *mut *const c_char) -> c_int {
    let found = match error {
        INVALID_PTX => c"CUDA_ERROR_INVALID_PTX",
        LAUNCH_FAILED => c"CUDA_ERROR_LAUNCH_FAILED",
        _ => c"CUDA_ERROR",
    };
    unsafe { *name = found.as_ptr() };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorString(_error: c_int, text: *mut *const c_char) -> c_int {
    unsafe { *text = c"see stderr".as_ptr() };
    SUCCESS
}
