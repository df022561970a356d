use super::{Direction, Scan, ScanGrad, SelectiveScan};
use crate::device::cuda::{Address, Cuda, Driver, Dtype, Groups, kernels, number, pointer};
use crate::device::{Device, Result, Tensor};

/// States of a channel that the kernels have. Fewer are filled up with states that B and C of 0 keep at 0.
const STATES: usize = 16;
/// Steps between checkpoints.
const CHECKPOINT: usize = 32;
/// Channels of a block, in both directions.
const CHANNELS: usize = 128;
/// Threads of a block of the kernels that sum up.
const BLOCK: usize = 128;
/// Numbers a sequence and channel add to the parameters' gradients: d a_log by state, dD, dbias.
const PARAMETERS: usize = STATES + 2;

/// B, C and log(-A) as the kernels read them: the model's own, or filled up to 16 states.
struct States<D: Driver> {
    bc: Address,
    bc_cols: usize,
    a_log: Address,
    /// Holds what was filled up.
    _filled: Option<(Tensor<Cuda<D>>, Tensor<Cuda<D>>)>,
}

impl<D: Driver> States<D> {
    fn new(b: &Cuda<D>, scan: &Scan<Cuda<D>>) -> Result<Self> {
        let (e, n, bc_cols) = (scan.a_log.rows(), scan.a_log.cols(), scan.bc.cols());
        assert!(n <= STATES && e.is_multiple_of(32), "{e} channels of {n} states");
        let dtypes = [scan.x, scan.dt_raw, scan.bc, scan.xz].map(Tensor::dtype);
        assert_eq!(dtypes, [Dtype::Bf16; 4]);
        assert_eq!([scan.dt_bias, scan.a_log, scan.d].map(Tensor::dtype), [Dtype::F32; 3]);
        let rows = scan.sequences.rows();
        assert_eq!((scan.x.rows(), scan.x.cols(), scan.dt_raw.shape()), (rows, e, scan.x.shape()));
        assert_eq!((scan.bc.rows(), scan.xz.rows(), scan.xz.cols()), (rows, rows, 2 * e));
        assert_eq!((scan.dt_bias.cols(), scan.d.cols()), (e, e));
        if n == STATES && bc_cols.is_multiple_of(4) {
            return Ok(Self { bc: scan.bc.at(), bc_cols, a_log: scan.a_log.at(), _filled: None });
        }
        let mut bc = b.unwritten(&[rows, 2 * STATES], Dtype::Bf16)?;
        let mut a_log = b.unwritten(&[e, STATES], Dtype::F32)?;
        // SAFETY: both pairs of tensors have the rows and columns said here.
        unsafe {
            let to = Groups { at: bc.at_mut(), width: STATES, stride: 2 * STATES };
            b.regroup(Dtype::Bf16, rows, 2, columns(scan.bc, n), to)?;
            let from = Groups { at: scan.a_log.at(), width: n, stride: n };
            let to = Groups { at: a_log.at_mut(), width: STATES, stride: STATES };
            b.regroup(Dtype::F32, e, 1, from, to)?;
        }
        let (at_bc, at_a_log) = (bc.at(), a_log.at());
        Ok(Self { bc: at_bc, bc_cols: 2 * STATES, a_log: at_a_log, _filled: Some((bc, a_log)) })
    }
}

/// The last 2 n columns, B and C.
fn columns<D: Driver>(bc: &Tensor<Cuda<D>>, n: usize) -> Groups {
    let stride = bc.cols();
    Groups { at: bc.at() + ((stride - 2 * n) * Dtype::Bf16.bytes()) as u64, width: n, stride }
}

fn reverse(direction: Direction) -> u32 {
    match direction {
        Direction::Forward => 0,
        Direction::Backward => 1,
    }
}

impl<D: Driver> SelectiveScan for Cuda<D> {
    fn selective_scan(&self, scan: &Scan<Self>) -> Result<(Tensor<Self>, Tensor<Self>)> {
        let (e, len, n) = (scan.a_log.rows(), scan.sequences.len, scan.sequences.n);
        let filled = States::new(self, scan)?;
        let mut out = self.unwritten(scan.x.shape(), Dtype::Bf16)?;
        let mut states = self.unwritten(&[n, len.div_ceil(CHECKPOINT), STATES, e], Dtype::F32)?;
        let arguments = kernels::SelectiveScanFwd {
            x: scan.x.read(),
            dt_raw: scan.dt_raw.read(),
            bc: pointer(filled.bc),
            xz: scan.xz.read(),
            dt_bias: scan.dt_bias.read(),
            a_log: pointer(filled.a_log),
            d: scan.d.read(),
            n_valid: scan.sequences.n_valid.read(),
            out: out.write(),
            states: states.write(),
            len: number(len),
            n_channels: number(e),
            bc_cols: number(filled.bc_cols),
            reverse: reverse(scan.direction),
        };
        // SAFETY: `States` compared the tensors with each other.
        unsafe { self.launch(&arguments, [e.div_ceil(CHANNELS), n, 1])? };
        Ok((out, states))
    }

