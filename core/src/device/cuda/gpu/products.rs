//! Matrix products by cuBLASLt, each shape planned once.
//!
//! cuBLASLt's matrices are column-major, and a row-major matrix is the column-major one of its transpose: y = a b is asked
//! for as yᵗ = bᵗ aᵗ.

use crate::device::cuda::driver::{Address, Dtype, Product};
use cudarc::cublaslt::result;
use cudarc::cublaslt::sys::{
    self, cublasComputeType_t as Compute, cublasLtEpilogue_t as Epilogue,
    cublasLtMatmulDescAttributes_t as Attribute, cublasLtMatmulPreferenceAttributes_t as Preference,
    cudaDataType_t as Type,
};
use cudarc::driver::result as driver;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// Scratch memory of a product: what NVIDIA recommends for Hopper, and for others.
const WORKSPACE: [usize; 2] = [32 << 20, 4 << 20];

/// cuBLASLt with its plans.
pub struct Products {
    handle: sys::cublasLtHandle_t,
    workspace: Address,
    workspace_bytes: usize,
    plans: Mutex<HashMap<Key, Plan>>,
}

/// What a plan depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    sizes: [usize; 3],
    transposed: [bool; 2],
    strides: [usize; 3],
    /// Powers of two that divide the addresses of a, b, y and what it is added to, at most 256.
    alignment: [u32; 4],
    dtype: Dtype,
    has_bias: bool,
}

#[derive(Clone, Copy)]
struct Plan {
    description: sys::cublasLtMatmulDesc_t,
    a: sys::cublasLtMatrixLayout_t,
    b: sys::cublasLtMatrixLayout_t,
    y: sys::cublasLtMatrixLayout_t,
    algorithm: sys::cublasLtMatmulAlgo_t,
}

fn pointer(at: Address) -> *mut c_void {
    std::ptr::with_exposed_provenance_mut(at as usize)
}

fn alignment(at: Address) -> u32 {
    1 << at.trailing_zeros().min(8)
}

fn words(error: result::CublasError) -> String {
    format!("cuBLASLt: {error:?}")
}

impl Products {
    /// For a device of this compute capability, whose context is current.
    pub fn new(capability: i32) -> Result<Self, String> {
        let handle = result::create_handle().map_err(words)?;
        let workspace_bytes = WORKSPACE[usize::from(capability < 9)];
        // SAFETY: the block is scratch: cuBLASLt writes what it reads there.
        let workspace = unsafe { driver::malloc_sync(workspace_bytes) }.map_err(super::words)?;
        Ok(Self { handle, workspace, workspace_bytes, plans: Mutex::new(HashMap::new()) })
    }

    /// Asks for a product.
    ///
    /// # Safety
    /// The matrices lie in the device's memory, and the stream belongs to the current context.
    pub unsafe fn multiply(
        &self,
        product: &Product,
        stream: cudarc::driver::sys::CUstream,
    ) -> Result<(), String> {
        let key = Key {
            sizes: [product.m, product.n, product.k],
            transposed: [product.a.transposed, product.b.transposed],
            strides: [product.a.stride, product.b.stride, product.y.stride],
            alignment: [product.a.at, product.b.at, product.y.at, product.onto.unwrap_or(0)].map(alignment),
            dtype: product.dtype,
            has_bias: product.bias.is_some(),
        };
        // The bias's address is part of a description, so descriptions are used under the lock.
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = match plans.get(&key) {
            Some(plan) => *plan,
            None => *plans.entry(key).or_insert(self.plan(&key).map_err(|why| describe(&key, &why))?),
        };
        let (alpha, beta) = (1.0f32, if product.onto.is_some() { 1.0f32 } else { 0.0 });
        let y = pointer(product.y.at);
        let onto = pointer(product.onto.unwrap_or(product.y.at));
        // SAFETY: the plan's handles are alive until `release`; scalars outlive the call, which copies them.
        unsafe {
            if let Some(bias) = product.bias {
                set(plan.description, Attribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias).map_err(words)?;
            }
            result::matmul(
                self.handle,
                plan.description,
                (&raw const alpha).cast(),
                (&raw const beta).cast(),
                pointer(product.b.at),
                plan.b,
                pointer(product.a.at),
                plan.a,
                onto,
                plan.y,
                y,
                plan.y,
                &plan.algorithm,
                pointer(self.workspace),
                self.workspace_bytes,
                stream.cast(),
            )
        }
        .map_err(|error| describe(&key, &words(error)))
    }

