//! Launching kernels on the interpreter, random inputs, and errors against float64.
#![allow(dead_code)]

use std::ops::Range;

use panfoma_ptx_interpreter::{Arg, Finding, Launch, Memory, Module, Options, launch};

/// An interpreted device.
pub struct Device {
    pub memory: Memory,
    /// How it runs launches.
    pub options: Options,
    /// Of all launches.
    pub shared_wavefronts: u64,
    /// The same without bank conflicts.
    pub shared_wavefronts_ideal: u64,
}

/// A kernel's text and name.
pub struct Kernel {
    module: Module,
    name: String,
}

/// The committed PTX of kernel `name`.
pub fn source(name: &str) -> String {
    let path = format!("{}/ptx/{name}.ptx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub fn kernel(name: &str) -> Kernel {
    kernel_of(name, &source(name))
}

/// A kernel whose text a test has changed.
pub fn kernel_of(name: &str, text: &str) -> Kernel {
    let module = Module::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    Kernel { module, name: format!("pf_{name}") }
}

/// Blocks, threads of a block, and bytes of dynamic shared memory.
#[derive(Clone, Copy)]
pub struct Shape {
    pub grid: [usize; 3],
    pub block: usize,
    pub shared: usize,
}

impl Shape {
    /// The same blocks of `block` threads.
    pub fn of(self, block: usize) -> Self {
        Self { block, ..self }
    }
}

/// Enough blocks of `block` threads for `n` threads.
pub fn flat(n: usize, block: usize) -> Shape {
    Shape { grid: [n.div_ceil(block), 1, 1], block, shared: 0 }
}

impl Device {
    pub fn new() -> Self {
        Self::with(Options { count_memory: false, ..Options::default() })
    }

    pub fn with(options: Options) -> Self {
        Self { memory: Memory::new(), options, shared_wavefronts: 0, shared_wavefronts_ideal: 0 }
    }

    pub fn bf16(&mut self, x: &[f64]) -> Arg {
        Arg::Ptr(self.memory.alloc_bf16(&x.iter().map(|&x| x as f32).collect::<Vec<_>>()))
    }

    pub fn f32(&mut self, x: &[f64]) -> Arg {
        Arg::Ptr(self.memory.alloc_f32(&x.iter().map(|&x| x as f32).collect::<Vec<_>>()))
    }

    pub fn u32(&mut self, x: &[u32]) -> Arg {
        Arg::Ptr(self.memory.alloc_u32(x))
    }

    pub fn u64(&mut self, x: &[u64]) -> Arg {
        let words: Vec<u32> = x.iter().flat_map(|&x| [x as u32, (x >> 32) as u32]).collect();
        self.u32(&words)
    }

    /// Memory nobody has written.
    pub fn empty(&mut self, bytes: usize) -> Arg {
        Arg::Ptr(self.memory.alloc(bytes))
    }

    pub fn try_launch(&mut self, kernel: &Kernel, shape: Shape, args: &[Arg]) -> Result<(), Finding> {
        let entry = kernel.module.entry(&kernel.name).unwrap_or_else(|| panic!("no entry {}", kernel.name));
        let shape = Launch {
            grid: shape.grid.map(|n| n as u32),
            block: [shape.block as u32, 1, 1],
            dynamic_shared: shape.shared as u32,
        };
        let counters = launch(&mut self.memory, entry, &shape, args, &self.options)?;
        self.shared_wavefronts += counters.shared_wavefronts;
        self.shared_wavefronts_ideal += counters.shared_wavefronts_ideal;
        Ok(())
    }

    #[track_caller]
    pub fn launch(&mut self, kernel: &Kernel, shape: Shape, args: &[Arg]) {
        self.try_launch(kernel, shape, args).unwrap_or_else(|finding| panic!("{finding}"))
    }

    /// The buffer, every byte of which must have been written.
    #[track_caller]
    fn whole(&self, buffer: Arg) -> (u64, usize) {
        let address = address(buffer);
        let n = self.memory.len(address);
        assert_eq!(self.memory.unwritten(address, n), None, "an output has bytes that nobody wrote");
        (address, n)
    }

    #[track_caller]
    pub fn read_bf16(&self, buffer: Arg) -> Vec<f64> {
        let (address, n) = self.whole(buffer);
        self.memory.read_bf16(address, n / 2).into_iter().map(f64::from).collect()
    }

    #[track_caller]
    pub fn read_f32(&self, buffer: Arg) -> Vec<f64> {
        let (address, n) = self.whole(buffer);
        self.memory.read_f32(address, n / 4).into_iter().map(f64::from).collect()
    }

    #[track_caller]
    pub fn read_u32(&self, buffer: Arg) -> Vec<u32> {
        let (address, n) = self.whole(buffer);
        self.memory.read_u32(address, n / 4)
    }

    #[track_caller]
    pub fn read_f64(&self, buffer: Arg) -> Vec<f64> {
        let (address, n) = self.whole(buffer);
        self.memory.read_u64(address, n / 8).into_iter().map(f64::from_bits).collect()
    }

    /// Some columns of bf16 rows; those must be written, the others not.
    #[track_caller]
    pub fn read_bf16_columns(&self, buffer: Arg, width: usize, columns: Range<usize>) -> Vec<f64> {
        let start = address(buffer);
        let rows = self.memory.len(start) / (2 * width);
        let mut values = Vec::with_capacity(rows * columns.len());
        for row in 0..rows {
            let first = start + 2 * (row * width + columns.start) as u64;
            assert_eq!(self.memory.unwritten(first, 2 * columns.len()), None, "row {row} is not written");
            values.extend(self.memory.read_bf16(first, columns.len()).into_iter().map(f64::from));
        }
        values
    }

    /// f32 values of a buffer that need not be written whole; NaN where they are not.
    pub fn read_f32_partly(&self, buffer: Arg) -> Vec<f64> {
        let address = address(buffer);
        let n = self.memory.len(address) / 4;
        self.memory.read_f32(address, n).into_iter().map(f64::from).collect()
    }
}

pub fn address(buffer: Arg) -> u64 {
    match buffer {
        Arg::Ptr(address) => address,
        other => panic!("{other:?} is no buffer"),
    }
}

pub fn n(value: usize) -> Arg {
    Arg::U32(value as u32)
}

/// About normal numbers.
pub fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    };
    (0..n).map(|_| (0..4).map(|_| uniform()).sum::<f64>() * 0.87).collect()
}

