use super::{Direction, Scan, ScanGrad, SelectiveScan};
use crate::device::cpu::{Buffer, stale};
use crate::device::simd::{Vector, simd_kernel};
use crate::device::{Cpu, Real, Result, Tensor};

/// Steps between checkpoints. The backward pass holds h and exp(dt A) of one chunk of one block of channels:
/// 2 x 16 steps x 16 states x 64 channels of f32 are 128 KiB, which an L2 cache holds.
const CHECKPOINT: usize = 16;

/// Vectors of channels worked on together: their recurrences hide each other's latency.
const WIDTH: usize = 4;

/// Channels are padded to the widest block, so that checkpoints have one layout for all vector widths.
const PADDING: usize = 64;

/// One sequence of a scan, and the sizes.
#[derive(Clone, Copy)]
struct Sequence<'a, T> {
    x: &'a [T],
    dt_raw: &'a [T],
    bc: &'a [T],
    xz: &'a [T],
    dt_bias: &'a [T],
    d: &'a [T],
    /// A log2(e) by block of channels, state, channel: [padded E / block, N, block]
    a: &'a [T],
    e: usize,
    n: usize,
    bc_cols: usize,
    n_valid: usize,
    direction: Direction,
}

impl<'a, T: Real> Sequence<'a, T> {
    fn row(&self, step: usize) -> usize {
        self.direction.row(step, self.n_valid)
    }

    /// B and C of a row.
    #[inline(always)]
    fn b_and_c(&self, row: usize) -> (&'a [T], &'a [T]) {
        let end = (row + 1) * self.bc_cols;
        self.bc[end - 2 * self.n..end].split_at(self.n)
    }
}

/// Channels `c..` of row `row` of a tensor whose rows hold `stride` numbers, `e` of them channels from `first`.
#[inline(always)]
fn channels<V: Vector>(x: &[V::Elem], row: usize, stride: usize, first: usize, e: usize, c: usize) -> V {
    V::at(&x[row * stride + first..][..e], c)
}

fn padded(e: usize) -> usize {
    e.next_multiple_of(PADDING)
}

/// Splits off the vectors of one state of a block: [WIDTH] vectors at `at`.
#[inline(always)]
fn load_block<V: Vector>(x: &[V::Elem], at: usize) -> [V; WIDTH] {
    let x = &x[at..][..WIDTH * V::LANES];
    let mut values = [V::zero(); WIDTH];
    for v in 0..WIDTH {
        values[v] = V::load(&x[v * V::LANES..]);
    }
    values
}

#[inline(always)]
fn store_block<V: Vector>(values: [V; WIDTH], y: &mut [V::Elem], at: usize) {
    let y = &mut y[at..][..WIDTH * V::LANES];
    for v in 0..WIDTH {
        values[v].store(&mut y[v * V::LANES..]);
    }
}

