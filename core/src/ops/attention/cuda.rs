use super::{Attention, Heads};
use crate::device::cuda::{Address, Cuda, Driver, Dtype, Groups, kernels, number, pointer};
use crate::device::{Device, DeviceError, Result, Tensor};
use std::f32::consts::LOG2_E;

/// Rows of Q of a block of the forward kernel, and rows a block owns in the others.
const FORWARD_ROWS: usize = 128;
const OTHER_ROWS: usize = 64;
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
        let (scale, grid) = (sizes.scale(), sizes.grid(OTHER_ROWS));
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

    /// The kernels see one sequence with one head, whose columns begin where they do in all of qkv.
    fn attention_probabilities(
        &self,
        qkv: &Tensor<Self>,
        heads: &Heads<Self>,
        sequence: usize,
        head: usize,
    ) -> Result<Vec<f32>> {
        assert!(sequence < heads.n_sequences && head < heads.n_heads, "head {head} of sequence {sequence}");
        assert_eq!((qkv.rows(), qkv.dtype()), (heads.n_sequences * heads.len, Dtype::Bf16));
        let sizes = Sizes { n_sequences: 1, ..Sizes::new(self, heads, qkv.cols() / 3)? };
        let mut at = qkv.at() + (sequence * sizes.len * qkv.cols() * Dtype::Bf16.bytes()) as u64;
        let mut wide = None;
        if sizes.width != sizes.wide {
            let wide = wide.insert(sizes.unwritten(self, 3)?);
            sizes.regroup(self, 3, [at, wide.at_mut()], [sizes.width, sizes.wide])?;
            at = wide.at();
        }
        let qkv = pointer(at + (head * sizes.wide * Dtype::Bf16.bytes()) as u64);
        let keys = pointer(heads.keys.read().0 + (4 * sequence * sizes.len) as u64);
        let mut o = sizes.unwritten(self, 1)?;
        let mut log_sum = self.unwritten(&[sizes.len], Dtype::F32)?;
        let mut p = self.unwritten(&[sizes.len, sizes.len], Dtype::F32)?;
        let (len, n_heads, scale_log2) = (number(sizes.len), number(sizes.n_heads), LOG2_E * sizes.scale());
        let blocks = |rows: usize| sizes.len.div_ceil(rows);
        // SAFETY: the sequence and the head are inside qkv and keys, as compared above; the rest was made for them.
        unsafe {
            launch!(
                self,
                sizes.wide,
                [blocks(FORWARD_ROWS), 1, 1],
                AttentionFwdD32
                    | AttentionFwdD64 {
                        qkv,
                        keys,
                        o: o.write(),
                        log_sum: log_sum.write(),
                        len,
                        n_heads,
                        scale_log2,
                    }
            )?;
            launch!(
                self,
                sizes.wide,
                [blocks(OTHER_ROWS), blocks(OTHER_ROWS), 1],
                AttentionProbabilitiesD32
                    | AttentionProbabilitiesD64 {
                        qkv,
                        keys,
                        log_sum: log_sum.read(),
                        p: p.write(),
                        len,
                        n_heads,
                        sequence: 0,
                        head: 0,
                        scale_log2,
                    }
            )?;
        }
        self.download(&p)
    }
}
