//! The CUDA backend against the CPU backend in f64 and against the reference, on a device that interprets the kernels, or
//! with `PANFOMA_TEST_DEVICE=cuda:0` on a GPU.

mod compare;
mod counted;
mod driver;
mod goldens;
mod interpreted;
mod learning;
mod ops;
mod queues;