simd_kernel! {
    /// `h`: [padded E * N] the running state, by block, state, channel. `states`: the same once a checkpoint.
    fn forward<'a, T, V>(s: Sequence<'a, T>, h: &'a mut [T], states: &'a mut [T], out: &'a mut [T]) {
        let block = WIDTH * V::LANES;
        let (e, n) = (s.e, s.n);
        h.fill(T::ZERO);
        for (chunk, state) in (0..s.n_valid).step_by(CHECKPOINT).zip(states.chunks_exact_mut(h.len())) {
            state.copy_from_slice(h);
            for first in (0..e).step_by(block) {
                let (a, h) = (&s.a[first * n..][..block * n], &mut h[first * n..][..block * n]);
                for step in chunk..(chunk + CHECKPOINT).min(s.n_valid) {
                    let row = s.row(step);
                    let (b, c) = s.b_and_c(row);
                    let mut dt = [V::zero(); WIDTH];
                    let mut dtx = [V::zero(); WIDTH];
                    let mut y = [V::zero(); WIDTH];
                    for v in 0..WIDTH {
                        let at = first + v * V::LANES;
                        let x: V = channels(s.x, row, e, 0, e, at);
                        dt[v] = (channels::<V>(s.dt_raw, row, e, 0, e, at) + V::at(s.dt_bias, at)).softplus();
                        dtx[v] = dt[v] * x;
                        y[v] = x * V::at(s.d, at);
                    }
                    for i in 0..n {
                        let (b, c) = (V::splat(b[i]), V::splat(c[i]));
                        let a: [V; WIDTH] = load_block(a, i * block);
                        let mut state: [V; WIDTH] = load_block(h, i * block);
                        for v in 0..WIDTH {
                            state[v] = (dt[v] * a[v]).exp2_decay().mul_add(state[v], b * dtx[v]);
                            y[v] = c.mul_add(state[v], y[v]);
                        }
                        store_block(state, h, i * block);
                    }
                    let out = &mut out[row * e..][..e];
                    for v in 0..WIDTH {
                        let at = first + v * V::LANES;
                        let z: V = channels(s.xz, row, 2 * e, e, e, at);
                        (y[v] * z * z.sigmoid()).put(out, at);
                    }
                }
            }
        }
        out[s.n_valid * e..].fill(T::ZERO);
    }
}

/// Gradients of one sequence, and scratch.
struct Backward<'a, T: Real> {
    states: &'a [T],
    d_out: &'a [T],
    dx: &'a mut [T],
    d_dt: &'a mut [T],
    dbc: &'a mut [T],
    dxz: &'a mut [T],
    d_bias: &'a mut [T],
    dd: &'a mut [T],
    /// [padded E * N] dA, and g, in the layout of `Sequence::a`.
    da: &'a mut [T],
    g: &'a mut [T],
    scratch: &'a mut Scratch<T>,
}

/// One chunk of one block of channels; sized for the widest vectors.
struct Scratch<T: Real> {
    /// [CHECKPOINT + 1, N, block] h before each step, and after the last
    h: Buffer<T>,
    /// [CHECKPOINT, N, block] exp(dt A)
    decay: Buffer<T>,
    /// [CHECKPOINT, block] each
    dt: Buffer<T>,
    dy: Buffer<T>,
    /// [CHECKPOINT, 2 N, lanes] dB and dC before the sum over lanes
    dbc: Buffer<T>,
}

impl<T: Real> Scratch<T> {
    fn new(n: usize) -> Self {
        Self {
            h: Buffer::stale((CHECKPOINT + 1) * n * PADDING),
            decay: Buffer::stale(CHECKPOINT * n * PADDING),
            dt: Buffer::stale(CHECKPOINT * PADDING),
            dy: Buffer::stale(CHECKPOINT * PADDING),
            dbc: Buffer::stale(CHECKPOINT * 2 * n * PADDING / WIDTH),
        }
    }
}

