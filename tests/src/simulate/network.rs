//! The regulatory network: regulators, their targets, signs and weights.

use super::gene_list::{Gene, Role};
use super::programs::PROGRAMS;
use super::random::Purpose;
use panfoma_core::rng::Philox;
use std::collections::BTreeMap;

/// Targets of a regulator besides its program's markers.
const RANDOM_TARGETS: usize = 24;
/// Share of the program's markers that one of its regulators drives.
const MARKER_SHARE: f64 = 0.65;
/// Share of a regulator's random targets that it represses.
const REPRESSED: f64 = 0.3;

/// One edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Position of the regulator in `Network::regulators`.
    pub regulator: usize,
    /// Position of the target in the universe.
    pub target: usize,
    /// Change of the target's log rate with the regulator's activity; negative if it represses.
    pub weight: f64,
}

/// The truth for `grn`.
pub struct Network {
    /// Position of each regulator in the universe, program after program.
    pub regulators: Vec<usize>,
    /// Edges, regulator after regulator; targets ascend.
    pub edges: Vec<Edge>,
}

impl Network {
    /// Known markers of each program, random targets, and from each regulator to the next of its program.
    ///
    /// Later regulators are never upstream of earlier ones, so there is no cycle.
    pub fn new(genes: &[Gene], philox: &Philox) -> Self {
        let position: BTreeMap<&str, usize> =
            genes.iter().enumerate().map(|(i, g)| (g.symbol.as_str(), i)).collect();
        let ordinary: Vec<usize> = (0..genes.len()).filter(|&i| genes[i].role == Role::Ordinary).collect();
        let mut regulators = Vec::new();
        let mut edges = Vec::new();
        for program in PROGRAMS {
            let markers: Vec<usize> =
                program.markers.iter().filter_map(|name| position.get(name).copied()).collect();
            let members: Vec<usize> =
                program.regulators.iter().filter_map(|name| position.get(name).copied()).collect();
            for (rank, &gene) in members.iter().enumerate() {
                let mut draws = philox.stream(genes[gene].key(), Purpose::Edges as u32);
                let mut targets = BTreeMap::new();
                for &marker in &markers {
                    if draws.uniform() < MARKER_SHARE {
                        targets.insert(marker, 0.45 + 0.4 * draws.uniform());
                    }
                }
                for _ in 0..RANDOM_TARGETS.min(ordinary.len()) {
                    let target = ordinary[draws.below(ordinary.len() as u32) as usize];
                    let sign = if draws.uniform() < REPRESSED { -1.0 } else { 1.0 };
                    targets.insert(target, sign * (0.35 + 0.45 * draws.uniform()));
                }
                if let Some(&next) = members.get(rank + 1) {
                    targets.insert(next, 0.5);
                }
                let regulator = regulators.len() + rank;
                edges.extend(targets.into_iter().map(|(target, weight)| Edge { regulator, target, weight }));
            }
            regulators.extend(members);
        }
        Self { regulators, edges }
    }
}
