//! Labels by the votes of the nearest reference cells, and how far away those are.

use crate::reference::Reference;
use panfoma_core::artifact::predictions::Place;
use panfoma_core::neighbors::map_nearest_around;
use panfoma_core::rng::Philox;

/// Reference cells whose own distances say what is far.
const CALIBRATION_CELLS: usize = 5_000;
/// Names this use of the seed.
const PURPOSE: u32 = 0x6D61_7070;

/// A reference, ready to be asked.
pub struct Mapper {
    reference: Reference,
    /// Mean of the reference: near it, products lose fewest digits.
    centre: Vec<f64>,
    neighbors: usize,
    /// Distance to the last neighbour of some reference cells, each without itself; ascending.
    usual: Vec<f64>,
}

/// What the reference says of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped {
    /// Shares of votes, [classes].
    pub votes: Vec<f32>,
    /// How far away the reference is.
    pub place: Place,
}

impl Mapper {
    /// Measures how far reference cells are from each other: at most 5,000 of them, drawn by `seed`, against all.
    pub fn new(reference: Reference, neighbors: usize, seed: u64) -> Self {
        let n = reference.n_cells();
        let mut drawn: Vec<usize> = (0..n).collect();
        if n > CALIBRATION_CELLS {
            Philox::new(seed).stream(0, PURPOSE).shuffle(&mut drawn);
            drawn.truncate(CALIBRATION_CELLS);
        }
        let mut mapper = Self { centre: mean(&reference), reference, neighbors, usual: Vec::new() };
        let dim = mapper.reference.dim;
        let points: Vec<f32> = drawn
            .iter()
            .flat_map(|&cell| &mapper.reference.points[cell * dim..(cell + 1) * dim])
            .copied()
            .collect();
        let itself: Vec<Option<u32>> = drawn.iter().map(|&cell| Some(cell as u32)).collect();
        mapper.usual = mapper.nearest(&points, &itself).into_iter().map(|(_, distance)| distance).collect();
        mapper.usual.sort_by(f64::total_cmp);
        mapper
    }

    /// What the reference says of some cells, in their order. points: [cells × dim]   hashes: of the cells' names; a cell
    /// that stands in the reference does not vote on itself.
    pub fn map(&self, points: &[f32], hashes: &[u64]) -> Vec<Mapped> {
        let itself: Vec<Option<u32>> =
            hashes.iter().map(|hash| self.reference.positions.get(hash).copied()).collect();
        let say = |(neighbors, distance): (Vec<u32>, f64)| {
            let mut votes = vec![0.0f32; self.reference.classes.len()];
            neighbors.iter().for_each(|&cell| votes[self.reference.labels[cell as usize] as usize] += 1.0);
            votes.iter_mut().for_each(|votes| *votes /= neighbors.len() as f32);
            let nearer = self.usual.partition_point(|&usual| usual < distance);
            let novelty = nearer as f64 / self.usual.len() as f64;
            Mapped { votes, place: Place { distance: distance as f32, novelty: novelty as f32 } }
        };
        self.nearest(points, &itself).into_iter().map(say).collect()
    }

    /// The nearest reference cells of each point, without itself, and the distance of the last of them.
    fn nearest(&self, points: &[f32], itself: &[Option<u32>]) -> Vec<(Vec<u32>, f64)> {
        // One more, in case the cell itself is among them.
        let asked = self.neighbors + 1;
        map_nearest_around(
            &self.centre,
            points,
            &self.reference.points,
            asked,
            |query, found: &[(f64, u32)]| {
                let mut others: Vec<(f64, u32)> =
                    found.iter().copied().filter(|&(_, cell)| Some(cell) != itself[query]).collect();
                others.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                others.truncate(self.neighbors);
                let last = others.last().map_or(0.0, |last| self.distance(points, query, last.1));
                (others.into_iter().map(|(_, cell)| cell).collect(), last)
            },
        )
    }

    /// By differences, which lose no digits.
    fn distance(&self, points: &[f32], query: usize, cell: u32) -> f64 {
        let dim = self.reference.dim;
        let row = |points: &'_ [f32], at: usize| points[at * dim..(at + 1) * dim].to_vec();
        let (a, b) = (row(points, query), row(&self.reference.points, cell as usize));
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
    }

    /// The reference.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }
}

