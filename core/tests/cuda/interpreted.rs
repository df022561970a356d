//! A device whose kernels run on the PTX interpreter and whose matrix products run on the host.
//!
//! Every mistake the interpreter knows of (an address out of bounds, a race, a number read before it was written, …) fails
//! the launch that made it.

use panfoma_core::device::cuda::{Address, Driver, Dtype, Launch, Memory, Operand, Product, Queue};
use panfoma_core::device::{DeviceError, Result};
use panfoma_ptx_interpreter as ptx;
use panfoma_ptx_interpreter::{bf16_to_f32, f32_to_bf16};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The device.
#[derive(Default)]
pub struct Interpreted {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    memory: ptx::Memory,
    /// Copies that nobody has waited for: they happen as late as they may. And how many were asked for.
    copies: BTreeMap<usize, (Address, Vec<u8>)>,
    n_copies: usize,
    modules: BTreeMap<&'static str, ptx::Module>,
}

fn failed(message: String) -> DeviceError {
    DeviceError::Failed { device: "interpreter".into(), message }
}

impl State {
    /// bf16 numbers of a matrix, row by row of what the product reads: [rows, cols] after transposition.
    fn half_matrix(&self, operand: Operand, rows: usize, cols: usize) -> Result<Vec<f32>> {
        let stored = if operand.transposed { [cols, rows] } else { [rows, cols] };
        let numbers = (stored[0] - 1) * operand.stride + stored[1];
        if let Some(byte) = self.memory.unwritten(operand.at, 2 * numbers) {
            // Columns beside a window of a tensor may be unwritten; the window may not.
            if byte / 2 % operand.stride < stored[1] {
                return Err(failed(format!("a product reads byte {byte} that nobody wrote")));
            }
        }
        let all = self.memory.read_bf16(operand.at, numbers);
        let mut matrix = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            for col in 0..cols {
                let [r, c] = if operand.transposed { [col, row] } else { [row, col] };
                matrix.push(all[r * operand.stride + c]);
            }
        }
        Ok(matrix)
    }

    fn row(&self, at: Address, n: usize, dtype: Dtype) -> Result<Vec<f32>> {
        if let Some(byte) = self.memory.unwritten(at, n * dtype.bytes()) {
            return Err(failed(format!("a product is added to byte {byte} that nobody wrote")));
        }
        Ok(match dtype {
            Dtype::Bf16 => self.memory.read_bf16(at, n),
            Dtype::F32 => self.memory.read_f32(at, n),
        })
    }
}

impl Driver for Interpreted {
    /// Copies asked for.
    type Mark = usize;

    fn name(&self) -> String {
        "interpreter".into()
    }

    fn memory(&self) -> Result<Memory> {
        Ok(Memory { free: 1 << 30, total: 1 << 30 })
    }

    fn reuses_memory(&self) -> bool {
        false
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        Ok(self.state.lock().unwrap().memory.alloc(bytes))
    }

    unsafe fn free(&self, at: Address) {
        // A test that failed while it held the lock has said so already.
        if let Ok(mut state) = self.state.lock() {
            state.copies.retain(|_, (to, _)| *to != at);
            state.memory.free(at);
        }
    }

    unsafe fn upload(&self, queue: Queue, to: Address, bytes: &[u8]) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        match queue {
            Queue::Work => state.memory.write(to, bytes),
            Queue::Copies => {
                let number = state.n_copies;
                state.copies.insert(number, (to, bytes.to_vec()));
                state.n_copies += 1;
            }
        }
        Ok(())
    }

    fn mark(&self, _: Queue) -> Result<usize> {
        Ok(self.state.lock().unwrap().n_copies)
    }

    fn wait(&self, queue: Queue, mark: &usize) -> Result<()> {
        let state = &mut *self.state.lock().unwrap();
        // Work has happened when it was asked for.
        if queue == Queue::Work {
            let later = state.copies.split_off(mark);
            for (to, bytes) in std::mem::replace(&mut state.copies, later).into_values() {
                state.memory.write(to, &bytes);
            }
        }
        Ok(())
    }

    unsafe fn download(&self, from: Address, bytes: &mut [u8]) -> Result<()> {
        let state = self.state.lock().unwrap();
        if let Some(byte) = state.memory.unwritten(from, bytes.len()) {
            return Err(failed(format!("byte {byte} of {} is downloaded and nobody wrote it", bytes.len())));
        }
        state.memory.read(from, bytes);
        Ok(())
    }

    unsafe fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()> {
        let mut copied = vec![0; bytes];
        // SAFETY: the caller's promise.
        unsafe {
            self.download(from, &mut copied)?;
            self.upload(Queue::Work, to, &copied)
        }
    }

    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<()> {
        self.state.lock().unwrap().memory.fill(at, 0, bytes);
        Ok(())
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        let State { memory, modules, .. } = &mut *self.state.lock().unwrap();
        let (name, module) = (launch.kernel.name, launch.kernel.module);
        if !modules.contains_key(module.name) {
            let parsed = ptx::Module::parse(module.ptx).map_err(|error| failed(format!("{error}")))?;
            modules.insert(module.name, parsed);
        }
        let kernel = modules[module.name].entry(name);
        let kernel = kernel.ok_or_else(|| failed(format!("`{name}` is not in its module")))?;
        let block = [launch.threads(), 1, 1];
        let shape = ptx::Launch { grid: launch.grid, block, dynamic_shared: launch.shared };
        let options = ptx::Options { count_memory: false, ..ptx::Options::default() };
        ptx::launch_raw(memory, kernel, &shape, launch.arguments, &options)
            .map_err(|finding| failed(format!("{finding}")))?;
        Ok(())
    }

    unsafe fn multiply(&self, product: Product) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        let Product { m, n, k, a, b, y, dtype, onto, bias } = product;
        assert!(!y.transposed);
        if m == 0 || n == 0 {
            return Ok(());
        }
        let (a, b) = (state.half_matrix(a, m, k)?, state.half_matrix(b, k, n)?);
        let bias = bias.map(|at| state.row(at, n, Dtype::Bf16)).transpose()?;
        for row in 0..m {
            let offset = (row * y.stride * dtype.bytes()) as u64;
            let mut sums = vec![0.0f32; n];
            for (i, &x) in a[row * k..][..k].iter().enumerate() {
                for (sum, &w) in sums.iter_mut().zip(&b[i * n..][..n]) {
                    *sum += x * w;
                }
            }
            if let Some(onto) = onto {
                for (sum, x) in sums.iter_mut().zip(state.row(onto + offset, n, dtype)?) {
                    *sum += x;
                }
            }
            if let Some(bias) = &bias {
                sums.iter_mut().zip(bias).for_each(|(sum, &x)| *sum += x);
            }
            let bytes: Vec<u8> = match dtype {
                Dtype::Bf16 => sums.iter().flat_map(|&x| f32_to_bf16(x).to_le_bytes()).collect(),
                Dtype::F32 => sums.iter().flat_map(|x| x.to_le_bytes()).collect(),
            };
            state.memory.write(y.at + offset, &bytes);
        }
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}

/// A number as bf16 stores it.
pub fn rounded(x: f32) -> f32 {
    bf16_to_f32(f32_to_bf16(x))
}
