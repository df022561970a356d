//! Whether a launch fits its kernel.

use crate::finding::{Finding, Kind};
use crate::launch::{Arg, Launch, nowhere};
use crate::memory::Memory;
use crate::parse::{Kernel, ThreadLimit};

/// Shared memory a block may have on every device from sm_80 on that data centres use, in bytes.
const MAX_SHARED: u32 = 163 * 1024;

/// Refuses a launch that a device would refuse, or that breaks a promise of the entry.
pub(crate) fn check(kernel: &Kernel, launch: &Launch, params: &[u8]) -> Result<(), Finding> {
    let refuse = |what: String| Err(nowhere(kernel, Kind::Launch, what));
    let threads: u64 = launch.block.iter().map(|n| u64::from(*n)).product();
    if params.len() != kernel.param_bytes() {
        return refuse(format!(
            "{} bytes of arguments, the kernel takes {}",
            params.len(),
            kernel.param_bytes()
        ));
    }
    if threads == 0 || threads > 1024 || launch.block[2] > 64 {
        return refuse(format!("a block of {:?} threads", launch.block));
    }
    let [x, y, z] = launch.grid;
    if x == 0 || y == 0 || z == 0 || x > i32::MAX as u32 || y > 65535 || z > 65535 {
        return refuse(format!("a grid of {:?} blocks", launch.grid));
    }
    match kernel.threads {
        Some(ThreadLimit::AtMost(most)) if threads > most.into() => {
            return refuse(format!("{threads} threads a block, `.maxntid` is {most}"));
        }
        Some(ThreadLimit::Exactly(n)) if threads != n.into() => {
            return refuse(format!("{threads} threads a block, `.reqntid` is {n}"));
        }
        _ => {}
    }
    if launch.dynamic_shared > 0 && !kernel.dynamic_shared {
        return refuse("dynamic shared memory, and the kernel declares none".to_owned());
    }
    let shared = kernel.static_shared + launch.dynamic_shared;
    if shared > MAX_SHARED {
        return refuse(format!("{shared} bytes of shared memory; sm_80 has {MAX_SHARED}"));
    }
    if kernel.static_shared > 48 * 1024 {
        return refuse("more than 48 KiB of static shared memory: make it dynamic".to_owned());
    }
    for param in &kernel.params {
        let Some(align) = param.pointer_align else { continue };
        let bytes = params[param.offset..param.offset + 8].try_into().expect("pointers have eight bytes");
        let address = u64::from_le_bytes(bytes);
        if address % align != 0 {
            let what = format!("argument `{}` is {address:#x}, declared as aligned to {align}", param.name);
            return Err(nowhere(kernel, Kind::Misaligned, what));
        }
    }
    Ok(())
}

impl Kernel {
    /// The parameter block of some arguments.
    ///
    /// Errors: [`Kind::Launch`] if their number or a size differs from what the entry declares.
    pub fn arguments(&self, args: &[Arg]) -> Result<Vec<u8>, Finding> {
        if args.len() != self.params.len() {
            let what = format!("{} arguments, the kernel takes {}", args.len(), self.params.len());
            return Err(nowhere(self, Kind::Launch, what));
        }
        let mut block = vec![0; self.param_bytes()];
        for (arg, param) in args.iter().zip(&self.params) {
            let (value, bytes) = match *arg {
                Arg::Ptr(x) | Arg::U64(x) => (x, 8),
                Arg::U32(x) => (x.into(), 4),
                Arg::I32(x) => (u64::from(x as u32), 4),
                Arg::F32(x) => (x.to_bits().into(), 4),
            };
            if bytes != param.bytes {
                let what =
                    format!("argument `{}` has {bytes} bytes, the kernel takes {}", param.name, param.bytes);
                return Err(nowhere(self, Kind::Launch, what));
            }
            block[param.offset..param.offset + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
        Ok(block)
    }
}

impl Memory {
    /// Demands that every byte of the buffer at an address was written.
    ///
    /// Errors: [`Kind::UnwrittenOutput`] with the first byte that was not.
    pub fn require_written(&self, kernel: &Kernel, address: u64) -> Result<(), Finding> {
        match self.unwritten(address, self.len(address)) {
            None => Ok(()),
            Some(byte) => {
                let what = format!("byte {byte} was written by no thread: {}", self.describe(address));
                Err(nowhere(kernel, Kind::UnwrittenOutput, what))
            }
        }
    }
}
