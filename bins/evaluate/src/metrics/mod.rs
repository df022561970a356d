//! Pure functions from slices to numbers; an undefined number is an [`Undefined`] with its reason, never 0 or NaN.

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod classification;
pub mod integration;
pub mod kmeans;
pub mod network;
pub mod pairing;
pub mod ranking;
pub mod scores;

/// Why a metric has no value here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undefined(pub &'static str);

#[cfg(test)]
pub(crate) mod goldens {
    use serde_json::Value;
    use std::path::PathBuf;

    pub fn path(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/metrics").join(name)
    }

    pub fn json(name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
    }

    pub fn codes(value: &Value) -> Vec<u32> {
        value.as_array().unwrap().iter().map(|code| code.as_u64().unwrap() as u32).collect()
    }

    pub fn matrix(value: &Value) -> Vec<Vec<f64>> {
        let row = |row: &Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        value.as_array().unwrap().iter().map(row).collect()
    }

    /// [`pbmc_cells`] in f64.
    pub fn pbmc() -> (Vec<f64>, Vec<u32>, Vec<u32>) {
        let (points, labels, batches) = pbmc_cells();
        (points.into_iter().map(f64::from).collect(), labels, batches)
    }

    /// 700 cells × 50 dimensions, labels and batches as codes by sorted name.
    pub fn pbmc_cells() -> (Vec<f32>, Vec<u32>, Vec<u32>) {
        let bytes = std::fs::read(path("pbmc_x_post.f32")).unwrap();
        let points = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let column = |at: usize| {
            let levels = levels(at);
            let values = values(at);
            values.iter().map(|value| levels.binary_search(value).unwrap() as u32).collect::<Vec<u32>>()
        };
        (points, column(1), column(3))
    }

    fn values(column: usize) -> Vec<String> {
        let text = std::fs::read_to_string(path("pbmc_obs.csv")).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().to_owned()).collect()
    }

    /// Names by code: column 1 has the labels, column 3 the batches.
    pub fn levels(column: usize) -> Vec<String> {
        let mut levels = values(column);
        levels.sort_unstable();
        levels.dedup();
        levels
    }

    /// The same cells before the batches were brought together.
    pub fn pbmc_before() -> Vec<f32> {
        tensor("x_pre").as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    /// One of the arrays that scib-metrics gave for these cells (`tests/python/make_integration_goldens.py`).
    pub fn numbers(name: &str) -> Vec<f64> {
        tensor(name).as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
    }

    fn tensor(name: &str) -> Vec<u8> {
        let file = std::fs::File::open(path("integration_pbmc.safetensors.zst")).unwrap();
        let bytes = zstd::decode_all(file).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        tensors.tensor(name).unwrap().data().to_vec()
    }

    #[track_caller]
    pub fn close(found: f64, expected: &Value, tolerance: f64) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
    }
}
