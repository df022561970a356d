//! The CUDA backend: handwritten PTX kernels (`kernels/`) and matrix products, over any [`Driver`].
//!
//! Activations and their gradients are bf16. Parameters, their gradients and Adam's moments, statistics of norms, scores
//! of genes and the embeddings of cells are f32: every tensor knows its [`Dtype`]. Products read bf16, so an f32 tensor
//! that enters one is cast once and the copy kept until the tensor is written again. All sums run in f32 and in a fixed
//! order: no kernel adds floats atomically.

mod budget;
mod driver;
mod elementwise;
#[cfg(feature = "cuda")]
mod gpu;
mod pool;
mod segments;
mod table;

pub use driver::{Address, Driver, Dtype, Launch, Memory, Operand, Product, Queue};
pub(crate) use elementwise::Groups;
#[cfg(feature = "cuda")]
pub use gpu::Gpu;
pub(crate) use panfoma_kernels::entries as kernels;
pub(crate) use pool::Block;
pub(crate) use segments::Segments;
pub(crate) use table::Table;

use super::{Device, Result, Tensor};
use panfoma_kernels::Arguments;
use pool::Shared;
use std::sync::{Arc, OnceLock};

#[cfg(all(feature = "cuda12", feature = "cuda13"))]
compile_error!(
    "`cuda12` and `cuda13` bind to different drivers: build with one, `--no-default-features --features cuda12`"
);

/// Launches the kernel of a norm for rows of this width; all take the same arguments. A lane of a warp holds 8 numbers of
/// a row, 16, or 32.
macro_rules! by_width {
    ($b:expr, $cols:expr, $grid:expr, $v1:ident | $v2:ident | $v4:ident { $($arguments:tt)* }) => {{
        assert!($cols.is_multiple_of(8), "{} columns", $cols);
        match $cols {
            0..=256 => $b.launch(&kernels::$v1 { $($arguments)* }, $grid),
            257..=512 => $b.launch(&kernels::$v2 { $($arguments)* }, $grid),
            513..=1024 => $b.launch(&kernels::$v4 { $($arguments)* }, $grid),
            _ => panic!("a row of {} numbers; norms exist for at most 1024", $cols),
        }
    }};
}
pub(crate) use by_width;

/// An address as a kernel's argument.
pub(crate) type Pointer = panfoma_kernels::Pointer;

/// The address as a kernel's argument.
pub(crate) fn pointer(at: Address) -> Pointer {
    panfoma_kernels::Pointer(at)
}

/// Runs everything on one device, in the order it is asked for. Clones share the device.
pub struct Cuda<D: Driver> {
    /// Where its uploads of ids go: [`Device::ahead`] gives one that only brings ids, beside the work.
    queue: Queue,
    shared: Arc<Shared<D>>,
}

impl<D: Driver> Clone for Cuda<D> {
    fn clone(&self) -> Self {
        Self { queue: self.queue, shared: self.shared.clone() }
    }
}

/// A place in the queue of copies. It goes before the device.
pub struct Arrival<D: Driver> {
    mark: D::Mark,
    _shared: Arc<Shared<D>>,
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
    /// The numbers as destinations of a sum, once one was asked for.
    segments: OnceLock<Segments<D>>,
}

impl<D: Driver> Index<D> {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where they are, for a kernel.
    pub(crate) fn read(&self) -> Pointer {
        pointer(self.block.at)
    }

    /// Where they are, for a kernel that writes them.
    pub(crate) fn write(&mut self) -> Pointer {
        pointer(self.block.at)
    }

    /// The host's copy, if it was there first.
    pub(crate) fn host(&self) -> Option<&[u32]> {
        self.host.as_deref()
    }

    /// The numbers as destinations of rows in order, if they came from the host; else none occurs twice.
    pub(crate) fn segments(&self, b: &Cuda<D>) -> Result<Option<&Segments<D>>> {
        let Some(host) = &self.host else { return Ok(None) };
        if self.segments.get().is_none() {
            let segments = Segments::new(b, host.iter().copied().zip(0..))?;
            // Another thread may have been faster; its segments are the same.
            let _ = self.segments.set(segments);
        }
        Ok(self.segments.get())
    }
}

impl<D: Driver> Cuda<D> {
    /// The backend on a device.
    pub fn new(driver: D) -> Self {
        Self { queue: Queue::Work, shared: Arc::new(Shared::new(driver)) }
    }

    /// The device.
    pub fn driver(&self) -> &D {
        &self.shared.driver
    }

    /// Activations with the host's values, rounded to bf16.
    pub fn activations(&self, shape: &[usize], values: &[f32]) -> Result<Tensor<Self>> {
        let x = self.upload(shape, values)?;
        let y = self.unwritten(shape, Dtype::Bf16)?;
        self.cast_bf16(&x, y.at())?;
        Ok(y)
    }

    /// A tensor an operation fills completely.
    pub(crate) fn unwritten(&self, shape: &[usize], dtype: Dtype) -> Result<Tensor<Self>> {
        let block = self.room(shape.iter().product::<usize>() * dtype.bytes())?;
        Ok(Tensor::new(shape.to_vec(), Storage { dtype, block, half: OnceLock::new() }))
    }

    fn zeroed(&self, shape: &[usize], dtype: Dtype) -> Result<Tensor<Self>> {
        let mut y = self.unwritten(shape, dtype)?;
        let bytes = y.bytes();
        // SAFETY: the block holds these bytes; those of a 0 are 0 in both types.
        unsafe { self.driver().zero(y.at_mut(), bytes)? };
        Ok(y)
    }