    fn plan(&self, key: &Key) -> Result<Plan, String> {
        let [m, n, k] = key.sizes;
        let operation = |transposed: bool| i32::from(transposed);
        let layout = |dtype: Type, [rows, cols]: [usize; 2], stride: usize| {
            result::create_matrix_layout(dtype, cols as u64, rows as u64, stride as i64).map_err(words)
        };
        let stored =
            |[rows, cols]: [usize; 2], transposed| if transposed { [cols, rows] } else { [rows, cols] };
        let half = Type::CUDA_R_16BF;
        let a = layout(half, stored([m, k], key.transposed[0]), key.strides[0])?;
        let b = layout(half, stored([k, n], key.transposed[1]), key.strides[1])?;
        let wide = match key.dtype {
            Dtype::Bf16 => half,
            Dtype::F32 => Type::CUDA_R_32F,
        };
        let y = layout(wide, [m, n], key.strides[2])?;
        let description =
            result::create_matmul_desc(Compute::CUBLAS_COMPUTE_32F, Type::CUDA_R_32F).map_err(words)?;
        let preference = result::create_matmul_pref().map_err(words)?;
        // SAFETY: every handle was just made, and every value outlives the call that copies it.
        unsafe {
            // cuBLASLt's first matrix is our second.
            let transposed = [operation(key.transposed[1]), operation(key.transposed[0])];
            set(description, Attribute::CUBLASLT_MATMUL_DESC_TRANSA, &transposed[0]).map_err(words)?;
            set(description, Attribute::CUBLASLT_MATMUL_DESC_TRANSB, &transposed[1]).map_err(words)?;
            if key.has_bias {
                let epilogue = Epilogue::CUBLASLT_EPILOGUE_BIAS;
                set(description, Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue).map_err(words)?;
                set(description, Attribute::CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &half).map_err(words)?;
            }
            let prefer = |what, value: *const c_void, bytes| {
                result::set_matmul_pref_attribute(preference, what, value, bytes).map_err(words)
            };
            let workspace = (&raw const self.workspace_bytes).cast();
            prefer(Preference::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace, 8)?;
            let [of_a, of_b, of_y, of_onto] = &key.alignment;
            for (what, bytes) in [
                (Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, of_b),
                (Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, of_a),
                (Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, of_onto),
                (Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, of_y),
            ] {
                prefer(what, (bytes as *const u32).cast(), 4)?;
            }
            let found = result::get_matmul_algo_heuristic(self.handle, description, b, a, y, y, preference);
            result::destroy_matmul_pref(preference).map_err(words)?;
            Ok(Plan { description, a, b, y, algorithm: found.map_err(words)?.algo })
        }
    }

    /// Frees everything; the context is current and no product is under way.
    pub fn release(&mut self) {
        let plans = std::mem::take(self.plans.get_mut().unwrap_or_else(PoisonError::into_inner));
        // SAFETY: the handles were made by `plan` and `new` and are used no more; what fails now is of no use to anyone.
        unsafe {
            for plan in plans.into_values() {
                let _ = result::destroy_matmul_desc(plan.description);
                for layout in [plan.a, plan.b, plan.y] {
                    let _ = result::destroy_matrix_layout(layout);
                }
            }
            let _ = result::destroy_handle(self.handle);
            let _ = driver::free_sync(self.workspace);
        }
    }
}

/// # Safety
/// The description is alive.
unsafe fn set<T>(
    description: sys::cublasLtMatmulDesc_t,
    attribute: Attribute,
    value: &T,
) -> Result<(), result::CublasError> {
    let value: *const T = value;
    // SAFETY: the value is as long as its type says, and is copied.
    unsafe { result::set_matmul_desc_attribute(description, attribute, value.cast(), size_of::<T>()) }
}

fn describe(key: &Key, why: &str) -> String {
    let [m, n, k] = key.sizes;
    let names = |transposed: bool| if transposed { "t" } else { "" };
    format!(
        "{why} for [{m}, {k}]{} x [{k}, {n}]{} of strides {:?}",
        names(key.transposed[0]),
        names(key.transposed[1]),
        key.strides
    )
}
