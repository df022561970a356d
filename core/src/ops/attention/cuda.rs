use super::{Attention, Heads};
use crate::device::cuda::{Address, Cuda, Driver, Dtype, Groups, floats, kernels, number};
use crate::device::{Device, DeviceError, Result, Tensor};
use std::f32::consts::LOG2_E;

/// Rows of Q of a block of the forward kernel, and rows a block owns in the backward kernels.
const FORWARD_ROWS: usize = 128;
const BACKWARD_ROWS: usize = 64;
/// Numbers of a block of the backward pass's first step: 8 a thread.
const NUMBERS: usize = 8 * 128;
/// Widths of heads that kernels exist for.
const WIDTHS: [usize; 2] = [32, 64];

/// Launches the kernel of a width; both take the same arguments.
macro_rules! launch {
    ($b:expr, $wide:expr, $grid:expr, $narrow:ident | $other:ident { $($arguments:tt)* }) => {
        match $wide {
            32 => $b.launch(&kernels::$narrow { $($arguments)* }, $grid),
            _ => $b.launch(&kernels::$other { $($arguments)* }, $grid),
        }
    };
}

/// The sizes of a call.
struct Sizes {
    n_sequences: usize,
    len: usize,
    n_heads: usize,
    /// Width of a head of the model, and of the kernels that suit it.
    width: usize,
    wide: usize,
}

impl Sizes {
    fn new<D: Driver>(b: &Cuda<D>, heads: &Heads<Cuda<D>>, d_model: usize) -> Result<Self> {
        let width = d_model / heads.n_heads;
        let wide = WIDTHS.into_iter().find(|&wide| width <= wide);
        let wide = wide.ok_or_else(|| DeviceError::Failed {
            device: b.driver().name(),
            message: format!("a head has {width} columns; attention kernels exist for at most 64"),
        })?;
        assert_eq!(heads.keys.len(), heads.n_sequences * heads.len);
        Ok(Self { n_sequences: heads.n_sequences, len: heads.len, n_heads: heads.n_heads, width, wide })
    }

    fn rows(&self) -> usize {
        self.n_sequences * self.len
    }

    fn grid(&self, rows: usize) -> [usize; 3] {
        [self.len.div_ceil(rows), self.n_heads, self.n_sequences]
    }

    /// 1 / sqrt(width): zeros that fill a head up do not count.
    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// x with heads as wide as the kernels': x itself if they are. `parts`: 3 of q, k, v; 1 of O.
    fn widened<'a, D: Driver>(
        &self,
        b: &Cuda<D>,
        x: &'a Tensor<Cuda<D>>,
        parts: usize,
        holder: &'a mut Option<Tensor<Cuda<D>>>,
    ) -> Result<&'a Tensor<Cuda<D>>> {
        assert_eq!((x.rows(), x.dtype()), (self.rows(), Dtype::Bf16));
        if self.width == self.wide {
            return Ok(x);
        }
        let mut wide = self.unwritten(b, parts)?;
        self.regroup(b, parts, [x.at(), wide.at_mut()], [self.width, self.wide])?;
        Ok(holder.insert(wide))
    }

    /// A tensor of heads as wide as the kernels'.
    fn unwritten<D: Driver>(&self, b: &Cuda<D>, parts: usize) -> Result<Tensor<Cuda<D>>> {
        b.unwritten(&[self.rows(), parts * self.n_heads * self.wide], Dtype::Bf16)
    }

    /// The columns of x's heads that the model has.
    fn narrowed<D: Driver>(&self, b: &Cuda<D>, x: Tensor<Cuda<D>>, parts: usize) -> Result<Tensor<Cuda<D>>> {
        if self.width == self.wide {
            return Ok(x);
        }
        let mut y = b.unwritten(&[self.rows(), parts * self.n_heads * self.width], Dtype::Bf16)?;
        self.regroup(b, parts, [x.at(), y.at_mut()], [self.wide, self.width])?;
        Ok(y)
    }

    fn regroup<D: Driver>(
        &self,
        b: &Cuda<D>,
        parts: usize,
        at: [Address; 2],
        width: [usize; 2],
    ) -> Result<()> {
        let groups = parts * self.n_heads;
        let side = |i: usize| Groups { at: at[i], width: width[i], stride: groups * width[i] };
        // SAFETY: both tensors have the rows and columns said here.
        unsafe { b.regroup(Dtype::Bf16, self.rows(), groups, side(0), side(1)) }
    }
}

