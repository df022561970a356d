//! What a piece of work costs at least: its bytes at the speed of a copy, its products at the speed of a product, its
//! exponentials at 16 a clock and processor, all measured or read on the card at hand.

use panfoma_core::device::Result;
use panfoma_core::device::cuda::{Cuda, Driver, Dtype, Gpu, Launch, Operand, Product};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Instant;

/// What the card reaches.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ceilings {
    /// Read and written, of a copy of 16 bytes for each number of the product (1 GiB).
    pub bytes_per_s: f64,
    /// Of a bf16 product of square matrices (8192).
    pub flops: f64,
    /// Special functions (e^x, 1/x, log): 16 a clock on each processor.
    pub specials_per_s: f64,
}

/// Pieces of work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub bytes: f64,
    pub flops: f64,
    pub specials: f64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.flops += other.flops;
        self.specials += other.specials;
    }
}

impl Ceilings {
    /// Measures a card with a product of n x n matrices.
    pub fn measure(b: &Cuda<Gpu>, n: usize) -> Result<Self> {
        let gpu = b.driver();
        let best = |run: &dyn Fn() -> Result<()>| -> Result<f64> {
            let mut best = f64::INFINITY;
            for _ in 0..6 {
                gpu.synchronize()?;
                let started = Instant::now();
                run()?;
                gpu.synchronize()?;
                best = best.min(started.elapsed().as_secs_f64());
            }
            Ok(best)
        };
        let bytes = 16 * n * n;
        let [x, y] = [gpu.allocate(bytes)?, gpu.allocate(bytes)?];
        // SAFETY: both blocks have so many bytes; a matrix takes an eighth of them.
        let (copied, multiplied) = unsafe {
            gpu.zero(x, bytes)?;
            let operand = |at| Operand { at, stride: n, transposed: false };
            let product = Product {
                m: n,
                n,
                k: n,
                a: operand(x),
                b: operand(x + (bytes / 2) as u64),
                y: operand(y),
                dtype: Dtype::Bf16,
                onto: None,
                bias: None,
            };
            (best(&|| gpu.copy(x, y, bytes))?, best(&|| gpu.multiply(product))?)
        };
        // SAFETY: the blocks were allocated above and are used no more.
        unsafe {
            gpu.free(x);
            gpu.free(y);
        }
        let (processors, clock) = gpu.processors()?;
        Ok(Self {
            bytes_per_s: 2.0 * bytes as f64 / copied,
            flops: 2.0 * (n as f64).powi(3) / multiplied,
            specials_per_s: 16.0 * f64::from(processors) * clock,
        })
    }

    /// Least seconds of some work.
    pub fn seconds(&self, work: &Work) -> f64 {
        (work.bytes / self.bytes_per_s).max(work.flops / self.flops).max(work.specials / self.specials_per_s)
    }
}

impl Work {
    /// Of a product: every matrix is moved once.
    pub fn of_product(p: &Product) -> Self {
        let [m, n, k] = [p.m, p.n, p.k].map(|x| x as f64);
        let y = m * n * p.dtype.bytes() as f64 * if p.onto.is_some() { 2.0 } else { 1.0 };
        Self { flops: 2.0 * m * n * k, bytes: 2.0 * (m * k + k * n) + y, specials: 0.0 }
    }

    /// Of a launch, from its arguments; nothing where a kernel is not listed here.
    pub fn of_launch(launch: &Launch<'_>) -> Self {
        let number = |name: &str| -> f64 {
            let param = launch.kernel.params.iter().find(|param| param.name == name && param.bytes == 4);
            param.map_or(0.0, |param| {
                let bytes = launch.arguments[param.offset..][..4].try_into().expect("four bytes");
                f64::from(u32::from_le_bytes(bytes))
            })
        };
        let name = launch.kernel.name.trim_start_matches("pf_");
        let grid: Vec<f64> = launch.grid.iter().map(|&n| f64::from(n)).collect();
        // Bytes of a number of the flat kernels, read and written.
        let flat = BTreeMap::from([
            ("gelu_fwd", 4.0),
            ("gelu_bwd", 6.0),
            ("gated_fusion_fwd", 10.0),
            ("gated_fusion_bwd", 14.0),
            ("cast_f32_bf16", 6.0),
            ("add_f32", 12.0),
        ]);
        let row = number("n_rows") * number("cols");
        let tokens = number("len") * number("n_channels");
        let attention = |products: f64| {
            let width = if name.ends_with("d32") { 32.0 } else { 64.0 };
            let pairs = number("len") * number("len") * grid[1] * grid[2];
            let moved = number("len") * grid[1] * grid[2] * width * 2.0;
            Self { flops: 2.0 * products * pairs * width, bytes: moved * (products + 2.0), specials: pairs }
        };
        let moved = |bytes: f64| Self { bytes, ..Self::default() };
        match name {
            // Blocks of 1024 and 16384 numbers, of which a tensor's last may have fewer.
            "adamw" => moved(30.0 * 1024.0 * grid[0]),
            "sum_of_squares" | "set_zero" => moved(4.0 * 16384.0 * grid[0]),
            _ if flat.contains_key(name) => moved(flat[name] * number("n")),
            _ if name.starts_with("attention_fwd") => attention(2.0),
            _ if name.starts_with("attention_bwd_dkdv") => attention(4.0),
            _ if name.starts_with("attention_bwd_dq") => attention(3.0),
            // 16 decays, softplus and gate; x, dt, z and out; a checkpoint of 16 f32 every 32 steps.
            "selective_scan_fwd" => {
                Self { bytes: 10.0 * tokens * grid[1], specials: 19.0 * tokens * grid[1], flops: 0.0 }
            }
            // The decays twice; x, dt, z, dO in and dx, d dt, dz out.
            "selective_scan_bwd" => {
                Self { bytes: 16.0 * tokens * grid[1], specials: 37.0 * tokens * grid[1], flops: 0.0 }
            }
            "causal_conv_fwd" => {
                Self { bytes: 4.0 * tokens * grid[2], specials: 2.0 * tokens * grid[2], flops: 0.0 }
            }
            "causal_conv_bwd" => {
                Self { bytes: 6.0 * tokens * grid[2], specials: 2.0 * tokens * grid[2], flops: 0.0 }
            }
            _ if name.starts_with("layer_norm_fwd") || name.starts_with("rms_norm_fwd") => moved(4.0 * row),
            _ if name.starts_with("layer_norm_bwd") || name.starts_with("rms_norm_bwd") => moved(8.0 * row),
            "gather_rows_bf16" => moved(4.0 * row),
            "gather_rows_f32" | "scatter_rows_add" => moved(6.0 * row),
            "embed_tokens" => moved(10.0 * row),
            "column_sums" => moved(2.0 * row),
            "cross_entropy" => moved(4.0 * row),
            "mean_pool_bwd" => moved(4.0 * row),
            _ => Self::default(),
        }
    }
}
