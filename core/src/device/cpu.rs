//! The CPU backend: f32 for work, f64 for gradient checks. Every operation is serial; work is shared out by cells.

use std::marker::PhantomData;

use super::{Device, Real, Result, Tensor};

pub use super::pool::Buffer;

/// Runs everything on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu<T = f32>(PhantomData<T>);

impl<T> Cpu<T> {
    /// The backend. It holds nothing.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Real> Device for Cpu<T> {
    type Storage = Buffer<T>;
    type Index = Vec<u32>;
    type Arrival = ();

    fn ahead(&self) -> Option<Self> {
        None
    }

    fn arrival(&self) -> Result<()> {
        Ok(())
    }

    fn await_arrival(&self, (): &()) -> Result<()> {
        Ok(())
    }

    fn zeros(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        Ok(Tensor::new(shape.to_vec(), Buffer::zeros(shape.iter().product())))
    }

    fn zero_activations(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        self.zeros(shape)
    }

    fn scratch(&self, shape: &[usize]) -> Result<Tensor<Self>> {
        Ok(stale(shape))
    }

    fn upload(&self, shape: &[usize], values: &[f32]) -> Result<Tensor<Self>> {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        let mut y = stale(shape);
        for (y, &x) in y.as_mut_slice().iter_mut().zip(values) {
            *y = T::from_f64(f64::from(x));
        }
        Ok(y)
    }

    fn download(&self, x: &Tensor<Self>) -> Result<Vec<f32>> {
        Ok(x.as_slice().iter().map(|x| x.to_f64() as f32).collect())
    }

    fn copy(&self, x: &Tensor<Self>) -> Result<Tensor<Self>> {
        Ok(Tensor::new(x.shape().to_vec(), Buffer::copy_of(x.as_slice())))
    }

    fn set_zero(&self, tensors: Vec<&mut Tensor<Self>>) -> Result<()> {
        tensors.into_iter().for_each(|y| y.as_mut_slice().fill(T::ZERO));
        Ok(())
    }

    fn add_assign(&self, y: &mut Tensor<Self>, x: &Tensor<Self>) -> Result<()> {
        assert_eq!(y.shape(), x.shape());
        for (y, &x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
            *y += x;
        }
        Ok(())
    }

    fn index(&self, values: &[u32]) -> Result<Vec<u32>> {
        Ok(values.to_vec())
    }

    fn index_to_host(&self, index: &Vec<u32>) -> Result<Vec<u32>> {
        Ok(index.clone())
    }
}

impl<T: Real> Tensor<Cpu<T>> {
    /// The numbers, row by row.
    pub fn as_slice(&self) -> &[T] {
        &self.storage
    }

    /// The numbers, row by row.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.storage
    }
}

/// A tensor the caller fills completely.
pub(crate) fn stale<T: Real>(shape: &[usize]) -> Tensor<Cpu<T>> {
    Tensor::new(shape.to_vec(), Buffer::stale(shape.iter().product()))
}
