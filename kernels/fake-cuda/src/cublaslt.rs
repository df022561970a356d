//! cuBLASLt's functions: column-major products on the host, bf16 in, sums in f32.

use crate::{code, device};
use panfoma_ptx_interpreter::{Memory, f32_to_bf16};
use std::ffi::{c_int, c_void};

const SUCCESS: c_int = 0;
const INVALID_VALUE: c_int = 7;

const R_32F: c_int = 0;
const R_16BF: c_int = 14;

/// Attributes of a product that are set.
const TRANSA: c_int = 3;
const TRANSB: c_int = 4;
const EPILOGUE: c_int = 7;
const BIAS_POINTER: c_int = 8;
const BIAS_TYPE: c_int = 26;
const EPILOGUE_BIAS: c_int = 4;

#[derive(Clone, Copy, Default)]
struct Description {
    transposed: [bool; 2],
    epilogue: c_int,
    bias: u64,
}

#[derive(Clone, Copy)]
struct Layout {
    dtype: c_int,
    rows: usize,
    cols: usize,
    stride: usize,
}

/// A matrix [rows, cols] by columns, as f32.
struct Matrix {
    rows: usize,
    cols: usize,
    numbers: Vec<f32>,
}

impl Matrix {
    fn read(memory: &Memory, at: u64, layout: &Layout) -> Self {
        let Layout { dtype, rows, cols, stride } = *layout;
        let n = (cols - 1) * stride + rows;
        let all = if dtype == R_16BF { memory.read_bf16(at, n) } else { memory.read_f32(at, n) };
        let numbers = (0..cols).flat_map(|c| all[c * stride..][..rows].to_vec()).collect();
        Self { rows, cols, numbers }
    }

    fn t(self, transposed: bool) -> Self {
        if !transposed {
            return self;
        }
        let Self { rows, cols, numbers } = self;
        let turned = (0..rows).flat_map(|r| (0..cols).map(move |c| (r, c)));
        Self { rows: cols, cols: rows, numbers: turned.map(|(r, c)| numbers[c * rows + r]).collect() }
    }
}

