//! Finding a GPU, and saying why there is none.

use super::products::Products;
use super::staging::Staging;
use super::{Gpu, words};
use cudarc::driver::{result, sys};
use std::collections::HashMap;
use std::sync::Mutex;

/// The oldest driver, as the CUDA version it supports times 1000.
const OLDEST_DRIVER: i32 = 12_000;
/// The kernels' target: sm_80.
const OLDEST_DEVICE: i32 = 8;

pub fn open(index: u32) -> Result<Gpu, String> {
    // SAFETY: opening the library runs its initialisers, as any program linked with it would.
    if !unsafe { sys::is_culib_present() } {
        return Err("this machine has no NVIDIA driver (libcuda is not found)".into());
    }
    result::init().map_err(|error| match error.0 {
        sys::CUresult::CUDA_ERROR_NO_DEVICE => "the NVIDIA driver finds no device".to_owned(),
        _ => format!("the NVIDIA driver does not start: {}", words(error)),
    })?;
    let mut version = 0;
    // SAFETY: `version` outlives the call.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(words)?;
    if version < OLDEST_DRIVER {
        let name = |version: i32| format!("{}.{}", version / 1000, version % 1000 / 10);
        return Err(format!(
            "the NVIDIA driver is too old: it supports CUDA {}, {} is needed",
            name(version),
            name(OLDEST_DRIVER)
        ));
    }
    let count = result::device::get_count().map_err(words)?;
    let ordinal = i32::try_from(index).ok().filter(|&ordinal| ordinal < count);
    let Some(ordinal) = ordinal else {
        return Err(format!("the NVIDIA driver finds {count} devices, numbered from 0"));
    };
    let device = result::device::get(ordinal).map_err(words)?;
    let name = result::device::get_name(device).map_err(words)?;
    let attribute = |attribute| {
        // SAFETY: the device was just found.
        unsafe { result::device::get_attribute(device, attribute) }.map_err(words)
    };
    let major = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    if major < OLDEST_DEVICE {
        return Err(format!(
            "{name} has compute capability {major}.{minor}, {OLDEST_DEVICE}.0 (A100, RTX 30) is needed"
        ));
    }
    // SAFETY: as above.
    if !unsafe { cudarc::cublaslt::sys::is_culib_present() } {
        return Err(
            "libcublasLt is not found: install the CUDA libraries, or add their folder to LD_LIBRARY_PATH"
                .into(),
        );
    }
    // SAFETY: the device was just found; the context is made current on this thread, then used by it.
    unsafe {
        let context = result::primary_ctx::retain(device).map_err(words)?;
        result::ctx::set_current(context).map_err(words)?;
        let stream = || result::stream::create(result::stream::StreamKind::NonBlocking).map_err(words);
        let (work, copies) = (stream()?, stream()?);
        let (products, functions) = (Products::new(major)?, Mutex::new(HashMap::new()));
        Ok(Gpu { name, device, context, work, copies, staging: Staging::default(), products, functions })
    }
}