simd_kernel! {
    fn backward<'a, T, V>(s: Sequence<'a, T>, grad: Backward<'a, T>) {
        let Backward { states, d_out, dx, d_dt, dbc, dxz, d_bias, dd, da, g, scratch } = grad;
        let block = WIDTH * V::LANES;
        let (e, n) = (s.e, s.n);
        let Scratch { h, decay, dt: dts, dy: dys, dbc: sums } = scratch;
        g.fill(T::ZERO);
        for chunk in (0..s.n_valid).step_by(CHECKPOINT).rev() {
            let steps = CHECKPOINT.min(s.n_valid - chunk);
            let state = &states[chunk / CHECKPOINT * g.len()..][..g.len()];
            sums.fill(T::ZERO);
            for first in (0..e).step_by(block) {
                let a = &s.a[first * n..][..block * n];
                h[..block * n].copy_from_slice(&state[first * n..][..block * n]);
                // Forward again, keeping every h and exp(dt A); dz needs y.
                for k in 0..steps {
                    let row = s.row(chunk + k);
                    let (b, c) = s.b_and_c(row);
                    let mut dt = [V::zero(); WIDTH];
                    let mut dtx = [V::zero(); WIDTH];
                    let mut y = [V::zero(); WIDTH];
                    for v in 0..WIDTH {
                        let at = first + v * V::LANES;
                        let x: V = channels(s.x, row, e, 0, e, at);
                        dt[v] = (channels::<V>(s.dt_raw, row, e, 0, e, at) + V::at(s.dt_bias, at)).softplus();
                        dtx[v] = dt[v] * x;
                        y[v] = x * V::at(s.d, at);
                    }
                    store_block(dt, dts, k * block);
                    let (before, after) = h[k * block * n..].split_at_mut(block * n);
                    for i in 0..n {
                        let (b, c) = (V::splat(b[i]), V::splat(c[i]));
                        let a: [V; WIDTH] = load_block(a, i * block);
                        let mut state: [V; WIDTH] = load_block(before, i * block);
                        let mut kept = [V::zero(); WIDTH];
                        for v in 0..WIDTH {
                            kept[v] = (dt[v] * a[v]).exp2_decay();
                            state[v] = kept[v].mul_add(state[v], b * dtx[v]);
                            y[v] = c.mul_add(state[v], y[v]);
                        }
                        store_block(kept, decay, (k * n + i) * block);
                        store_block(state, after, i * block);
                    }
                    let dz = &mut dxz[row * 2 * e + e..][..e];
                    let mut dy = [V::zero(); WIDTH];
                    for v in 0..WIDTH {
                        let at = first + v * V::LANES;
                        let z: V = channels(s.xz, row, 2 * e, e, e, at);
                        let d: V = channels(d_out, row, e, 0, e, at);
                        let (one, gate) = (V::constant(1.0), z.sigmoid());
                        (d * y[v] * gate * z.mul_add(one - gate, one)).put(dz, at);
                        dy[v] = d * z * gate;
                    }
                    store_block(dy, dys, k * block);
                }
                // Walk back.
                let g = &mut g[first * n..][..block * n];
                let da = &mut da[first * n..][..block * n];
                for k in (0..steps).rev() {
                    let row = s.row(chunk + k);
                    let (b, c) = s.b_and_c(row);
                    let dt: [V; WIDTH] = load_block(dts, k * block);
                    let dy: [V; WIDTH] = load_block(dys, k * block);
                    let mut x = [V::zero(); WIDTH];
                    let mut dtx = [V::zero(); WIDTH];
                    for v in 0..WIDTH {
                        x[v] = channels(s.x, row, e, 0, e, first + v * V::LANES);
                        dtx[v] = dt[v] * x[v];
                    }
                    // sum of dh B, and of q A log2(e)
                    let mut sum_b = [V::zero(); WIDTH];
                    let mut sum_a = [V::zero(); WIDTH];
                    let before = &h[k * block * n..][..block * n];
                    let after = &h[(k + 1) * block * n..][..block * n];
                    let sums = &mut sums[k * 2 * n * V::LANES..][..2 * n * V::LANES];
                    for i in 0..n {
                        let (b, c) = (V::splat(b[i]), V::splat(c[i]));
                        let a: [V; WIDTH] = load_block(a, i * block);
                        let kept: [V; WIDTH] = load_block(decay, (k * n + i) * block);
                        let h0: [V; WIDTH] = load_block(before, i * block);
                        let h1: [V; WIDTH] = load_block(after, i * block);
                        let mut gs: [V; WIDTH] = load_block(g, i * block);
                        let mut das: [V; WIDTH] = load_block(da, i * block);
                        let mut db = V::load(&sums[i * V::LANES..]);
                        let mut dc = V::load(&sums[(n + i) * V::LANES..]);
                        for v in 0..WIDTH {
                            let dh = dy[v].mul_add(c, gs[v]);
                            dc = dy[v].mul_add(h1[v], dc);
                            db = dh.mul_add(dtx[v], db);
                            sum_b[v] = dh.mul_add(b, sum_b[v]);
                            gs[v] = kept[v] * dh;
                            let q = gs[v] * h0[v];
                            sum_a[v] = q.mul_add(a[v], sum_a[v]);
                            das[v] = q.mul_add(dt[v], das[v]);
                        }
                        store_block(gs, g, i * block);
                        store_block(das, da, i * block);
                        db.store(&mut sums[i * V::LANES..]);
                        dc.store(&mut sums[(n + i) * V::LANES..]);
                    }
                    let (dx, d_dt) = (&mut dx[row * e..][..e], &mut d_dt[row * e..][..e]);
                    for v in 0..WIDTH {
                        let at = first + v * V::LANES;
                        dy[v].mul_add(V::at(s.d, at), dt[v] * sum_b[v]).put(dx, at);
                        dy[v].mul_add(x[v], V::at(dd, at)).put(dd, at);
                        let ddt = sum_a[v].mul_add(V::constant(std::f64::consts::LN_2), x[v] * sum_b[v]);
                        let raw: V = channels(s.dt_raw, row, e, 0, e, at);
                        let ddt = ddt * (raw + V::at(s.dt_bias, at)).sigmoid();
                        ddt.put(d_dt, at);
                        (V::at(d_bias, at) + ddt).put(d_bias, at);
                    }
                }
            }
            // The sums over channels end here: once a step, not once a block.
            for k in 0..steps {
                let end = (s.row(chunk + k) + 1) * s.bc_cols;
                let sums = sums[k * 2 * n * V::LANES..][..2 * n * V::LANES].chunks_exact(V::LANES);
                for (dbc, sum) in dbc[end - 2 * n..end].iter_mut().zip(sums) {
                    *dbc = V::load(sum).sum();
                }
            }
        }
        for x in [dx, d_dt] {
            x[s.n_valid * e..].fill(T::ZERO);
        }
        dxz[s.n_valid * 2 * e..].chunks_exact_mut(2 * e).for_each(|row| row[e..].fill(T::ZERO));
        let others = s.bc_cols - 2 * n;
        dbc[s.n_valid * s.bc_cols..].chunks_exact_mut(s.bc_cols).for_each(|row| row[others..].fill(T::ZERO));
    }
}

