//! Kernels that take every tensor of a model in one launch: AdamW with the bits of the CPU's arithmetic, the global norm in
//! f64, zeros.

mod support;

use panfoma_ptx_interpreter::Arg;
use support::*;

/// Numbers of a block of `adamw`, and of the others.
const MOVED: usize = 1024;
const SUMMED: usize = 1 << 14;

/// One number, fewer than a block, whole blocks, a few more.
const SIZES: [usize; 6] = [1, 33, 1025, 2048, 769, 3];

fn f32s(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

/// Blocks of `per_block` numbers of each tensor: where they begin, and how many there are.
fn first_blocks(sizes: &[usize], per_block: usize) -> (Vec<u64>, usize) {
    let (mut firsts, mut next) = (Vec::new(), 0);
    for n in sizes {
        firsts.push(next as u64);
        next += n.div_ceil(per_block);
    }
    (firsts, next)
}

/// A parameter as AdamW sees it.
struct Parameter {
    numbers: [Vec<f64>; 4],
    keep: f32,
    has_copy: bool,
}

fn parameter(size: usize, seed: u64) -> Parameter {
    let [value, gradient, first] = [1, 2, 3].map(|i| random_f32(size, 10 * seed + i));
    let second: Vec<f64> = random_f32(size, 10 * seed + 4).iter().map(|x| x.abs()).collect();
    let keep = if seed.is_multiple_of(2) { (1.0 - 3e-3 * 0.1) as f32 } else { 1.0 };
    Parameter { numbers: [value, gradient, first, second], keep, has_copy: !seed.is_multiple_of(3) }
}

/// factor, rate, unbias, b1, c1, b2, c2, eps
fn constants() -> [f32; 8] {
    let (lr, beta1, beta2, eps, t) = (3e-3, 0.9, 0.98, 1e-8, 5.0);
    let rate = lr / (1.0 - f64::powf(beta1, t));
    let unbias = (1.0 - f64::powf(beta2, t)).sqrt().recip();
    [0.37, rate, unbias, beta1, 1.0 - beta1, beta2, 1.0 - beta2, eps].map(|x| x as f32)
}

/// Value, moments and copy of every parameter after one launch.
fn moved(parameters: &[Parameter]) -> Vec<[Vec<f64>; 4]> {
    let mut g = Device::new();
    let sizes: Vec<usize> = parameters.iter().map(|p| p.numbers[0].len()).collect();
    let (firsts, blocks) = first_blocks(&sizes, MOVED);
    let (mut table, mut buffers) = (Vec::new(), Vec::new());
    for (p, first) in parameters.iter().zip(firsts) {
        let [value, gradient, m, v] = [0, 1, 2, 3].map(|i| g.f32(&p.numbers[i]));
        let n = p.numbers[0].len();
        let copy = if p.has_copy { g.empty(2 * n) } else { Arg::Ptr(0) };
        let pointers = [value, gradient, m, v, copy].map(address);
        table.extend(pointers);
        table.extend([n as u64 | first << 32, u64::from(p.keep.to_bits()), 0]);
        buffers.push(([value, m, v], copy));
    }
    let table = g.u64(&table);
    let args = [&[table, n(parameters.len())], &constants().map(Arg::F32)[..]].concat();
    g.launch(&kernel("adamw"), flat(blocks, 1).of(256), &args);
    let read = |(whole, copy): ([Arg; 3], Arg)| {
        let [value, m, v] = whole.map(|buffer| g.read_f32(buffer));
        [value, m, v, if address(copy) == 0 { Vec::new() } else { g.read_bf16(copy) }]
    };
    buffers.into_iter().map(read).collect()
}

/// As core/src/ops/adamw writes it, every operation rounded to f32.
#[test]
fn adamw_has_the_bits_of_the_cpu() {
    let parameters: Vec<Parameter> =
        SIZES.iter().zip(0..).map(|(&size, seed)| parameter(size, seed)).collect();
    let [factor, rate, unbias, b1, c1, b2, c2, eps] = constants();
    for (of, found) in parameters.iter().zip(moved(&parameters)) {
        let [mut p, d, mut m, mut v] = [0, 1, 2, 3].map(|i| f32s(&of.numbers[i]));
        for i in 0..p.len() {
            let d = d[i] * factor;
            m[i] = b1 * m[i] + c1 * d;
            v[i] = b2 * v[i] + c2 * d * d;
            p[i] = p[i] * of.keep - rate * m[i] / (v[i].sqrt() * unbias + eps);
        }
        let copy: Vec<f64> = p.iter().filter(|_| of.has_copy).map(|&p| bf16(f64::from(p))).collect();
        assert_eq!([0, 1, 2].map(|i| f32s(&found[i])), [p, m, v]);
        assert_eq!(found[3], copy);
    }
}

#[test]
fn one_launch_moves_tensors_as_a_launch_for_each_does() {
    let parameters: Vec<Parameter> =
        SIZES.iter().zip(0..).map(|(&size, seed)| parameter(size, seed)).collect();
    let apart: Vec<_> = parameters.iter().flat_map(|p| moved(std::slice::from_ref(p))).collect();
    assert_eq!(moved(&parameters), apart);
}

/// A table of [address, n, first block], and the blocks.
fn ranges(g: &mut Device, tensors: &[Arg], sizes: &[usize]) -> (Arg, usize) {
    let (firsts, blocks) = first_blocks(sizes, SUMMED);
    let rows = tensors.iter().zip(sizes).zip(firsts);
    let table: Vec<u64> = rows.flat_map(|((&x, &n), first)| [address(x), n as u64 | first << 32]).collect();
    (g.u64(&table), blocks)
}

#[test]
fn sums_of_squares_of_all_tensors() {
    // Two a little more than a part, one exactly.
    let sizes = [SUMMED + 1 + 3, 33, SUMMED, 1, 2 * SUMMED + 2];
    let tensors: Vec<Vec<f64>> = sizes.iter().zip(6..).map(|(&size, seed)| random_f32(size, seed)).collect();
    let mut g = Device::new();
    let buffers: Vec<Arg> = tensors.iter().map(|x| g.f32(x)).collect();
    let (table, blocks) = ranges(&mut g, &buffers, &sizes);
    let parts = g.empty(8 * blocks);
    g.launch(&kernel("sum_of_squares"), flat(blocks, 1).of(256), &[table, parts, n(sizes.len())]);
    let expected: Vec<f64> =
        tensors.iter().flat_map(|x| x.chunks(SUMMED).map(|part| part.iter().map(|x| x * x).sum())).collect();
    let found = g.read_f64(parts);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        // f64 sums in another order.
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} against {expected}");
    }
    for (x, first) in tensors.iter().zip(first_blocks(&sizes, SUMMED).0) {
        let mut alone = Device::new();
        let buffer = alone.f32(x);
        let (table, blocks) = ranges(&mut alone, &[buffer], &[x.len()]);
        let parts = alone.empty(8 * blocks);
        alone.launch(&kernel("sum_of_squares"), flat(blocks, 1).of(256), &[table, parts, n(1)]);
        assert_eq!(alone.read_f64(parts), found[first as usize..][..blocks]);
    }
}

#[test]
fn zeros_are_written_everywhere_and_nowhere_else() {
    let sizes = [1, 2, 3, 4, 5, 31, SUMMED, 1025, SUMMED + 7];
    let mut g = Device::new();
    let buffers: Vec<Arg> = sizes.iter().map(|&size| g.empty(4 * size)).collect();
    let (table, blocks) = ranges(&mut g, &buffers, &sizes);
    g.launch(&kernel("set_zero"), flat(blocks, 1).of(256), &[table, n(sizes.len())]);
    for (&buffer, &size) in buffers.iter().zip(&sizes) {
        assert_eq!(g.read_f32(buffer), vec![0.0; size]);
    }
}