/// The same, as bf16 holds them.
pub fn random_bf16(n: usize, seed: u64) -> Vec<f64> {
    random(n, seed).into_iter().map(bf16).collect()
}

/// The same, as f32 holds them.
pub fn random_f32(n: usize, seed: u64) -> Vec<f64> {
    random(n, seed).into_iter().map(|x| f64::from(x as f32)).collect()
}

/// Nearest bf16.
pub fn bf16(x: f64) -> f64 {
    f64::from(panfoma_ptx_interpreter::bf16_to_f32(panfoma_ptx_interpreter::f32_to_bf16(x as f32)))
}

/// ||found - expected|| / ||expected||
pub fn relative(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let (mut error, mut norm) = (0.0, 0.0);
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.is_finite(), "{found}, expected {expected}");
        error += (found - expected).powi(2);
        norm += expected.powi(2);
    }
    if error == 0.0 { 0.0 } else { (error / norm).sqrt() }
}

/// max |found - expected|
pub fn largest(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let error =
        |(found, expected): (&f64, &f64)| if found == expected { 0.0 } else { (found - expected).abs() };
    let errors = found.iter().zip(expected).map(error);
    errors.fold(0.0, |a, b| if b <= a { a } else { b })
}

#[track_caller]
pub fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    let error = relative(found, expected);
    println!("{what}: {error:.1e} of {tolerance:.0e}");
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, tolerance {tolerance:.0e}");
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// For each line with an instruction of `kind`: its number, and the text without it.
pub fn without_each(text: &str, kind: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_one = |line: &str| !line.trim_start().starts_with("//") && line.contains(kind);
    let places = (0..lines.len()).filter(|&i| is_one(lines[i]));
    places.map(|i| (i + 1, [&lines[..i], &[""], &lines[i + 1..]].concat().join("\n"))).collect()
}
