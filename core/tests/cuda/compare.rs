//! The device under test, and what its results are held to.

use crate::interpreted::{Interpreted, rounded};
use panfoma_core::device::cuda::{Cuda, Driver, Gpu};
use panfoma_core::device::{Cpu, Device, Tensor};
use panfoma_core::rng::Philox;

/// The backend that says what is right.
pub const EXACT: Cpu<f64> = Cpu::new();

/// The device under test.
pub enum Under {
    /// Kernels are interpreted.
    Interpreter(Cuda<Interpreted>),
    /// `PANFOMA_TEST_DEVICE` names a GPU.
    Gpu(Cuda<Gpu>),
}

impl Under {
    /// The device that the environment names.
    pub fn test() -> Self {
        match std::env::var("PANFOMA_TEST_DEVICE") {
            Err(_) => Self::Interpreter(Cuda::new(Interpreted::default())),
            Ok(name) => {
                let index = name.strip_prefix("cuda:").and_then(|index| index.parse().ok());
                let index =
                    index.unwrap_or_else(|| panic!("PANFOMA_TEST_DEVICE=`{name}`, expected `cuda:N`"));
                Self::Gpu(Cuda::new(Gpu::open(index).unwrap_or_else(|why| panic!("{why}"))))
            }
        }
    }
}

/// Calls a generic function with the device under test.
macro_rules! on_device {
    ($check:path $(, $argument:expr)* $(,)?) => {
        match $crate::compare::Under::test() {
            $crate::compare::Under::Interpreter(b) => $check(&b $(, $argument)*),
            $crate::compare::Under::Gpu(b) => $check(&b $(, $argument)*),
        }
    };
}
pub(crate) use on_device;

/// Normal numbers as bf16 stores them.
pub fn random(n: usize, seed: u64) -> Vec<f32> {
    let mut stream = Philox::new(seed).stream(0, 0);
    (0..n).map(|_| rounded(stream.normal() as f32)).collect()
}

/// The same numbers on both: activations on the device.
pub fn activations<D: Driver>(
    b: &Cuda<D>,
    shape: &[usize],
    values: &[f32],
) -> (Tensor<Cuda<D>>, Tensor<Cpu<f64>>) {
    (b.activations(shape, values).unwrap(), EXACT.upload(shape, values).unwrap())
}

/// The same numbers on both: parameters on the device.
pub fn parameters<D: Driver>(
    b: &Cuda<D>,
    shape: &[usize],
    values: &[f32],
) -> (Tensor<Cuda<D>>, Tensor<Cpu<f64>>) {
    (b.upload(shape, values).unwrap(), EXACT.upload(shape, values).unwrap())
}

/// ||found - expected|| <= tolerance ||expected||
#[track_caller]
pub fn near<D: Driver>(
    b: &Cuda<D>,
    what: &str,
    found: &Tensor<Cuda<D>>,
    expected: &Tensor<Cpu<f64>>,
    tolerance: f64,
) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    close(what, &b.download(found).unwrap(), expected.as_slice(), tolerance);
}

/// ||found - expected|| <= tolerance ||expected||
#[track_caller]
pub fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let off = root(found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - b));
    let size = root(expected.iter().copied());
    assert!(off <= tolerance * size, "{what}: relative error {:.2e}, allowed {tolerance:.2e}", off / size);
}

/// ||found - expected|| / ||expected||
pub fn error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let off = root(found.iter().zip(expected).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    off / norm(expected).max(f64::MIN_POSITIVE)
}

/// ||x||
pub fn norm(x: &[f32]) -> f64 {
    root(x.iter().map(|&x| f64::from(x)))
}

fn root(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|x| x * x).sum::<f64>().sqrt()
}