    /// Numbers of the host on the device.
    pub(crate) fn numbers(&self, values: &[u32]) -> Result<Block<D>> {
        let block = self.shared.block(self.queue, 4 * values.len())?;
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        // SAFETY: the block was made for these bytes, by the queue that now fills it.
        unsafe { self.driver().upload(self.queue, block.at, &bytes)? };
        Ok(block)
    }

    /// Ids that an operation fills completely, none twice.
    pub(crate) fn unwritten_index(&self, len: usize) -> Result<Index<D>> {
        Ok(Index { block: self.room(4 * len)?, len, host: None, segments: OnceLock::new() })
    }

    /// Runs a kernel over a grid.
    ///
    /// # Safety
    /// Every address has room for what the kernel reads or writes there.
    pub(crate) unsafe fn launch<A: Arguments>(&self, arguments: &A, grid: [usize; 3]) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.launch_with_shared(arguments, grid, budget::dynamic_shared(&A::ENTRY)) }
    }

    /// Runs a kernel whose shared memory depends on what it is asked for.
    ///
    /// # Safety
    /// As [`Cuda::launch`]; the kernel has room in so many bytes of shared memory.
    pub(crate) unsafe fn launch_with_shared<A: Arguments>(
        &self,
        arguments: &A,
        grid: [usize; 3],
        shared: usize,
    ) -> Result<()> {
        assert_eq!(self.queue, Queue::Work, "{} ahead of the work", A::ENTRY.name);
        if grid.contains(&0) {
            return Ok(());
        }
        // SAFETY: the arguments are those of the entry; the rest is the caller's promise.
        unsafe {
            self.shared.driver.launch(Launch {
                kernel: A::ENTRY,
                grid: grid.map(number),
                shared: number(shared),
                arguments: &arguments.bytes(),
            })
        }
    }

    /// Room that is no tensor.
    pub(crate) fn room(&self, bytes: usize) -> Result<Block<D>> {
        self.shared.block(Queue::Work, bytes)
    }

    /// Numbers of a room on the host.
    pub(crate) fn download_f64(&self, room: &Block<D>, n: usize) -> Result<Vec<f64>> {
        let mut bytes = vec![0; 8 * n];
        // SAFETY: whoever made the room made it for these numbers.
        unsafe { self.driver().download(room.at, &mut bytes)? };
        Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes"))).collect())
    }

    /// Where the numbers are as bf16: the tensor's own, or a copy that lives as long as they do not change.
    pub(crate) fn half(&self, x: &Tensor<Self>) -> Result<Address> {
        if x.storage.dtype == Dtype::Bf16 {
            return Ok(x.storage.block.at);
        }
        if x.storage.half.get().is_none() {
            let block = self.room(2 * x.n_elements())?;
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

    /// Where its copy in bf16 is, if there is one: for a kernel that writes both.
    pub(crate) fn copy_at(&self) -> Option<Address> {
        self.storage.half.get().map(|block| block.at)
    }

    /// Where they are, to be written.
    pub(crate) fn at_mut(&mut self) -> Address {
        self.storage.half.take();
        self.storage.block.at
    }

    /// Where they are, for a kernel.
    pub(crate) fn read(&self) -> Pointer {
        pointer(self.at())
    }

    /// Where they are, for a kernel that writes them.
    pub(crate) fn write(&mut self) -> Pointer {
        pointer(self.at_mut())
    }

    fn bytes(&self) -> usize {
        self.n_elements() * self.storage.dtype.bytes()
    }
}

impl<D: Driver> Device for Cuda<D> {
    type Storage = Storage<D>;
    type Index = Index<D>;
    type Arrival = Arrival<D>;

    fn ahead(&self) -> Option<Self> {
        Some(Self { queue: Queue::Copies, shared: self.shared.clone() })
    }

    fn arrival(&self) -> Result<Arrival<D>> {
        Ok(Arrival { mark: self.driver().mark(self.queue)?, _shared: self.shared.clone() })
    }

    fn await_arrival(&self, arrival: &Arrival<D>) -> Result<()> {
        self.driver().wait(self.queue, &arrival.mark)
    }

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
        unsafe { self.driver().upload(Queue::Work, y.at(), &bytes)? };
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

    fn set_zero(&self, tensors: Vec<&mut Tensor<Self>>) -> Result<()> {
        let table = Table::of(tensors.into_iter().map(|x| (x.at_mut(), x.dtype(), x.n_elements())));
        let rows = table.upload(self)?;
        let n_tensors = number(table.n_tensors());
        let arguments = kernels::SetZero { tensors: pointer(rows.at), n_tensors };
        // SAFETY: the tensor of a row holds as many numbers as it says.
        unsafe { self.launch(&arguments, [table.blocks(), 1, 1]) }
    }

    fn add_assign(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()> {
        assert_eq!((y.shape(), y.dtype()), (x.shape(), x.dtype()));
        self.add(y, x)
    }

    fn index(&self, values: &[u32]) -> Result<Index<D>> {
        let block = self.numbers(values)?;
        Ok(Index { block, len: values.len(), host: Some(values.to_vec()), segments: OnceLock::new() })
    }

    fn index_to_host(&self, index: &Index<D>) -> Result<Vec<u32>> {
        if let Some(host) = &index.host {
            return Ok(host.clone());
        }
        let mut bytes = vec![0; 4 * index.len];
        // SAFETY: the block holds these bytes.
        unsafe { self.driver().download(index.block.at, &mut bytes)? };
        Ok(bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect())
    }
}

/// A size as kernels take it.
pub(crate) fn number(n: usize) -> u32 {
    u32::try_from(n).expect("a kernel's sizes fit 32 bits")
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
