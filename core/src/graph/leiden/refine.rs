//! Refinement: each community is built anew from single nodes, so that what becomes one node is connected.

use super::moves::Touching;
use super::{Level, compact};
use crate::rng::Stream;

/// How evenly merges of different gain are drawn, in mean edge weights: igraph's beta of 0.01 for edges of weight 1.
const TEMPERATURE: f64 = 0.01;

/// Parts of the communities, numbered without gaps.
///
/// A node that is still alone joins a part of its own community at random, more likely the more modularity gains; both
/// it and the part must be well connected to the rest of the community (Traag et al. 2019, supplement, algorithm A.2).
pub fn refine(level: &Level, communities: &[u32], stream: &mut Stream) -> Vec<u32> {
    let n = level.n_nodes();
    let mut whole = vec![0.0; n];
    communities.iter().zip(&level.strength).for_each(|(&c, s)| whole[c as usize] += s);
    let mut parts: Vec<u32> = (0..n as u32).collect();
    let mut size = vec![1u32; n];
    let mut strength = level.strength.clone();
    // Weight between a part and the rest of its community.
    let mut outward: Vec<f64> = (0..n)
        .map(|node| {
            let inside =
                level.graph.neighbors(node).filter(|&(o, _)| communities[o as usize] == communities[node]);
            inside.map(|(_, weight)| weight).sum()
        })
        .collect();
    let n_links = level.graph.weights.len().max(1) as f64;
    let temperature = TEMPERATURE * level.graph.weights.iter().sum::<f64>() / n_links;
    let mut order: Vec<u32> = (0..n as u32).collect();
    stream.shuffle(&mut order);
    let mut touching = Touching::new(n);
    for node in order {
        let node = node as usize;
        let own = communities[node];
        let whole = whole[own as usize];
        let is_well_connected =
            |part: usize| outward[part] >= level.cost * strength[part] * (whole - strength[part]);
        if size[node] != 1 || parts[node] as usize != node || !is_well_connected(node) {
            continue;
        }
        touching.collect_where(level, node, &parts, |other| communities[other] == own);
        // Staying alone gains 0.
        let mut choices = vec![(node, 0.0)];
        for &part in &touching.communities {
            let part = part as usize;
            let gain = touching.weight[part] - level.cost * level.strength[node] * strength[part];
            if gain >= 0.0 && is_well_connected(part) {
                choices.push((part, gain));
            }
        }
        let chosen = draw(&choices, temperature, stream);
        if chosen != node {
            // Edges between the two are no longer outward, for neither.
            outward[chosen] += outward[node] - 2.0 * touching.weight[chosen];
            strength[chosen] += strength[node];
            size[chosen] += 1;
            size[node] = 0;
            parts[node] = chosen as u32;
        }
    }
    compact(&mut parts);
    parts
}

/// One of the choices with probability proportional to exp(gain / temperature).
fn draw(choices: &[(usize, f64)], temperature: f64, stream: &mut Stream) -> usize {
    let most = choices.iter().fold(0.0f64, |most, choice| most.max(choice.1));
    let chance = |gain: f64| if temperature > 0.0 { libm::exp((gain - most) / temperature) } else { 1.0 };
    let total: f64 = choices.iter().map(|choice| chance(choice.1)).sum();
    let mut at = stream.uniform() * total;
    for &(part, gain) in choices {
        let chance = chance(gain);
        if at < chance {
            return part;
        }
        at -= chance;
    }
    choices.last().expect("staying is a choice").0
}
