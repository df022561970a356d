//! What the CUDA backend asks of a device: memory, launches of PTX kernels, matrix products.
//!
//! There are two implementations: [`Gpu`](super::Gpu) drives a real one, and the tests have one that interprets the
//! kernels on the host, so that launch code, layouts and arguments are tested where there is no GPU.

use crate::device::Result;

/// An address in the device's memory.
pub type Address = u64;

/// One launch of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Name, text and threads of a block.
    pub kernel: panfoma_kernels::Entry,
    /// Blocks.
    pub grid: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// The parameters as they lie in memory.
    pub arguments: &'a [u8],
}

impl Launch<'_> {
    /// Threads of a block; every entry of ours says how many it takes.
    pub fn threads(&self) -> u32 {
        self.kernel.threads.expect("a kernel with `.maxntid`")
    }
}

/// A row-major matrix in the device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// Of its first number.
    pub at: Address,
    /// Numbers from one row to the next.
    pub stride: usize,
    /// Read it as its transpose.
    pub transposed: bool,
}

/// What the numbers of a product's result are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// bfloat16: activations and their gradients.
    Bf16,
    /// IEEE single: parameters, their gradients and moments, statistics, scores.
    F32,
}

impl Dtype {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}

/// y [m, n] = a [m, k] b [k, n] + onto + bias; a and b bf16, products summed in f32.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of y.
    pub m: usize,
    /// Columns of y.
    pub n: usize,
    /// Terms of a sum.
    pub k: usize,
    /// [m, k] after transposition.
    pub a: Operand,
    /// [k, n] after transposition.
    pub b: Operand,
    /// [m, n], not transposed.
    pub y: Operand,
    /// What y holds.
    pub dtype: Dtype,
    /// [m, n] of y's type and stride; may be y itself.
    pub onto: Option<Address>,
    /// [n] bf16, added to every row.
    pub bias: Option<Address>,
}

/// One of the two orders in which a device does what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Launches, products, and everything else that names none.
    Work,
    /// Uploads that happen beside the work, for later.
    Copies,
}

/// Memory of a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Not in use by anyone.
    pub free: usize,
    /// All of it.
    pub total: usize,
}

/// A device. What it is asked for in one queue happens in the order of the calls, and all but `download` and `synchronize`
/// may return before it has; two queues know of each other only by marks.
///
/// # Safety
/// The addresses given to the unsafe methods must lie in blocks that `allocate` returned and `free` has not taken, with
/// room for what is read or written there, and what two queues do there must be ordered by marks.
pub trait Driver: Send + Sync + 'static {
    /// A place in a queue. It is dropped before the device.
    type Mark: Send + Sync;

    /// The device's name, for people.
    fn name(&self) -> String;

    /// How much memory there is.
    fn memory(&self) -> Result<Memory>;

    /// May freed blocks be handed out again instead of being given back? A checking device says no: every block is then
    /// as long as was asked for, and its numbers count as unwritten.
    fn reuses_memory(&self) -> bool;

    /// A block of so many bytes, at least 1, at a multiple of 256; its contents are anything.
    fn allocate(&self, bytes: usize) -> Result<Address>;

    /// Gives a block back.
    ///
    /// # Safety
    /// See the trait; nothing uses the block afterwards.
    unsafe fn free(&self, at: Address);

    /// Host to device; the bytes may be dropped when it returns.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn upload(&self, queue: Queue, to: Address, bytes: &[u8]) -> Result<()>;

    /// The place behind everything that the queue was asked for.
    fn mark(&self, queue: Queue) -> Result<Self::Mark>;

    /// What the queue is asked for from now on happens after what stands before the mark.
    fn wait(&self, queue: Queue, mark: &Self::Mark) -> Result<()>;

    /// Device to host, after all work asked for before.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn download(&self, from: Address, bytes: &mut [u8]) -> Result<()>;

    /// Device to device.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()>;

    /// Zero bytes.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<()>;

    /// Runs a kernel.
    ///
    /// # Safety
    /// See the trait; the arguments are those of the kernel's `.entry` line.
    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()>;

    /// Multiplies matrices.
    ///
    /// # Safety
    /// See the trait.
    unsafe fn multiply(&self, product: Product) -> Result<()>;

    /// Returns when everything that both queues were asked for has happened.
    fn synchronize(&self) -> Result<()>;
}