fn mean(reference: &Reference) -> Vec<f64> {
    let mut sums = vec![0.0; reference.dim];
    for point in reference.points.chunks_exact(reference.dim) {
        sums.iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums.into_iter().map(|sum| sum / reference.n_cells() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tight groups on a line, eight cells each.
    fn reference() -> Reference {
        let points: Vec<f32> =
            (0..16).map(|cell| if cell < 8 { cell as f32 * 0.1 } else { 50.0 + cell as f32 * 0.1 }).collect();
        Reference {
            label_column: "cell_type".to_owned(),
            classes: vec!["B".to_owned(), "T".to_owned()],
            labels: (0..16).map(|cell| u32::from(cell >= 8)).collect(),
            points,
            dim: 1,
            positions: (0..16).map(|cell| (u64::from(cell), cell)).collect(),
        }
    }

    #[test]
    fn neighbours_vote_and_a_cell_far_from_both_groups_is_novel() {
        let mapper = Mapper::new(reference(), 3, 0);
        let found = mapper.map(&[0.33, 50.95, 25.0], &[100, 101, 102]);
        assert_eq!((&found[0].votes[..], &found[1].votes[..]), (&[1.0, 0.0][..], &[0.0, 1.0][..]));
        assert!(found[0].place.novelty < 0.5 && found[2].place.novelty == 1.0, "{found:?}");
        // The third nearest of 0.33 are 0.3, 0.4 and 0.2.
        assert!((found[0].place.distance - 0.13).abs() < 1e-6);
    }

    #[test]
    fn a_cell_does_not_vote_on_itself() {
        let mapper = Mapper::new(Reference { labels: [vec![1], vec![0; 15]].concat(), ..reference() }, 3, 0);
        // Cell 0 is the only T; asked by its own name it hears the others only.
        assert_eq!(mapper.map(&[0.0], &[0])[0].votes, [1.0, 0.0]);
        assert!(mapper.map(&[0.0], &[77])[0].votes[1] > 0.3);
    }

    /// Leaving each out, reference cells are spread evenly over 0 to 1.
    #[test]
    fn the_novelty_of_reference_cells_is_uniform() {
        let n = 400u32;
        let mut stream = Philox::new(1).stream(0, 0);
        let reference = Reference {
            labels: vec![0; n as usize],
            points: (0..3 * n).map(|_| stream.normal() as f32).collect(),
            dim: 3,
            positions: (0..n).map(|cell| (u64::from(cell), cell)).collect(),
            ..reference()
        };
        let (points, hashes) = (reference.points.clone(), (0..u64::from(n)).collect::<Vec<_>>());
        let mut found: Vec<f32> =
            Mapper::new(reference, 10, 0).map(&points, &hashes).iter().map(|m| m.place.novelty).collect();
        found.sort_by(f32::total_cmp);
        for (at, novelty) in found.iter().enumerate() {
            // Two cells that are each other's tenth share a distance.
            assert!((novelty - at as f32 / n as f32).abs() < 0.006, "{at} {novelty}");
        }
    }

    /// scikit-learn 1.9.1, `KNeighborsClassifier(15)` and `NearestNeighbors`, on 500 of 700 cells for the other 200.
    #[test]
    fn votes_distances_and_novelty_are_those_of_scikit_learn() {
        let file = |name: &str| {
            std::fs::read(format!("{}/../../tests/data/metrics/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
        };
        let points: Vec<f32> = file("pbmc_x_post.f32")
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        let expected: serde_json::Value = serde_json::from_slice(&file("transfer.json")).unwrap();
        let classes: Vec<String> = serde_json::from_value(expected["classes"].clone()).unwrap();
        let table = String::from_utf8(file("pbmc_obs.csv")).unwrap();
        let names = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned());
        let code = |name: String| classes.binary_search(&name).unwrap() as u32;
        let reference = Reference {
            labels: names.take(500).map(code).collect(),
            classes: classes.clone(),
            points: points[..500 * 50].to_vec(),
            dim: 50,
            positions: (0..500).map(|cell| (u64::from(cell), cell)).collect(),
            ..reference()
        };
        let hashes: Vec<u64> = (500..700).collect();
        for (at, found) in Mapper::new(reference, 15, 0).map(&points[500 * 50..], &hashes).iter().enumerate()
        {
            let votes: Vec<f32> = found.votes.iter().map(|share| (share * 15.0).round()).collect();
            assert_eq!(
                serde_json::json!(votes),
                serde_json::json!(floats(&expected["votes"][at])),
                "cell {at}"
            );
            let close = |found: f32, name: &str| {
                let expected = expected[name][at].as_f64().unwrap();
                assert!(
                    (f64::from(found) - expected).abs() < 1e-6 * expected.max(1.0),
                    "{name} {found} {expected}"
                );
            };
            close(found.place.distance, "distance");
            close(found.place.novelty, "novelty");
        }
    }

    fn floats(value: &serde_json::Value) -> Vec<f32> {
        value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    }
}