simd_kernel! {
    /// Channels of one block on this machine.
    fn block_width<'a, T, V>(_any: &'a [T]) -> usize {
        WIDTH * V::LANES
    }
}

/// Where (channel, state) stands in the layout by block, state, channel.
fn place(channel: usize, state: usize, n: usize, block: usize) -> usize {
    (channel / block * n + state) * block + channel % block
}

/// A log2(e) in blocks; padding channels decay by nothing.
fn decay_rates<T: Real>(a_log: &Tensor<Cpu<T>>, block: usize) -> Buffer<T> {
    let (e, n) = (a_log.rows(), a_log.cols());
    let mut a = Buffer::zeros(padded(e) * n);
    for (channel, logs) in a_log.as_slice().chunks_exact(n).enumerate() {
        for (state, log) in logs.iter().enumerate() {
            let rate = -log.to_f64().exp() * std::f64::consts::LOG2_E;
            a[place(channel, state, n, block)] = T::from_f64(rate);
        }
    }
    a
}

/// The sequences of a scan, one by one.
fn sequences<'a, T: Real>(scan: &Scan<'a, Cpu<T>>, a: &'a [T]) -> impl Iterator<Item = Sequence<'a, T>> {
    let (e, n, bc_cols) = (scan.a_log.rows(), scan.a_log.cols(), scan.bc.cols());
    let (rows, direction) = (scan.sequences.len, scan.direction);
    assert_eq!((scan.x.rows(), scan.x.cols()), (scan.sequences.rows(), e));
    assert_eq!(
        (scan.x.shape(), scan.x.rows(), scan.x.rows()),
        (scan.dt_raw.shape(), scan.bc.rows(), scan.xz.rows())
    );
    assert_eq!((scan.xz.cols(), scan.dt_bias.cols(), scan.d.cols()), (2 * e, e, e));
    let (x, dt_raw, bc) = (scan.x.as_slice(), scan.dt_raw.as_slice(), scan.bc.as_slice());
    let (xz, dt_bias, d) = (scan.xz.as_slice(), scan.dt_bias.as_slice(), scan.d.as_slice());
    scan.sequences.n_valid.iter().enumerate().map(move |(i, &n_valid)| Sequence {
        x: &x[i * rows * e..][..rows * e],
        dt_raw: &dt_raw[i * rows * e..][..rows * e],
        bc: &bc[i * rows * bc_cols..][..rows * bc_cols],
        xz: &xz[i * rows * 2 * e..][..rows * 2 * e],
        dt_bias,
        d,
        a,
        e,
        n,
        bc_cols,
        n_valid: n_valid as usize,
        direction,
    })
}

