//! 700 real cells beside scib-metrics 0.6.1 in double precision (`tests/python/make_integration_goldens.py`).

use super::leiden::{Leiden, communities, modularity};
use super::{Graph, Knn, fuzzy};
use safetensors::SafeTensors;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../tests/data/metrics/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn cells() -> Vec<f32> {
    data("pbmc_x_post.f32").as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

struct Golden(Vec<u8>);

impl Golden {
    fn read() -> Self {
        Self(zstd::decode_all(&*data("integration_pbmc.safetensors.zst")).unwrap())
    }

    fn tensor<const N: usize, T>(&self, name: &str, number: fn([u8; N]) -> T) -> Vec<T> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        tensors.tensor(name).unwrap().data().as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
    }

    fn connectivities(&self) -> Graph {
        let ends = |name| self.tensor(name, u16::from_le_bytes).into_iter().map(u32::from);
        let weights = self.tensor("conn15", f32::from_le_bytes).into_iter().map(f64::from);
        let edges = ends("conn15_from").zip(ends("conn15_to")).zip(weights);
        Graph::from_edges(700, edges.map(|((from, to), weight)| (from, to, weight)))
    }
}

#[test]
fn neighbours_are_those_of_sorting_all_distances_in_double_precision() {
    let expected: Vec<u32> =
        Golden::read().tensor("knn", u16::from_le_bytes).into_iter().map(u32::from).collect();
    assert_eq!(Knn::exact(&cells(), 50, 90).indices, expected);
}

#[test]
fn weights_are_those_of_umap_learn() {
    let found = fuzzy::simplicial_set(&Knn::exact(&cells(), 50, 15));
    let expected = Golden::read().connectivities();
    assert_eq!(found.links, expected.links);
    for (found, expected) in found.weights.iter().zip(&expected.weights) {
        // umap-learn bisects to 1e-5 of the sum of memberships, in f32.
        assert!((found - expected).abs() < 2e-5, "{found} {expected}");
    }
}

/// igraph 1.0.0's Leiden, seed 42: ours reaches at least its modularity at every resolution, up to the difference that
/// seeds make.
#[test]
fn communities_are_as_modular_as_those_of_igraph() {
    let graph = Golden::read().connectivities();
    let expected: serde_json::Value = serde_json::from_slice(&data("integration_pbmc.json")).unwrap();
    for row in expected["leiden"].as_array().unwrap() {
        let resolution = row["resolution"].as_f64().unwrap();
        let found = communities(&graph, &Leiden { resolution, ..Leiden::default() });
        let (found, expected) = (modularity(&graph, &found, resolution), row["modularity"].as_f64().unwrap());
        assert!(found > expected - 1e-3, "resolution {resolution}: {found}, igraph {expected}");
    }
}
