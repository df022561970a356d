//! Every barrier of the kernels that add up in two steps is needed; attention, scan and sort have this test of their own.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

/// A kernel and a launch of it. Buffers of zeros do: only the order of accesses matters.
struct Case {
    kernel: &'static str,
    grid: [usize; 3],
    block: usize,
    /// Bytes of each buffer, in the order of the arguments.
    buffers: &'static [usize],
    /// The arguments behind them.
    sizes: &'static [usize],
    /// A last argument that is no integer.
    float: Option<f32>,
}

fn runs(case: &Case, text: &str) -> Result<(), panfoma_ptx_interpreter::Finding> {
    let mut g = Device::new();
    let mut args: Vec<Arg> =
        case.buffers.iter().map(|&bytes| Arg::Ptr(g.memory.alloc_bytes(&vec![0; bytes]))).collect();
    args.extend(case.sizes.iter().map(|&size| n(size)));
    args.extend(case.float.map(Arg::F32));
    g.try_launch(
        &kernel_of(case.kernel, text),
        Shape { grid: case.grid, block: case.block, shared: 0 },
        &args,
    )
}

const CASES: &[Case] = &[
    Case {
        kernel: "column_sums",
        grid: [2, 1, 1],
        block: 256,
        buffers: &[33 * 130, 260],
        sizes: &[33, 65, 33],
        float: None,
    },
    Case {
        kernel: "add_parts",
        grid: [2, 1, 1],
        block: 256,
        buffers: &[33 * 132, 132],
        sizes: &[33, 33, 33],
        float: None,
    },
    Case {
        kernel: "mean_pool_fwd",
        grid: [1, 1, 1],
        block: 256,
        buffers: &[40 * 128, 4, 128],
        sizes: &[40, 64],
        float: None,
    },
    Case {
        // A table with one tensor of no numbers.
        kernel: "sum_of_squares",
        grid: [1, 1, 1],
        block: 256,
        buffers: &[16, 8],
        sizes: &[1],
        float: None,
    },
    Case {
        kernel: "cross_entropy_sums",
        grid: [1, 1, 1],
        block: 256,
        buffers: &[1200, 1200, 16],
        sizes: &[300],
        float: None,
    },
    Case {
        kernel: "cross_entropy",
        grid: [1, 1, 1],
        block: 128,
        buffers: &[4 * 66, 16, 16, 16, 16],
        sizes: &[4, 33],
        float: Some(1.0),
    },
    Case {
        kernel: "layer_norm_bwd_v1",
        grid: [1, 1, 1],
        block: 256,
        buffers: &[10 * 512, 80, 1024, 10 * 512, 10 * 512, 2048],
        sizes: &[10, 256],
        float: None,
    },
    Case {
        kernel: "rms_norm_bwd_v2",
        grid: [1, 1, 1],
        block: 256,
        buffers: &[10 * 1024, 40, 2048, 10 * 1024, 10 * 1024, 2048],
        sizes: &[10, 512],
        float: None,
    },
];

#[test]
fn every_barrier_is_needed() {
    for case in CASES {
        let text = source(case.kernel);
        runs(case, &text).unwrap_or_else(|e| panic!("{e}"));
        let without = without_each(&text, "bar.");
        assert!(!without.is_empty(), "{}", case.kernel);
        for (line, text) in without {
            assert!(runs(case, &text).is_err(), "{} runs without line {line}", case.kernel);
        }
    }
}

/// A kernel with barriers that is in no list would not be tested.
#[test]
fn every_kernel_with_a_barrier_is_in_a_list() {
    let elsewhere = ["attention", "selective_scan", "sort_genes", "layer_norm", "rms_norm"];
    for module in panfoma_kernels::entries::MODULES.iter().filter(|module| module.ptx.contains("\n    bar."))
    {
        let listed = CASES.iter().any(|case| case.kernel == module.name);
        let other = elsewhere.iter().any(|family| module.name.starts_with(family));
        assert!(listed || other, "{}", module.name);
    }
}
