//! How much a step asks of the driver: on a device that does nothing but count, at the layers of `base`.

use crate::learning::{CONSTANTS, cells_of};
use panfoma_core::device::cuda::{Address, Cuda, Driver, Launch, Memory, Product, Queue};
use panfoma_core::device::{Cpu, Result};
use panfoma_core::engine::{engine_on, learner_on};
use panfoma_core::model::lanes::Lanes;
use panfoma_core::model::{ModelConfig, PanFoMa, Preset};
use panfoma_core::ops::adamw::Step;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Calls by what they ask for: a kernel's name, or the driver's method.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Counts {
    fn add(&self, what: &'static str) {
        *self.0.lock().unwrap().entry(what).or_default() += 1;
    }

    /// Work that is asked for when the host has waited already: until then the device had nothing to do.
    fn add_work(&self, what: &'static str) {
        self.add(what);
        if self.0.lock().unwrap().contains_key("download") {
            self.add("late");
        }
    }

    /// The counts since they were last taken.
    fn take(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Counting {
    counts: Counts,
    next: Mutex<Address>,
}

impl Driver for Counting {
    type Mark = ();

    fn name(&self) -> String {
        "counter".into()
    }

    fn memory(&self) -> Result<Memory> {
        Ok(Memory { free: 1 << 30, total: 1 << 30 })
    }

    fn reuses_memory(&self) -> bool {
        true
    }

    fn allocate(&self, bytes: usize) -> Result<Address> {
        let mut next = self.next.lock().unwrap();
        *next += bytes as u64 + 256;
        Ok(*next)
    }

    unsafe fn free(&self, _: Address) {}

    unsafe fn upload(&self, queue: Queue, _: Address, _: &[u8]) -> Result<()> {
        self.counts.add(if queue == Queue::Work { "upload" } else { "upload ahead" });
        Ok(())
    }

    fn mark(&self, _: Queue) -> Result<()> {
        Ok(())
    }

    fn wait(&self, _: Queue, (): &()) -> Result<()> {
        Ok(())
    }

    unsafe fn download(&self, _: Address, _: &mut [u8]) -> Result<()> {
        self.counts.add("download");
        Ok(())
    }

    unsafe fn copy(&self, _: Address, _: Address, _: usize) -> Result<()> {
        self.counts.add("copy");
        Ok(())
    }

    unsafe fn zero(&self, _: Address, _: usize) -> Result<()> {
        self.counts.add("zero");
        Ok(())
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        self.counts.add_work(launch.kernel.name);
        Ok(())
    }

    unsafe fn multiply(&self, _: Product) -> Result<()> {
        self.counts.add_work("multiply");
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        self.counts.add("synchronize");
        Ok(())
    }
}

fn device() -> (Cuda<Counting>, Counts) {
    let counts = Counts::default();
    (Cuda::new(Counting { counts: counts.clone(), next: Mutex::default() }), counts)
}

/// The layers of `base`, narrow.
fn config() -> ModelConfig {
    let base = ModelConfig::preset(Preset::Base, 40, 7);
    ModelConfig { d_model: 64, n_heads: 1, d_ff: 64, chunk_len: 6, ..base }
}

/// Counts of calls, as they are compared.
fn counts<const N: usize>(expected: [(&'static str, usize); N]) -> BTreeMap<&'static str, usize> {
    expected.into()
}

#[test]
fn an_update_is_one_launch_however_many_tensors_there_are() {
    let (b, counted) = device();
    let model = PanFoMa::init(config(), 1, &Cpu::new());
    assert!(model.params().len() > 100);
    let mut learner = learner_on(b, model, None, Lanes::new(1, 2)).unwrap();
    let step = Step { learning_rate: 1e-2, t: 1, gradient_factor: 1.0 };
    counted.take();
    learner.gradient_norm().unwrap();
    assert_eq!(counted.take(), counts([("upload", 1), ("pf_sum_of_squares", 1), ("download", 1)]));
    learner.update(&CONSTANTS, step, &|_| true).unwrap();
    assert_eq!(counted.take(), counts([("upload", 1), ("pf_adamw", 1)]));
    learner.pretrain_step(&cells_of(&config(), 5, 1).into(), 0.1).unwrap();
    assert_eq!(counted.take()["pf_set_zero"], 1);
}

#[test]
fn a_step_waits_only_when_it_has_asked_for_everything() {
    let (b, counted) = device();
    let model = || PanFoMa::init(config(), 1, &Cpu::new());
    let mut learner = learner_on(b.clone(), model(), None, Lanes::new(1, 2)).unwrap();
    let engine = engine_on(b, model(), Lanes::new(1, 2)).unwrap();
    counted.take();
    // Two calls of two cells.
    let batch = learner.engine().stager().hidden(cells_of(&config(), 5, 4)).unwrap();
    let brought = counted.take();
    assert_eq!(brought.keys().copied().collect::<Vec<_>>(), ["upload ahead"]);
    learner.pretrain_step(&batch, 0.1).unwrap();
    let step = counted.take();
    // The table of the tensors that become zero; two sums a call.
    assert_eq!((step.get("late"), step["upload"], step["download"]), (None, 1, 4));

    let cells = engine.stager().cells(cells_of(&config(), 5, 4).cells, false).unwrap();
    counted.take();
    engine.embed(&cells).unwrap();
    let embedded = counted.take();
    assert_eq!((embedded.get("late"), embedded.get("upload"), embedded["download"]), (None, None, 4));

    let launches = |counts: &BTreeMap<&'static str, usize>| -> usize {
        counts
            .iter()
            .filter(|(what, _)| what.starts_with("pf_") || **what == "multiply")
            .map(|(_, n)| n)
            .sum()
    };
    println!(
        "{} launches and products a step of two calls, {} to embed",
        launches(&step),
        launches(&embedded)
    );
}
