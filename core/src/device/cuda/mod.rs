//! The CUDA backend: handwritten PTX kernels (`kernels/`) and matrix products, over any [`Driver`].
//!
//! Activations and their gradients are bf16. Parameters, their gradients and Adam's moments, statistics of norms, scores
//! of genes and the embeddings of cells are f32: every tensor knows its [`Dtype`]. Products read bf16, so an f32 tensor
//! that enters one is cast once and the copy kept until the tensor is written again. All sums run in f32 and in a fixed
//! order: no kernel adds floats atomically.

mod arguments;
mod driver;
mod elementwise;
#[cfg(any(feature = "cuda12", feature = "cuda13"))]
mod gpu;
mod pool;

pub(crate) use arguments::Arguments;
pub(crate) use elementwise::Groups;
pub use driver::{Address, Driver, Dtype, Launch, Memory, Operand, Product};
#[cfg(any(feature = "cuda12", feature = "cuda13"))]
pub use gpu::Gpu;

use super::{Device, Result, Tensor};
use pool::{Block, Shared};
use std::sync::{Arc, OnceLock};

#[cfg(all(feature = "cuda12", feature = "cuda13"))]
compile_error!("`cuda12` and `cuda13` bind to different drivers: build with one, `--no-default-features --features cuda12`");

/// Runs everything on one device, in the order it is asked for. Clones share the device.
pub struct Cuda<D: Driver> {
    shared: Arc<Shared<D>>,
}

impl<D: Driver> Clone for Cuda<D> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

/// Numbers of a tensor on the device.
pub struct Storage<D: Driver> {
    dtype: Dtype,
    block: Block<D>,
    /// The numbers of an f32 tensor as bf16, once a product has asked for them.
    half: OnceLock<Block<D>>,
}

/// Ids or row numbers on the device.
pub struct Index<D: Driver> {
    block: Block<D>,
    len: usize,
    /// The numbers, where they came from the host. Where they did not, no number occurs twice: they are places of
    /// sorted genes.
    host: Option<Vec<u32>>,
}

impl<D: Driver> Index<D> {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where they are.
    pub(crate) fn at(&self) -> Address {
        self.block.at
    }

    /// The host's copy, if it was there first.
    pub(crate) fn host(&self) -> Option<&[u32]> {
        self.host.as_deref()
    }
}

impl<D: Driver> Cuda<D> {
    /// The backend on a device.
    pub fn new(driver: D) -> Self {
        Self { shared: Arc::new(Shared::new(driver)) }
    }

    /// The device.
    pub fn driver(&self) -> &D {
        &self.shared.driver
    }

    /// A tensor an operation fills completely.
    pub(crate) fn unwritten(&self, shape: &[usize], dtype: Dtype) -> Result<Tensor<Self>> {
        let block = self.shared.block(shape.iter().product::<usize>() * dtype.bytes())?;
        Ok(Tensor::new(shape.to_vec(), Storage { dtype, block, half: OnceLock::new() }))
    }

    fn zeroed(&self, shape: &[usize], dtype: Dtype) -> Result<Tensor<Self>> {
        let mut y = self.unwritten(shape, dtype)?;
        self.set_zero(&mut y)?;
        Ok(y)
    }

    /// Ids that an operation fills completely, none twice.
    pub(crate) fn unwritten_index(&self, len: usize) -> Result<Index<D>> {
        Ok(Index { block: self.shared.block(4 * len)?, len, host: None })
    }

