//! Fast local moving: nodes join the neighbouring community that gains most, until no node gains.

use super::Level;
use crate::rng::Stream;
use std::collections::VecDeque;

/// A move must gain more than rounding can pretend, relative to the node's strength.
const LEAST_GAIN: f64 = 1e-12;

/// Moves nodes in a random order, then those whose neighbours moved. communities: [n] codes below n.
pub fn move_nodes(level: &Level, communities: &mut [u32], stream: &mut Stream) {
    let n = level.n_nodes();
    let mut strength = vec![0.0; n];
    let mut size = vec![0u32; n];
    for (node, &own) in communities.iter().enumerate() {
        strength[own as usize] += level.strength[node];
        size[own as usize] += 1;
    }
    let mut empty: Vec<u32> = (0..n as u32).rev().filter(|&c| size[c as usize] == 0).collect();
    let mut order: Vec<u32> = (0..n as u32).collect();
    stream.shuffle(&mut order);
    let mut queue: VecDeque<u32> = order.into();
    let mut is_queued = vec![true; n];
    let mut touching = Touching::new(n);
    while let Some(node) = queue.pop_front() {
        let node = node as usize;
        is_queued[node] = false;
        let own = communities[node];
        touching.collect(level, node, communities);
        strength[own as usize] -= level.strength[node];
        let gain = |community: u32| {
            touching.weight[community as usize]
                - level.cost * level.strength[node] * strength[community as usize]
        };
        let least = LEAST_GAIN * level.strength[node];
        let (mut best, mut most) = (own, gain(own));
        for &community in &touching.communities {
            let gain = gain(community);
            if gain > most + least {
                (best, most) = (community, gain);
            }
        }
        // Alone it gains nothing and loses nothing.
        if most < -least && size[own as usize] > 1 {
            best = *empty.last().expect("a community of two leaves a number free");
        }
        strength[best as usize] += level.strength[node];
        if best == own {
            continue;
        }
        size[own as usize] -= 1;
        if size[best as usize] == 0 {
            empty.pop();
        }
        size[best as usize] += 1;
        if size[own as usize] == 0 {
            empty.push(own);
        }
        communities[node] = best;
        for (other, _) in level.graph.neighbors(node) {
            if communities[other as usize] != best && !is_queued[other as usize] {
                is_queued[other as usize] = true;
                queue.push_back(other);
            }
        }
    }
}

/// Communities next to one node, and the weight of its edges to each.
pub struct Touching {
    /// In the order of the node's neighbours.
    pub communities: Vec<u32>,
    /// 0 for communities that do not touch it.
    pub weight: Vec<f64>,
    is_known: Vec<bool>,
}

impl Touching {
    pub fn new(n_communities: usize) -> Self {
        Self {
            communities: Vec::new(),
            weight: vec![0.0; n_communities],
            is_known: vec![false; n_communities],
        }
    }

    pub fn collect(&mut self, level: &Level, node: usize, communities: &[u32]) {
        self.collect_where(level, node, communities, |_| true);
    }

    /// Of the neighbours that `counts` lets pass.
    pub fn collect_where(
        &mut self,
        level: &Level,
        node: usize,
        communities: &[u32],
        counts: impl Fn(usize) -> bool,
    ) {
        for community in self.communities.drain(..) {
            self.weight[community as usize] = 0.0;
            self.is_known[community as usize] = false;
        }
        for (other, weight) in level.graph.neighbors(node).filter(|&(other, _)| counts(other as usize)) {
            let community = communities[other as usize];
            if !std::mem::replace(&mut self.is_known[community as usize], true) {
                self.communities.push(community);
            }
            self.weight[community as usize] += weight;
        }
    }
}
