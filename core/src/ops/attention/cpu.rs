use super::{Attention, Heads};
use crate::device::cpu::{Buffer, stale};
use crate::device::simd::simd_kernel;
use crate::device::{Cpu, Real, Result, Tensor};
use crate::ops::matmul::cpu::{View, dot, gemm};

/// Most query rows of a block: with 769 keys its scores take 400 KiB, which an L2 cache holds.
/// Chunks of 128 m genes and a [CLS] are cut in m blocks, with no row left over.
const BLOCK: usize = 132;

simd_kernel! {
    /// Each row of scores becomes e^(s - max) over the allowed keys; the sum goes to `sums`, log(sum) + max to `logs`.
    fn softmax_rows<'a, T, V>(
        s: &'a mut [T],
        len: usize,
        blocked: Option<&'a [T]>,
        sums: &'a mut [T],
        logs: &'a mut [T],
    ) {
        let least = V::splat(T::from_f64(f64::NEG_INFINITY));
        let whole = len / V::LANES * V::LANES;
        for ((s, sum), log) in s.chunks_exact_mut(len).zip(sums).zip(logs) {
            if let Some(blocked) = blocked {
                for c in (0..len).step_by(V::LANES) {
                    (V::at(s, c) + V::at(blocked, c)).put(s, c);
                }
            }
            let mut max = least;
            for c in (0..whole).step_by(V::LANES) {
                max = max.max(V::at(s, c));
            }
            let max = s[whole..].iter().fold(max.max_lane(), |a, &b| if b > a { b } else { a });
            let m = V::splat(max);
            let mut total = V::zero();
            for c in (0..whole).step_by(V::LANES) {
                let p = (V::at(s, c) - m).exp();
                total = total + p;
                p.put(s, c);
            }
            let mut tail = T::ZERO;
            if whole < len {
                (V::at(s, whole) - m).exp().put(s, whole);
                s[whole..].iter().for_each(|&p| tail += p);
            }
            *sum = total.sum() + tail;
            *log = max + sum.ln();
        }
    }
}

simd_kernel! {
    /// Scores become probabilities: p = e^(s - log).
    fn probabilities<'a, T, V>(s: &'a mut [T], len: usize, blocked: Option<&'a [T]>, logs: &'a [T]) {
        for (s, &log) in s.chunks_exact_mut(len).zip(logs) {
            let log = V::splat(log);
            for c in (0..len).step_by(V::LANES) {
                let mut x = V::at(s, c) - log;
                if let Some(blocked) = blocked {
                    x = x + V::at(blocked, c);
                }
                x.exp().put(s, c);
            }
        }
    }
}

simd_kernel! {
    /// dP becomes dS = P (dP - D).
    fn score_gradients<'a, T, V>(p: &'a [T], dp: &'a mut [T], len: usize, deltas: &'a [T]) {
        for ((p, dp), &delta) in p.chunks_exact(len).zip(dp.chunks_exact_mut(len)).zip(deltas) {
            let delta = V::splat(delta);
            for c in (0..len).step_by(V::LANES) {
                (V::at(p, c) * (V::at(dp, c) - delta)).put(dp, c);
            }
        }
    }
}

/// One sequence and head of packed rows (q | k | v).
struct Block {
    /// First row of the sequence.
    row: usize,
    len: usize,
    d_model: usize,
    d_head: usize,
    /// First column of the head.
    column: usize,
}

impl Block {
    fn new<T: Real>(qkv: &Tensor<Cpu<T>>, heads: &Heads<Cpu<T>>, sequence: usize, head: usize) -> Self {
        let d_model = qkv.cols() / 3;
        let d_head = d_model / heads.n_heads;
        Self { row: sequence * heads.len, len: heads.len, d_model, d_head, column: head * d_head }
    }

    fn scale(&self) -> f64 {
        1.0 / (self.d_head as f64).sqrt()
    }

    /// Where rows from `from` of part 0 = q, 1 = k, 2 = v begin.
    fn offset(&self, part: usize, from: usize) -> usize {
        (self.row + from) * 3 * self.d_model + part * self.d_model + self.column
    }

    fn part<'a, T>(&self, qkv: &'a [T], part: usize, from: usize, rows: usize) -> View<'a, T> {
        View::new(&qkv[self.offset(part, from)..], rows, self.d_head, 3 * self.d_model)
    }

    /// Rows of this head in a [rows, D] tensor.
    fn rows<'a, T>(&self, x: &'a [T], from: usize, rows: usize) -> View<'a, T> {
        View::new(&x[(self.row + from) * self.d_model + self.column..], rows, self.d_head, self.d_model)
    }

    /// Scaled scores of a block of query rows against all keys.
    fn scores<T: Real>(&self, qkv: &[T], from: usize, rows: usize, s: &mut [T]) {
        let (q, k) = (self.part(qkv, 0, from, rows), self.part(qkv, 1, 0, self.len));
        gemm(q, k.t(), self.scale(), false, s, self.len);
    }
}

/// 0 at keys, -inf at padding; `None` if every key counts.
fn blocked<T: Real>(keys: &[u32]) -> Option<Buffer<T>> {
    keys.contains(&0).then(|| {
        let mut blocked = Buffer::zeros(keys.len());
        for (b, _) in blocked.iter_mut().zip(keys).filter(|(_, key)| **key == 0) {
            *b = T::from_f64(f64::NEG_INFINITY);
        }
        blocked
    })
}