impl<T: Real> SelectiveScan for Cpu<T> {
    fn selective_scan(&self, scan: &Scan<Self>) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let (e, n) = (scan.a_log.rows(), scan.a_log.cols());
        let n_checkpoints = scan.sequences.len.div_ceil(CHECKPOINT);
        let mut out = stale(scan.x.shape());
        let mut states = stale(&[scan.sequences.n, n_checkpoints, padded(e) * n]);
        let mut h = Buffer::stale(padded(e) * n);
        let a = decay_rates(scan.a_log, block_width::<T>(&[]));
        let outs = out.as_mut_slice().chunks_exact_mut(scan.sequences.len * e);
        let all_states = states.as_mut_slice().chunks_exact_mut(n_checkpoints * padded(e) * n);
        for ((sequence, out), states) in sequences(scan, &a).zip(outs).zip(all_states) {
            forward(sequence, &mut h, states, out);
        }
        Ok((out, states))
    }

    fn selective_scan_backward(
        &self,
        scan: &Scan<Self>,
        states: &Tensor<Self>,
        d_out: &Tensor<Self>,
        grad: ScanGrad<Self>,
    ) -> Result<()> {
        let (e, n, rows) = (scan.a_log.rows(), scan.a_log.cols(), scan.sequences.len);
        let bc_cols = scan.bc.cols();
        let block = block_width::<T>(&[]);
        let a = decay_rates(scan.a_log, block);
        let mut da = Buffer::zeros(padded(e) * n);
        let mut g = Buffer::stale(padded(e) * n);
        let mut scratch = Scratch::new(n);
        let per_sequence = states.n_elements() / scan.sequences.n;
        for (i, sequence) in sequences(scan, &a).enumerate() {
            let of = |width: usize| i * rows * width..(i + 1) * rows * width;
            backward(
                sequence,
                Backward {
                    states: &states.as_slice()[i * per_sequence..][..per_sequence],
                    d_out: &d_out.as_slice()[of(e)],
                    dx: &mut grad.x.as_mut_slice()[of(e)],
                    d_dt: &mut grad.dt_raw.as_mut_slice()[of(e)],
                    dbc: &mut grad.bc.as_mut_slice()[of(bc_cols)],
                    dxz: &mut grad.xz.as_mut_slice()[of(2 * e)],
                    d_bias: grad.dt_bias.as_mut_slice(),
                    dd: grad.d.as_mut_slice(),
                    da: &mut da,
                    g: &mut g,
                    scratch: &mut scratch,
                },
            );
        }
        // dA / da_log = A; the rates hold A log2(e).
        for (channel, logs) in grad.a_log.as_mut_slice().chunks_exact_mut(n).enumerate() {
            for (state, d_log) in logs.iter_mut().enumerate() {
                let at = place(channel, state, n, block);
                *d_log += da[at] * a[at] * T::from_f64(std::f64::consts::LN_2);
            }
        }
        Ok(())
    }
}