fn handle<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtCreate(made: *mut *mut c_void) -> c_int {
    unsafe { *made = handle(()) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasLtDestroy(_handle: *mut c_void) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmulDescCreate(
    made: *mut *mut c_void,
    _compute: c_int,
    _scale: c_int,
) -> c_int {
    unsafe { *made = handle(Description::default()) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmulDescSetAttribute(
    description: *mut c_void,
    attribute: c_int,
    value: *const c_void,
    bytes: usize,
) -> c_int {
    let description: &mut Description = unsafe { &mut *description.cast() };
    let word = || unsafe { value.cast::<c_int>().read_unaligned() };
    match (attribute, bytes) {
        (TRANSA, 4) => description.transposed[0] = word() != 0,
        (TRANSB, 4) => description.transposed[1] = word() != 0,
        (EPILOGUE, 4) => description.epilogue = word(),
        (BIAS_POINTER, 8) => description.bias = unsafe { value.cast::<u64>().read_unaligned() },
        (BIAS_TYPE, 4) if word() == R_16BF => {}
        _ => return INVALID_VALUE,
    }
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmulDescDestroy(description: *mut c_void) -> c_int {
    drop(unsafe { Box::from_raw(description.cast::<Description>()) });
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatrixLayoutCreate(
    made: *mut *mut c_void,
    dtype: c_int,
    rows: u64,
    cols: u64,
    stride: i64,
) -> c_int {
    if stride < rows as i64 || ![R_16BF, R_32F].contains(&dtype) {
        return INVALID_VALUE;
    }
    let layout = Layout { dtype, rows: rows as usize, cols: cols as usize, stride: stride as usize };
    unsafe { *made = handle(layout) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatrixLayoutDestroy(layout: *mut c_void) -> c_int {
    drop(unsafe { Box::from_raw(layout.cast::<Layout>()) });
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmulPreferenceCreate(made: *mut *mut c_void) -> c_int {
    unsafe { *made = handle(()) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasLtMatmulPreferenceSetAttribute(
    _preference: *mut c_void,
    _attribute: c_int,
    _value: *const c_void,
    _bytes: usize,
) -> c_int {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn cublasLtMatmulPreferenceDestroy(_preference: *mut c_void) -> c_int {
    SUCCESS
}

/// One algorithm, which is all zeros, as is what is said of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmulAlgoGetHeuristic(
    _handle: *mut c_void,
    _description: *mut c_void,
    _a: *mut c_void,
    _b: *mut c_void,
    _c: *mut c_void,
    _d: *mut c_void,
    _preference: *mut c_void,
    _asked: c_int,
    results: *mut [u64; 12],
    found: *mut c_int,
) -> c_int {
    unsafe {
        *results = [0; 12];
        *found = 1;
    }
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasLtMatmul(
    _handle: *mut c_void,
    description: *mut c_void,
    alpha: *const f32,
    a: u64,
    a_layout: *mut c_void,
    b: u64,
    b_layout: *mut c_void,
    beta: *const f32,
    c: u64,
    c_layout: *mut c_void,
    d: u64,
    d_layout: *mut c_void,
    _algorithm: *const c_void,
    _workspace: *mut c_void,
    _workspace_bytes: usize,
    stream: *mut c_void,
) -> c_int {
    // Everything but the matrices is read now.
    let description: Description = unsafe { *description.cast() };
    let layout = |layout: *mut c_void| -> Layout { unsafe { *layout.cast() } };
    let (alpha, beta, to) = unsafe { (*alpha, *beta, layout(d_layout)) };
    let [a_layout, b_layout, c_layout] = [a_layout, b_layout, c_layout].map(layout);
    let [left, right] = [(a_layout, 0), (b_layout, 1)].map(|(layout, i)| match description.transposed[i] {
        true => (layout.cols, layout.rows),
        false => (layout.rows, layout.cols),
    });
    if (left.1, left.0, right.1) != (right.0, to.rows, to.cols) {
        return INVALID_VALUE;
    }
    code(device().push(stream, move |memory| {
        let left = Matrix::read(memory, a, &a_layout).t(description.transposed[0]);
        let right = Matrix::read(memory, b, &b_layout).t(description.transposed[1]);
        let bias = match description.epilogue {
            EPILOGUE_BIAS => memory.read_bf16(description.bias, to.rows),
            _ => vec![0.0; to.rows],
        };
        let onto = (beta != 0.0).then(|| Matrix::read(memory, c, &c_layout));
        multiply(memory, [left, right], (alpha, beta), onto, &bias, (d, to));
        Ok(())
    }))
}

/// d = alpha left right + beta onto + bias
fn multiply(
    memory: &mut Memory,
    [left, right]: [Matrix; 2],
    (alpha, beta): (f32, f32),
    onto: Option<Matrix>,
    bias: &[f32],
    (d, to): (u64, Layout),
) {
    for col in 0..to.cols {
        let mut sums = vec![0.0f32; to.rows];
        for (k, &y) in right.numbers[col * right.rows..][..right.rows].iter().enumerate() {
            for (sum, &x) in sums.iter_mut().zip(&left.numbers[k * left.rows..][..left.rows]) {
                *sum += x * y;
            }
        }
        for (row, sum) in sums.iter_mut().enumerate() {
            let added = onto.as_ref().map_or(0.0, |onto| beta * onto.numbers[col * to.rows + row]);
            *sum = alpha * *sum + added + bias[row];
        }
        let bytes: Vec<u8> = match to.dtype {
            R_16BF => sums.iter().flat_map(|&x| f32_to_bf16(x).to_le_bytes()).collect(),
            _ => sums.iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
        let number = if to.dtype == R_16BF { 2 } else { 4 };
        memory.write(d + (number * col * to.stride) as u64, &bytes);
    }
}