/// (first row, rows) of each block: as few as possible, of about equal size.
fn blocks(len: usize) -> impl Iterator<Item = (usize, usize)> {
    let rows = len.div_ceil(len.div_ceil(BLOCK));
    (0..len).step_by(rows).map(move |from| (from, rows.min(len - from)))
}

impl<T: Real> Attention for Cpu<T> {
    fn attention(&self, qkv: &Tensor<Self>, heads: &Heads<Self>) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let len = heads.len;
        assert_eq!((qkv.rows(), qkv.rows()), (heads.n_sequences * len, heads.keys.len()));
        let mut o = stale(&[qkv.rows(), qkv.cols() / 3]);
        let mut logs = stale(&[heads.n_sequences * heads.n_heads, len]);
        let mut s = Buffer::stale(BLOCK.min(len) * len);
        let mut sums = Buffer::stale(BLOCK);
        for sequence in 0..heads.n_sequences {
            let blocked = blocked(&heads.keys[sequence * len..][..len]);
            for head in 0..heads.n_heads {
                let at = Block::new(qkv, heads, sequence, head);
                let log = &mut logs.as_mut_slice()[(sequence * heads.n_heads + head) * len..][..len];
                for (from, rows) in blocks(len) {
                    let (s, sums) = (&mut s[..rows * len], &mut sums[..rows]);
                    at.scores(qkv.as_slice(), from, rows, s);
                    softmax_rows(s, len, blocked.as_deref(), sums, &mut log[from..][..rows]);
                    let first = (at.row + from) * at.d_model + at.column;
                    let out = &mut o.as_mut_slice()[first..];
                    let v = at.part(qkv.as_slice(), 2, 0, len);
                    gemm(View::new(s, rows, len, len), v, 1.0, false, out, at.d_model);
                    for (out, &sum) in out.chunks_mut(at.d_model).zip(&*sums) {
                        let share = T::ONE / sum;
                        out[..at.d_head].iter_mut().for_each(|x| *x = *x * share);
                    }
                }
            }
        }
        Ok((o, logs))
    }

    fn attention_backward(
        &self,
        qkv: &Tensor<Self>,
        o: &Tensor<Self>,
        log_sum: &Tensor<Self>,
        d_o: &Tensor<Self>,
        heads: &Heads<Self>,
    ) -> Result<Tensor<Self>> {
        let len = heads.len;
        assert_eq!((o.shape(), o.rows()), (d_o.shape(), qkv.rows()));
        let mut dqkv = stale(qkv.shape());
        let mut p = Buffer::stale(BLOCK.min(len) * len);
        let mut ds = Buffer::stale(BLOCK.min(len) * len);
        let mut deltas = Buffer::stale(BLOCK);
        for sequence in 0..heads.n_sequences {
            let blocked = blocked(&heads.keys[sequence * len..][..len]);
            for head in 0..heads.n_heads {
                let at = Block::new(qkv, heads, sequence, head);
                let log = &log_sum.as_slice()[(sequence * heads.n_heads + head) * len..][..len];
                let (all, stride) = (qkv.as_slice(), 3 * at.d_model);
                for (from, rows) in blocks(len) {
                    let (p, ds) = (&mut p[..rows * len], &mut ds[..rows * len]);
                    at.scores(all, from, rows, p);
                    probabilities(p, len, blocked.as_deref(), &log[from..][..rows]);
                    for (r, delta) in deltas[..rows].iter_mut().enumerate() {
                        let first = (at.row + from + r) * at.d_model + at.column;
                        let row = first..first + at.d_head;
                        *delta = dot(&o.as_slice()[row.clone()], &d_o.as_slice()[row]);
                    }
                    let d_out = at.rows(d_o.as_slice(), from, rows);
                    gemm(d_out, at.part(all, 2, 0, len).t(), 1.0, false, ds, len);
                    score_gradients(p, ds, len, &deltas[..rows]);
                    let (p, ds) = (View::new(p, rows, len, len), View::new(ds, rows, len, len));
                    let (q, k) = (at.part(all, 0, from, rows), at.part(all, 1, 0, len));
                    let [dq, dk, dv] = [at.offset(0, from), at.offset(1, 0), at.offset(2, 0)];
                    let (d_all, more) = (dqkv.as_mut_slice(), from > 0);
                    gemm(p.t(), d_out, 1.0, more, &mut d_all[dv..], stride);
                    gemm(ds.t(), q, at.scale(), more, &mut d_all[dk..], stride);
                    gemm(ds, k, at.scale(), false, &mut d_all[dq..], stride);
                }
            }
        }
        Ok(dqkv)
    }

    fn attention_probabilities(
        &self,
        qkv: &Tensor<Self>,
        heads: &Heads<Self>,
        sequence: usize,
        head: usize,
    ) -> Result<Vec<f32>> {
        let len = heads.len;
        let at = Block::new(qkv, heads, sequence, head);
        let blocked = blocked(&heads.keys[sequence * len..][..len]);
        let mut p = Buffer::stale(len * len);
        let (mut sums, mut logs) = (Buffer::stale(len), Buffer::stale(len));
        at.scores(qkv.as_slice(), 0, len, &mut p);
        softmax_rows(&mut p, len, blocked.as_deref(), &mut sums, &mut logs);
        let rows = p.chunks_exact(len).zip(&*sums);
        Ok(rows.flat_map(|(p, &sum)| p.iter().map(move |&p| (p / sum).to_f64() as f32)).collect())
    }
}
