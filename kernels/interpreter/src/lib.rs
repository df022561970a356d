//! Runs PTX on the CPU, and finds what is wrong with it.
//!
//! For tests only: the kernels of `panfoma-kernels` are proven with it before they meet a device. It executes the
//! subset of PTX that those kernels use, warp by warp, in an order that a seed decides, and stops at the first
//! mistake with kernel, line, block, warp and lane (see [`Kind`] for what it finds).
//!
//! ```
//! use panfoma_ptx_interpreter::{Arg, Launch, Memory, Module, Options, launch};
//!
//! let module = Module::parse(
//!     ".version 7.0
//!      .target sm_80
//!      .address_size 64
//!      .visible .entry twice(.param .u64 .ptr .global .align 4 p_x, .param .u64 .ptr .global .align 4 p_y)
//!      {
//!          .reg .b32 %i;
//!          .reg .f32 %x;
//!          .reg .b64 %at, %px, %py;
//!          ld.param.u64 %px, [p_x];
//!          ld.param.u64 %py, [p_y];
//!          mov.u32 %i, %tid.x;
//!          mul.wide.u32 %at, %i, 4;
//!          add.s64 %px, %px, %at;
//!          add.s64 %py, %py, %at;
//!          ld.global.f32 %x, [%px];
//!          add.rn.f32 %x, %x, %x;
//!          st.global.f32 [%py], %x;
//!          ret;
//!      }",
//! )?;
//! let kernel = module.entry("twice").unwrap();
//! let mut memory = Memory::new();
//! let x = memory.alloc_f32(&[1.0, 2.0, 3.0]);
//! let y = memory.alloc(12);
//! let shape = Launch { grid: [1, 1, 1], block: [3, 1, 1], dynamic_shared: 0 };
//! let counters = launch(&mut memory, kernel, &shape, &[Arg::Ptr(x), Arg::Ptr(y)], &Options::default())?;
//! memory.require_written(kernel, y)?;
//! assert_eq!(memory.read_f32(y, 3), [2.0, 4.0, 6.0]);
//! assert_eq!(counters.warp_instructions, 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it cannot see: the assembler and the driver, timing, the memory model between blocks beyond "no byte is shared",
//! the exact rounding inside `mma`, the exact bits of `ex2.approx` and its like (see [`Options`]).

mod arguments;
mod barrier;
mod block;
mod class;
mod counters;
mod cursor;
mod declarations;
mod decode;
mod entry;
mod exec;
mod finding;
mod half;
mod history;
mod isa;
mod join;
mod lanes;
mod launch;
mod lex;
mod matrix;
mod memory;
mod mufu;
pub mod mutation;
mod overlay;
mod parse;
mod random;
mod shadow;
mod shared;
mod warp;

pub use class::Class;
pub use counters::Counters;
pub use finding::{Finding, Kind};
pub use half::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
pub use launch::{Arg, Launch, Options, launch, launch_raw};
pub use memory::Memory;
pub use parse::{Kernel, Module, Param, ParseError};