    fn selective_scan_backward(
        &self,
        scan: &Scan<Self>,
        states: &Tensor<Self>,
        d_out: &Tensor<Self>,
        grad: ScanGrad<Self>,
    ) -> Result<()> {
        let (e, len, n) = (scan.a_log.rows(), scan.sequences.len, scan.sequences.n);
        let (rows, n_states) = (scan.sequences.rows(), scan.a_log.cols());
        assert_eq!((d_out.shape(), d_out.dtype()), (scan.x.shape(), Dtype::Bf16));
        assert_eq!([grad.x.shape(), grad.dt_raw.shape()], [scan.x.shape(); 2]);
        assert_eq!([grad.bc.shape(), grad.xz.shape()], [scan.bc.shape(), scan.xz.shape()]);
        let filled = States::new(self, scan)?;
        let n_parts = e.div_ceil(CHANNELS);
        let mut bc_parts = self.unwritten(&[n_parts, rows, 2 * STATES], Dtype::F32)?;
        let mut parameter_parts = self.unwritten(&[n, PARAMETERS, e], Dtype::F32)?;
        let arguments = kernels::SelectiveScanBwd {
            x: scan.x.read(),
            dt_raw: scan.dt_raw.read(),
            bc: pointer(filled.bc),
            xz: scan.xz.read(),
            dt_bias: scan.dt_bias.read(),
            a_log: pointer(filled.a_log),
            d: scan.d.read(),
            n_valid: scan.sequences.n_valid.read(),
            states: states.read(),
            d_out: d_out.read(),
            dx: grad.x.write(),
            d_dt: grad.dt_raw.write(),
            dxz: grad.xz.write(),
            bc_parts: bc_parts.write(),
            parameter_parts: parameter_parts.write(),
            len: number(len),
            n_channels: number(e),
            bc_cols: number(filled.bc_cols),
            reverse: reverse(scan.direction),
        };
        // SAFETY: the assertions above and `States` compared the tensors with each other.
        unsafe { self.launch(&arguments, [n_parts, n, 1])? };
        self.sum_bc(scan, &bc_parts, grad.bc)?;
        let own = n_states == STATES;
        let mut wide = if own { None } else { Some(self.zeros(&[e, STATES])?) };
        let arguments = kernels::SelectiveScanBwdParameters {
            parameter_parts: parameter_parts.read(),
            d_a_log: wide.as_mut().unwrap_or(grad.a_log).write(),
            d_d: grad.d.write(),
            d_dt_bias: grad.dt_bias.write(),
            n_sequences: number(n),
            n_channels: number(e),
        };
        // SAFETY: as above.
        unsafe { self.launch(&arguments, [(PARAMETERS * e).div_ceil(BLOCK), 1, 1])? };
        if let Some(wide) = wide {
            let mut narrow = self.unwritten(grad.a_log.shape(), Dtype::F32)?;
            let from = Groups { at: wide.at(), width: STATES, stride: STATES };
            let to = Groups { at: narrow.at_mut(), width: n_states, stride: n_states };
            // SAFETY: both tensors have the rows and columns said here.
            unsafe { self.regroup(Dtype::F32, e, 1, from, to)? };
            self.add_assign(grad.a_log, &narrow)?;
        }
        Ok(())
    }
}

impl<D: Driver> Cuda<D> {
    /// The blocks' shares of dB and dC, summed into the last columns of `d_bc`.
    fn sum_bc(&self, scan: &Scan<Self>, bc_parts: &Tensor<Self>, d_bc: &mut Tensor<Self>) -> Result<()> {
        let (n_parts, rows, n_states) = (bc_parts.shape()[0], scan.sequences.rows(), scan.a_log.cols());
        let own = n_states == STATES && d_bc.cols().is_multiple_of(2);
        let mut wide = if own { None } else { Some(self.unwritten(&[rows, 2 * STATES], Dtype::Bf16)?) };
        let to = wide.as_mut().unwrap_or(d_bc);
        let arguments = kernels::SelectiveScanBwdBc {
            bc_parts: bc_parts.read(),
            n_valid: scan.sequences.n_valid.read(),
            bc_cols: number(to.cols()),
            d_bc: to.write(),
            n_rows: number(rows),
            len: number(scan.sequences.len),
            n_parts: number(n_parts),
        };
        // SAFETY: the caller compared the tensors with each other.
        unsafe { self.launch(&arguments, [(STATES * rows).div_ceil(BLOCK), 1, 1])? };
        if let Some(wide) = wide {
            let from = Groups { at: wide.at(), width: STATES, stride: 2 * STATES };
            let to = columns(d_bc, n_states);
            // SAFETY: both tensors have the rows and columns said here.
            unsafe { self.regroup(Dtype::Bf16, rows, 2, from, to)? };
        }
        Ok(())
    }
}
