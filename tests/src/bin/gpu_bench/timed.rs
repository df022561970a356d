//! A device that times every launch and product alone.

use crate::bounds::{Ceilings, Work};
use panfoma_core::device::Result;
use panfoma_core::device::cuda::{Address, Driver, Launch, Memory, Product, Queue};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

/// The device, waiting before and after each piece of work.
pub struct Timed<D> {
    inner: D,
    pieces: Mutex<BTreeMap<String, Piece>>,
}

#[derive(Default)]
struct Piece {
    calls: u32,
    seconds: f64,
    work: Work,
}

impl<D: Driver> Timed<D> {
    pub fn new(inner: D) -> Self {
        Self { inner, pieces: Mutex::default() }
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.pieces.lock().expect("no panic under the lock").clear();
    }

    /// What every kernel took, the longest first, beside its bound on this card.
    pub fn kernels(&self, ceilings: &Ceilings) -> Vec<serde_json::Value> {
        let pieces = self.pieces.lock().expect("no panic under the lock");
        let mut pieces: Vec<_> = pieces.iter().collect();
        pieces.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds));
        let describe = |(name, piece): (&String, &Piece)| {
            let bound = ceilings.seconds(&piece.work);
            serde_json::json!({"name": name, "calls": piece.calls, "ms": 1e3 * piece.seconds,
                "bound_ms": 1e3 * bound, "of_bound": if bound > 0.0 { Some(bound / piece.seconds) } else { None },
                "tflops": piece.work.flops / piece.seconds / 1e12, "gb_per_s": piece.work.bytes / piece.seconds / 1e9})
        };
        pieces.into_iter().map(describe).collect()
    }

    fn time(&self, name: String, work: Work, run: impl FnOnce() -> Result<()>) -> Result<()> {
        self.inner.synchronize()?;
        let started = Instant::now();
        run()?;
        self.inner.synchronize()?;
        let mut pieces = self.pieces.lock().expect("no panic under the lock");
        let piece = pieces.entry(name).or_default();
        piece.calls += 1;
        piece.seconds += started.elapsed().as_secs_f64();
        piece.work += work;
        Ok(())
    }
}

impl<D: Driver> Driver for Timed<D> {
    type Mark = D::Mark;

    fn name(&self) -> String {
        self.inner.name()
    }

    fn memory(&self) -> Result<Memory> {
        self.inner.memory()
    }

    fn reuses_memory(&self) -> bool {
        self.inner.reuses_memory()
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        self.inner.allocate(bytes)
    }

    unsafe fn free(&self, at: Address) {
        // SAFETY: the caller's promise, here and below.
        unsafe { self.inner.free(at) }
    }

    unsafe fn upload(&self, queue: Queue, to: Address, bytes: &[u8]) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.inner.upload(queue, to, bytes) }
    }

    fn mark(&self, queue: Queue) -> Result<D::Mark> {
        self.inner.mark(queue)
    }

    fn wait(&self, queue: Queue, mark: &D::Mark) -> Result<()> {
        self.inner.wait(queue, mark)
    }

    unsafe fn download(&self, from: Address, bytes: &mut [u8]) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.inner.download(from, bytes) }
    }

    unsafe fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.inner.copy(from, to, bytes) }
    }

    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.inner.zero(at, bytes) }
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        // SAFETY: as above.
        self.time(launch.kernel.name.to_owned(), Work::of_launch(&launch), || unsafe {
            self.inner.launch(launch)
        })
    }

    unsafe fn multiply(&self, product: Product) -> Result<()> {
        let Product { m, n, k, .. } = product;
        let name = format!("product {m} x {n} x {k}");
        // SAFETY: as above.
        self.time(name, Work::of_product(&product), || unsafe { self.inner.multiply(product) })
    }

    fn synchronize(&self) -> Result<()> {
        self.inner.synchronize()
    }
}