    /// Runs a kernel on blocks of its arguments.
    ///
    /// # Safety
    /// The arguments are those of the kernel's `.entry` line, and every address has room for what it reads or writes.
    pub(crate) unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 3],
        block: usize,
        shared: usize,
        arguments: &Arguments,
    ) -> Result<()> {
        let u32_of = |n: usize| u32::try_from(n).expect("a launch's sizes fit 32 bits");
        if grid.contains(&0) {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe {
            self.shared.driver.launch(Launch {
                kernel,
                ptx: panfoma_kernels::ptx(kernel),
                grid: grid.map(u32_of),
                block: [u32_of(block), 1, 1],
                shared: u32_of(shared),
                arguments: arguments.bytes(),
            })
        }
    }

    /// Where the numbers are as bf16: the tensor's own, or a copy that lives as long as they do not change.
    pub(crate) fn half(&self, x: &Tensor<Self>) -> Result<Address> {
        if x.storage.dtype == Dtype::Bf16 {
            return Ok(x.storage.block.at);
        }
        if x.storage.half.get().is_none() {
            let block = self.shared.block(2 * x.n_elements())?;
            self.cast_bf16(x, block.at)?;
            // Another thread may have been faster; its copy is as good.
            let _ = x.storage.half.set(block);
        }
        Ok(x.storage.half.get().expect("set above").at)
    }
}

impl<D: Driver> Tensor<Cuda<D>> {
    /// What its numbers are.
    pub fn dtype(&self) -> Dtype {
        self.storage.dtype
    }

    /// Where they are, to be read.
    pub(crate) fn at(&self) -> Address {
        self.storage.block.at
    }

    /// Where they are, to be written.
    pub(crate) fn at_mut(&mut self) -> Address {
        self.storage.half.take();
        self.storage.block.at
    }

    fn bytes(&self) -> usize {
        self.n_elements() * self.storage.dtype.bytes()
    }
}

impl<D: Driver> Device for Cuda<D> {
    type Storage = Storage<D>;
    type Index = Index<D>;

    fn zeros(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        self.zeroed(shape, Dtype::F32)
    }

    fn zero_activations(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        self.zeroed(shape, Dtype::Bf16)
    }

    fn scratch(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        self.unwritten(shape, Dtype::Bf16)
    }

    fn upload(&self, shape: &[usize], values: &[f32]) -> Result<Tensor<Self>> {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let y = self.unwritten(shape, Dtype::F32)?;
        // SAFETY: the block was made for these bytes.
        unsafe { self.driver().upload(y.at(), &bytes)? };
        Ok(y)
    }

    fn download(&self, x: &Tensor<Self>) -> Result<Vec<f32>> {
        let mut bytes = vec![0; x.bytes()];
        // SAFETY: the block holds these bytes.
        unsafe { self.driver().download(x.at(), &mut bytes)? };
        Ok(floats(&bytes, x.dtype()))
    }

    fn copy(&self, x: &Tensor<Self>) -> Result<Tensor<Self>> {
        let y = self.unwritten(x.shape(), x.dtype())?;
        // SAFETY: both blocks hold as many bytes.
        unsafe { self.driver().copy(x.at(), y.at(), x.bytes())? };
        Ok(y)
    }

    fn set_zero(&self, y: &mut Tensor<Self>) -> Result<()> {
        let bytes = y.bytes();
        // SAFETY: the block holds these bytes; those of a 0 are 0 in both types.
        unsafe { self.driver().zero(y.at_mut(), bytes) }
    }

    fn add_assign(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()> {
        assert_eq!((y.shape(), y.dtype()), (x.shape(), x.dtype()));
        self.add(y, x)
    }

    fn index(&self, values: &[u32]) -> Result<Index<D>> {
        let block = self.shared.block(4 * values.len())?;
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        // SAFETY: the block was made for these bytes.
        unsafe { self.driver().upload(block.at, &bytes)? };
        Ok(Index { block, len: values.len(), host: Some(values.to_vec()) })
    }

    fn index_to_host(&self, index: &Index<D>) -> Result<Vec<u32>> {
        if let Some(host) = &index.host {
            return Ok(host.clone());
        }
        let mut bytes = vec![0; 4 * index.len];
        // SAFETY: the block holds these bytes.
        unsafe { self.driver().download(index.at(), &mut bytes)? };
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect())
    }
}

/// Numbers as they lie in memory; bf16 is the upper half of f32.
pub(crate) fn floats(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
        }
        Dtype::Bf16 => bytes
            .chunks_exact(2)
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(b.try_into().expect("two bytes"))) << 16))
            .collect(),
    }
}
