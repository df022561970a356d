//! Where tensors live and what they are made of. A backend owns storage; the operations on it are in `ops`.

mod ahead;
pub mod cpu;
pub mod cuda;
mod pool;
pub mod real;
pub mod simd;

pub use ahead::Ahead;
pub use cpu::Cpu;
pub use cuda::Cuda;
pub use real::Real;

/// What a device may refuse.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The device has no memory left for a tensor.
    #[error("out of memory on {device}: {bytes} bytes asked")]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// The size asked for.
        bytes: usize,
    },
    /// The driver or a library refused a call.
    #[error("{device} failed: {message}")]
    Failed {
        /// The device's name.
        device: String,
        /// The driver's words.
        message: String,
    },
}

/// The result of anything that runs on a device.
pub type Result<T> = std::result::Result<T, DeviceError>;

/// Owns storage; the base of every operation's trait.
pub trait Device: Sized + Send + Sync + 'static {
    /// Floating-point storage of one tensor.
    type Storage: Send + Sync;
    /// Storage of ids and row numbers.
    type Index: Send + Sync;
    /// A moment at which what was brought so far is there.
    type Arrival: Send + Sync;

    /// The same device for a thread that brings ids while others compute, which must await their arrival: see [`Ahead`].
    /// `None` where there is nothing to bring: the host's own memory.
    fn ahead(&self) -> Option<Self>;
    /// The arrival of all that this was asked to bring.
    fn arrival(&self) -> Result<Self::Arrival>;
    /// What is asked from now on happens after it.
    fn await_arrival(&self, arrival: &Self::Arrival) -> Result<()>;

    /// Zeros of full precision: a gradient of parameters, a moment.
    fn zeros(&self, shape: &[usize]) -> Result<Tensor<Self>>;
    /// Zeros to add activations or their gradients to; a device may hold these in fewer bits.
    fn zero_activations(&self, shape: &[usize]) -> Result<Tensor<Self>>;
    /// Activations whose numbers are anything; an operation writes them all.
    fn scratch(&self, shape: &[usize]) -> Result<Tensor<Self>>;
    /// A tensor with the host's values, in full precision.
    fn upload(&self, shape: &[usize], values: &[f32]) -> Result<Tensor<Self>>;
    /// The values of a tensor, rounded to f32 where it stores more.
    fn download(&self, x: &Tensor<Self>) -> Result<Vec<f32>>;
    /// A copy.
    fn copy(&self, x: &Tensor<Self>) -> Result<Tensor<Self>>;
    /// y = 0, for every tensor.
    fn set_zero(&self, tensors: Vec<&mut Tensor<Self>>) -> Result<()>;
    /// y += x
    fn add_assign(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()>;
    /// Ids or row numbers on the device.
    fn index(&self, values: &[u32]) -> Result<Self::Index>;
    /// Ids or row numbers back on the host.
    fn index_to_host(&self, index: &Self::Index) -> Result<Vec<u32>>;
}

/// A dense row-major array. There are no strides: a view is an operation that says so.
pub struct Tensor<B: Device> {
    shape: Vec<usize>,
    pub(crate) storage: B::Storage,
}

impl<B: Device> Tensor<B> {
    pub(crate) fn new(shape: Vec<usize>, storage: B::Storage) -> Self {
        Self { shape, storage }
    }

    /// Lengths, slowest axis first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers.
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// All axes but the last, as one.
    pub fn rows(&self) -> usize {
        self.shape[..self.shape.len() - 1].iter().product()
    }

    /// Length of the last axis.
    pub fn cols(&self) -> usize {
        *self.shape.last().expect("a tensor has an axis")
    }
}