impl<D: Driver> Attention for Cuda<D> {
    fn attention(&self, qkv: &Tensor<Self>, heads: &Heads<Self>) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let sizes = Sizes::new(self, heads, qkv.cols() / 3)?;
        let mut holder = None;
        let qkv = sizes.widened(self, qkv, 3, &mut holder)?;
        let mut o = sizes.unwritten(self, 1)?;
        let mut logs = self.unwritten(&[heads.n_sequences * heads.n_heads, heads.len], Dtype::F32)?;
        // SAFETY: `Sizes` compared the tensors with each other.
        unsafe {
            launch!(
                self,
                sizes.wide,
                sizes.grid(FORWARD_ROWS),
                AttentionFwdD32
                    | AttentionFwdD64 {
                        qkv: qkv.read(),
                        keys: heads.keys.read(),
                        o: o.write(),
                        log_sum: logs.write(),
                        len: number(heads.len),
                        n_heads: number(heads.n_heads),
                        scale_log2: LOG2_E * sizes.scale(),
                    }
            )?;
        }
        Ok((sizes.narrowed(self, o, 1)?, logs))
    }

    fn attention_backward(
        &self,
        qkv: &Tensor<Self>,
        o: &Tensor<Self>,
        log_sum: &Tensor<Self>,
        d_o: &Tensor<Self>,
        heads: &Heads<Self>,
    ) -> Result<Tensor<Self>> {
        let sizes = Sizes::new(self, heads, qkv.cols() / 3)?;
        let (mut held_qkv, mut held_o, mut held_d_o) = (None, None, None);
        let qkv = sizes.widened(self, qkv, 3, &mut held_qkv)?;
        let o = sizes.widened(self, o, 1, &mut held_o)?;
        let d_o = sizes.widened(self, d_o, 1, &mut held_d_o)?;
        let mut dqkv = sizes.unwritten(self, 3)?;
        let n_rows = sizes.rows() * sizes.n_heads;
        let mut rows = self.unwritten(&[n_rows, 2], Dtype::F32)?;
        let (len, n_heads) = (number(sizes.len), number(sizes.n_heads));
        let grid = [n_rows.div_ceil(NUMBERS / sizes.wide), 1, 1];
        // SAFETY: `Sizes` compared the tensors with each other.
        unsafe {
            launch!(
                self,
                sizes.wide,
                grid,
                AttentionBwdRowsD32
                    | AttentionBwdRowsD64 {
                        o: o.read(),
                        d_o: d_o.read(),
                        log_sum: log_sum.read(),
                        rows: rows.write(),
                        len,
                        n_heads,
                        n_rows: number(n_rows),
                    }
            )?;
        }
        let (scale, grid) = (sizes.scale(), sizes.grid(BACKWARD_ROWS));
        // SAFETY: as above.
        unsafe {
            launch!(
                self,
                sizes.wide,
                grid,
                AttentionBwdDkdvD32
                    | AttentionBwdDkdvD64 {
                        qkv: qkv.read(),
                        keys: heads.keys.read(),
                        d_o: d_o.read(),
                        rows: rows.read(),
                        dqkv: dqkv.write(),
                        len,
                        n_heads,
                        scale,
                        scale_log2: LOG2_E * scale,
                    }
            )?;
            launch!(
                self,
                sizes.wide,
                grid,
                AttentionBwdDqD32
                    | AttentionBwdDqD64 {
                        qkv: qkv.read(),
                        keys: heads.keys.read(),
                        d_o: d_o.read(),
                        rows: rows.read(),
                        dqkv: dqkv.write(),
                        len,
                        n_heads,
                        scale,
                        scale_log2: LOG2_E * scale,
                    }
            )?;
        }
        sizes.narrowed(self, dqkv, 3)
    }

    /// On the host: whoever looks at attention reads every number of it anyway.
    fn attention_probabilities(
        &self,
        qkv: &Tensor<Self>,
        heads: &Heads<Self>,
        sequence: usize,
        head: usize,
    ) -> Result<Vec<f32>> {
        let (len, stride) = (heads.len, qkv.cols());
        let d_head = stride / 3 / heads.n_heads;
        assert_eq!((qkv.rows(), qkv.dtype()), (heads.n_sequences * len, Dtype::Bf16));
        let mut bytes = vec![0; len * stride * Dtype::Bf16.bytes()];
        // SAFETY: the rows of one sequence are inside the tensor.
        unsafe { self.driver().download(qkv.at() + (sequence * bytes.len()) as u64, &mut bytes)? };
        let rows = floats(&bytes, Dtype::Bf16);
        let keys = match heads.keys.host() {
            Some(keys) => keys[sequence * len..][..len].to_vec(),
            None => self.index_to_host(heads.keys)?[sequence * len..][..len].to_vec(),
        };
        let part =
            |row: usize, part: usize| &rows[row * stride + part * stride / 3 + head * d_head..][..d_head];
        let scale = 1.0 / (d_head as f64).sqrt();
        let mut p = Vec::with_capacity(len * len);
        for query in 0..len {
            let score = |key: usize| {
                let dot: f32 = part(query, 0).iter().zip(part(key, 1)).map(|(q, k)| q * k).sum();
                if keys[key] == 0 { f64::NEG_INFINITY } else { f64::from(dot) * scale }
            };
            let scores: Vec<f64> = (0..len).map(score).collect();
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
            p.extend(scores.iter().map(|s| ((s - max).exp() / sum) as f32));
        }
        Ok(p)
    }
}
