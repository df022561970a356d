//! Pure functions from slices to numbers; an undefined number is an [`Undefined`] with its reason, never 0 or NaN.

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod classification;
pub mod kmeans;
pub mod network;
pub mod ranking;
pub mod scores;
pub mod silhouette;

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

    /// 700 cells × 50 dimensions, labels and batches as codes by sorted name.
    pub fn pbmc() -> (Vec<f64>, Vec<u32>, Vec<u32>) {
        let bytes = std::fs::read(path("pbmc_x_post.f32")).unwrap();
        let points =
            bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
        let text = std::fs::read_to_string(path("pbmc_obs.csv")).unwrap();
        let column = |at: usize| {
            let values: Vec<&str> =
                text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap()).collect();
            let mut levels = values.clone();
            levels.sort_unstable();
            levels.dedup();
            values.iter().map(|value| levels.binary_search(value).unwrap() as u32).collect::<Vec<u32>>()
        };
        (points, column(1), column(3))
    }

    #[track_caller]
    pub fn close(found: f64, expected: &Value, tolerance: f64) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
    }
}
